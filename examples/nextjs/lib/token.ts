import { decodeJwt } from "jose";
import { authClient } from "./auth-client";
import { Failure, unreachable } from "./failure";

const MARGIN = 30; // seconds

let cached: { token: string; renewAt: number } | null = null;
let renewal: Promise<string> | null = null;

/** The API token: kept until shortly before it expires, and asked for once however many requests wait. */
export async function getToken(): Promise<string> {
  if (cached && Date.now() < cached.renewAt) return cached.token;
  renewal ??= renew().finally(() => (renewal = null));
  return renewal;
}

/** The API refused this token. A newer one, which another request has fetched meanwhile, stays. */
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
  // Counted from now by the token's own length: the clock of this device may be wrong.
  const seconds = exp - iat - Math.min(MARGIN, (exp - iat) / 2);
  cached = { token: data.token, renewAt: askedAt + seconds * 1000 };
  return data.token;
}
