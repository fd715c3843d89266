/** Every variable that the server reads. `.env.example` explains them. */
const env = process.env;

export const settings = {
  url: env.BETTER_AUTH_URL || "http://localhost:3000",
  secret: env.BETTER_AUTH_SECRET || "",
  database: env.DATABASE_URL || "file:auth.db",
  tokenMode: env.TOKEN_MODE || "jwks",
  tokenLifetime: env.TOKEN_EXPIRES_IN || "15m",
  keyAlgorithm: (env.JWT_KEY_ALG || "EdDSA") as "EdDSA" | "ES256" | "ES512" | "RS256" | "PS256",
};

/** Called at the start, not on import, so that `next build` needs no secret. */
export function checkSettings() {
  const { secret, database, tokenMode, keyAlgorithm } = settings;
  if (secret.length < 32) fail("BETTER_AUTH_SECRET must have 32 characters or more: openssl rand -hex 32");
  if (!/^(postgres(ql)?|file):/.test(database)) fail("DATABASE_URL must begin with postgresql:// or file:");
  if (!/^(jwks|hs256)$/.test(tokenMode)) fail("TOKEN_MODE must be jwks or hs256");
  if (!/^(EdDSA|ES256|ES512|RS256|PS256)$/.test(keyAlgorithm)) fail("JWT_KEY_ALG must be EdDSA, ES256, ES512, RS256 or PS256");
}

export function fail(sentence: string): never {
  console.error(`Cannot start. ${sentence}`);
  process.exit(1);
}
