import { createAuthClient } from "better-auth/react";
import { jwtClient } from "better-auth/client/plugins";
import { forgetPage } from "./kept-page";

export const authClient = createAuthClient({
  plugins: [jwtClient()],
  // A POST changes who is signed in, or what the page shows of the person.
  fetchOptions: { onSuccess: ({ request }) => (request.method === "POST" ? forgetPage() : undefined) },
});

type Outcome = { error: { message?: string; status?: number } | null };

const UNREACHABLE = "The sign-in service cannot be reached. Try again in a moment.";

/** Return why a request to Better Auth failed, as a sentence; undefined when it succeeded. */
export async function problemOf(request: Promise<Outcome>): Promise<string | undefined> {
  const { error } = await request.catch(() => ({ error: { message: UNREACHABLE } }));
  return error ? error.message || "That did not work. Try again in a moment." : undefined;
}
