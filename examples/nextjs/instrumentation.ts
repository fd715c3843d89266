/** Runs once when the server starts, before the first request: check the settings, create the tables, check the key. */
export async function register() {
  if (process.env.NEXT_RUNTIME !== "nodejs") return;
  const { checkSettings, fail } = await import("@/lib/settings");
  checkSettings();
  const { getMigrations } = await import("better-auth/db/migration");
  const { options } = await import("@/lib/auth");
  const { runMigrations } = await getMigrations(options).catch((error) => fail(`DATABASE_URL: ${error}`));
  await runMigrations();
  const { checkSigningKey } = await import("@/lib/signing-key");
  await checkSigningKey();
}
