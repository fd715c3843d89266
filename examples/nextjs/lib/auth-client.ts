import { createAuthClient } from "better-auth/react";
import { jwtClient } from "better-auth/client/plugins";
import { unreachable } from "./failure";

export const authClient = createAuthClient({ plugins: [jwtClient()] });

export async function signOut() {
  const { error } = await authClient.signOut().catch(() => ({ error: true }));
  if (error) throw unreachable("sign-in");
}
