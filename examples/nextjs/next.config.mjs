import path from "node:path";

// tsconfig.json takes tasks-client from its sources. An application that installs the package needs neither line.
const repository = path.join(import.meta.dirname, "../..");
const sources = { condition: { path: /clients\/typescript\/src\// }, loaders: ["./scripts/without-extensions.cjs"] };

export default {
  env: { NEXT_PUBLIC_BUILD: Date.now().toString(36) }, // each build has its own service worker, with its own caches
  poweredByHeader: false,
  serverExternalPackages: ["@libsql/client", "libsql"],
  outputFileTracingRoot: repository,
  turbopack: { root: repository, rules: { "*.ts": sources } },
  // `next dev` serves its scripts only to localhost and to these hosts.
  allowedDevOrigins: [new URL(process.env.BETTER_AUTH_URL || "http://localhost:3000").hostname],
};
