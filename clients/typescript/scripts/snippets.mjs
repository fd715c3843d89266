// Type-checks the snippets of README.md and docs/client.md: `node scripts/snippets.mjs`.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";

const FOLDER = "snippets"; // inside the package, so that imports find node_modules
const DOCUMENTS = ["README.md", "../../docs/client.md"];
const AUTH_CLIENT = "export declare const authClient: { token(): Promise<{ data: { token: string } | null }> };";

rmSync(FOLDER, { recursive: true, force: true });
for (const document of DOCUMENTS) {
  const folder = path.join(FOLDER, path.basename(document, ".md"));
  const found = readFileSync(document, "utf8").matchAll(/^```tsx? title="(.+)"\n([^]*?)^```$/gm);
  const snippets = Array.from(found, ([, name, text]) => [name, text]);
  if (snippets.length < 2) throw new Error(`${document}: no snippets found`);
  for (const [name, text] of [...snippets, ["lib/auth-client.ts", AUTH_CLIENT]]) {
    const file = path.join(folder, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}
const { status } = spawnSync("node_modules/.bin/tsc", ["-p", "tsconfig.snippets.json"], { stdio: "inherit" });
if (status !== 0) process.exit(1);
rmSync(FOLDER, { recursive: true });
