import { LibsqlDialect } from "@libsql/kysely-libsql";
import { betterAuth, type BetterAuthOptions } from "better-auth";
import { admin, jwt } from "better-auth/plugins";
import { SignJWT, type JWTPayload } from "jose";
import { Pool } from "pg";
import { deleteTasksOf } from "./account-deletion";
import { settings } from "./settings";

const { url, secret, database, tokenMode, tokenLifetime, keyAlgorithm } = settings;

/** Tokens signed with the shared secret. Better Auth requires `remoteUrl` and `alg`; they have no effect. */
const sharedSecret = {
  jwks: { remoteUrl: "unused", keyPairConfig: { alg: "EdDSA" as const } },
  sign: (payload: JWTPayload) =>
    new SignJWT(payload).setProtectedHeader({ alg: "HS256" }).sign(new TextEncoder().encode(secret)),
};
const keySet = { jwks: { keyPairConfig: { alg: keyAlgorithm } }, sign: undefined };
const { jwks, sign } = tokenMode === "hs256" ? sharedSecret : keySet;

export const options = {
  baseURL: url, // also the token's `iss` and `aud`
  secret,
  database: database.startsWith("postgres")
    ? new Pool({ connectionString: database })
    : { dialect: new LibsqlDialect({ url: database }), type: "sqlite" as const },
  emailAndPassword: { enabled: true },
  // Better Auth's default is three attempts in 10 s. This limit is similar, but allows a burst.
  rateLimit: { customRules: { "/sign-in/email": { window: 60, max: 20 }, "/sign-up/email": { window: 60, max: 20 } } },
  // Both: `beforeDelete` runs before the sessions and the password are deleted, but only when people delete their own
  // accounts. The database hook also runs when an administrator removes a user.
  user: { deleteUser: { enabled: true, beforeDelete: deleteTasksOf } },
  databaseHooks: { user: { delete: { before: deleteTasksOf } } },
  plugins: [
    admin(),
    jwt({
      jwks,
      // The API needs only the user's id, so the token contains no name and no e-mail address.
      jwt: { sign, expirationTime: tokenLifetime, definePayload: () => ({}) },
    }),
  ],
} satisfies BetterAuthOptions;

let instance: ReturnType<typeof create> | undefined;
const create = () => betterAuth(options);

/** Created at first use, because it opens the database: `next build` imports this file without a database. */
export const auth = () => (instance ??= create());
