/** The access token: kept, shared by all requests, renewed shortly before it expires. */
import { TaskProblem } from "./problem.js";

/** Return a token, or null when the person is not signed in. */
export type GetToken = () => Promise<string | null | undefined> | string | null | undefined;

const MARGIN = 30; // seconds

export class TokenKeeper {
  #kept: { token: string; renewAt: number } | null = null;
  #renewal: Promise<string> | null = null;
  #generation = 0;

  constructor(
    private readonly getToken: GetToken,
    private readonly timeout: number,
  ) {}

  get(): Promise<string> {
    if (this.#kept && Date.now() < this.#kept.renewAt) return Promise.resolve(this.#kept.token);
    if (this.#renewal) return this.#renewal;
    const renewal = this.#renew(this.#generation).finally(() => {
      if (this.#renewal === renewal) this.#renewal = null;
    });
    return (this.#renewal = renewal);
  }

  /** Drop a token that was refused, or any token. A newer one, which another request has fetched, is kept. */
  forget(refused?: string): void {
    if (refused !== undefined && this.#kept?.token !== refused) return;
    this.#kept = null;
    if (refused !== undefined) return;
    this.#renewal = null;
    this.#generation++;
  }

  async #renew(generation: number): Promise<string> {
    const askedAt = Date.now();
    const token = await this.#ask();
    if (!token) throw new TaskProblem("Sign in again.", { code: "not_authenticated", status: 401 });
    if (generation === this.#generation) this.#kept = { token, renewAt: askedAt + secondsOf(token, askedAt) * 1000 };
    return token;
  }

  async #ask() {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("getToken did not answer in time.")), this.timeout);
    });
    try {
      return await Promise.race([this.getToken(), late]);
    } catch (cause) {
      if (cause instanceof TaskProblem) throw cause;
      throw new TaskProblem("The sign-in service cannot be reached.", { code: "token_unavailable", cause });
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Return how long the token can be used. A lifetime is independent of this device's clock, which may be wrong. */
function secondsOf(token: string, now: number): number {
  const { exp, iat } = claimsOf(token);
  if (!exp) return 0;
  const lifetime = exp - (iat ?? now / 1000);
  return lifetime - Math.min(MARGIN, lifetime / 2);
}

function claimsOf(token: string): { exp?: number; iat?: number } {
  try {
    const payload = token.split(".")[1]!.replace(/-/g, "+").replace(/_/g, "/");
    return JSON.parse(atob(payload)) as { exp?: number; iat?: number };
  } catch {
    return {};
  }
}
