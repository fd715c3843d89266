/** Clients of the real service, and networks with faults. */
import { randomUUID } from "node:crypto";
import { SignJWT } from "jose";
import { inject } from "vitest";
import { createTasks, type TasksOptions } from "../../src/index.js";

type Fetch = NonNullable<TasksOptions["fetch"]>;

/** Return a token as Better Auth signs it with a shared secret. */
export function tokenFor(user: string, lifetime = 900, secret = inject("secret")): Promise<string> {
  const now = Math.floor(Date.now() / 1000);
  const claims = { sub: user, iat: now, exp: now + lifetime };
  return new SignJWT(claims).setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(secret));
}

export const newUser = () => `user-${randomUUID()}`;

/** Return a client for `user`. Repetitions follow after a few milliseconds. */
export function clientFor(user = newUser(), options: Partial<TasksOptions> = {}) {
  return createTasks({ baseUrl: inject("url"), getToken: () => tokenFor(user), backoff: 2, ...options });
}

/** A network that loses responses: the service has done its work, and the client does not learn it. */
export class LossyNetwork {
  requests: Request[] = [];
  lose = 0;

  fetch: Fetch = async (request) => {
    this.requests.push(request.clone());
    const response = await fetch(request);
    if (this.lose-- <= 0) return response;
    await response.arrayBuffer();
    throw new TypeError("fetch failed");
  };
}
