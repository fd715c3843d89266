/** The built package (`npm run build`), as applications and bundlers see it. */
import { execFileSync } from "node:child_process";
import { build } from "esbuild";
import { expect, test } from "vitest";

const folder = new URL("..", import.meta.url).pathname;
const external = ["openapi-fetch", "react", "@tanstack/react-query"];

async function bundled(contents: string): Promise<string> {
  const stdin = { contents, resolveDir: folder };
  const { outputFiles } = await build({ stdin, external, bundle: true, write: false, format: "esm", minify: true });
  return outputFiles[0]!.text;
}

test.each(["tasks-client", "tasks-client/react", "tasks-client/offline"])("Node imports %s", (entry) => {
  const program = `import * as all from ${JSON.stringify(entry)}; console.log(Object.keys(all).length > 3)`;
  expect(execFileSync("node", ["--input-type=module", "-e", program], { cwd: folder, encoding: "utf8" })).toBe(
    "true\n",
  );
});

test("the core has neither React nor the queue in it", async () => {
  const text = await bundled('import { createTasks } from "tasks-client"; console.log(createTasks)');
  expect(text).toContain("openapi-fetch");
  expect(text).not.toMatch(/react|indexedDB/);
});

test("what is not used is not bundled", async () => {
  const text = await bundled('import { SERVICE_CODES } from "tasks-client"; console.log(SERVICE_CODES)');
  expect(text).not.toContain("Authorization");
});
