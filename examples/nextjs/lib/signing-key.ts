import { auth } from "./auth";
import { fail } from "./settings";

const CHANGED = "BETTER_AUTH_SECRET is not the secret with which the key in the table jwks was encrypted.";

/** Signs once: with a key of another secret, /api/auth/token and /api/auth/get-session answer 500. */
export async function checkSigningKey() {
  try {
    await auth().api.signJWT({ body: { payload: {} } });
  } catch (error) {
    if (!String(error).includes("decrypt")) throw error;
    if (process.env.NODE_ENV === "production") fail(`${CHANGED} Set the old secret, or delete the rows of jwks.`);
    const { adapter } = await auth().$context;
    await adapter.deleteMany({ model: "jwks", where: [] });
    console.warn(`${CHANGED} A new key replaces it. Sign in again.`);
  }
}
