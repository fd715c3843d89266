import { decodeJwt } from "jose";
import { authClient } from "./auth-client";
import { Failure, unreachable } from "./failure";

const MARGIN = 30; // seconds

let cached: { token: string; renewAt: number } | null = null;
let renewal: Promise<string> | null = null;

/** Return the API token. It is renewed shortly before it expires, once for all requests that wait for it. */
export async function getToken(): Promise<string> {
  if (cached && Date.now() < cached.renewAt) return cached.token;
  renewal ??= renew().finally(() => (renewal = null));
  return renewal;
}

/** Drop a token that the API refused. A newer token, which another request has fetched, is kept. */
export function forgetToken(token: string) {
  if (cached?.token === token) cached = null;
}

async function renew(): Promise<string> {
  const askedAt = Date.now();
  const { data, error } = await authClient.token().catch(() => ({ data: null, error: { status: 0 } }));
  if (error?.status === 401) {
    window.location.assign("/sign-in");
    throw new Failure("Your session has ended. Sign in again.", false);
  }
  if (!data) throw unreachable("sign-in");
  const { iat = 0, exp = 0 } = decodeJwt(data.token);
  // Measured from the request by the token's lifetime, because the clock of this device may be wrong.
  const seconds = exp - iat - Math.min(MARGIN, (exp - iat) / 2);
  cached = { token: data.token, renewAt: askedAt + seconds * 1000 };
  return data.token;
}
