// A Better Auth server for the tests. It runs with the packages of examples/nextjs (`node --input-type=module < this file`).
// Its settings are environment variables with the names of the example and of the service.
import { createServer } from "node:http";
import { LibsqlDialect } from "@libsql/kysely-libsql";
import { betterAuth } from "better-auth";
import { getMigrations } from "better-auth/db/migration";
import { toNodeHandler } from "better-auth/node";
import { bearer, jwt } from "better-auth/plugins";
import { SignJWT } from "jose";
import { Pool } from "pg";

const { PORT, BETTER_AUTH_URL, BETTER_AUTH_SECRET, DATABASE_URL, JWT_ALGORITHM, TOKEN_EXPIRES_IN = "15m" } = process.env;
const shared = JWT_ALGORITHM === "HS256";
const secret = new TextEncoder().encode(BETTER_AUTH_SECRET);
const mails = {};

const options = {
  baseURL: BETTER_AUTH_URL,
  secret: BETTER_AUTH_SECRET,
  database: DATABASE_URL.startsWith("postgres")
    ? new Pool({ connectionString: DATABASE_URL })
    : { dialect: new LibsqlDialect({ url: DATABASE_URL }), type: "sqlite" },
  emailAndPassword: { enabled: true },
  // Other values that look like a token: the session cache in a cookie, and the token of the verification mail.
  session: { cookieCache: { enabled: true, strategy: "jwt" } },
  emailVerification: {
    sendOnSignUp: true,
    sendVerificationEmail: async ({ user, token }) => void (mails[user.id] = token),
  },
  plugins: [
    bearer(),
    jwt({
      sessionCookieCache: !shared,
      jwks: shared ? { remoteUrl: "unused", keyPairConfig: { alg: "EdDSA" } } : { keyPairConfig: { alg: JWT_ALGORITHM } },
      jwt: {
        expirationTime: TOKEN_EXPIRES_IN,
        sign: shared
          ? (payload) => new SignJWT(payload).setProtectedHeader({ alg: "HS256" }).sign(secret)
          : undefined,
      },
    }),
  ],
};

const { runMigrations } = await getMigrations(options);
await runMigrations();
const betterAuthHandler = toNodeHandler(betterAuth(options));
createServer((request, response) => {
  const [, folder, userId] = request.url.split("/");
  if (folder === "mails") return response.end(mails[userId]);
  betterAuthHandler(request, response);
}).listen(Number(PORT), "127.0.0.1");
