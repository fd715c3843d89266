// The packed size without types: `node scripts/size.mjs`, after a build. It fails above the limit.
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const LIMIT = 15_000; // bytes

const listing = execFileSync("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], {
  stdio: ["ignore", "pipe", "ignore"],
});
const pack = JSON.parse(listing);
const [{ files }] = Array.isArray(pack) ? pack : Object.values(pack);
const paths = files.map((file) => file.path).filter((path) => !path.endsWith(".d.ts"));
if (!paths.includes("dist/index.js")) throw new Error("dist/index.js is missing: run `npm run build` first");
const size = gzipSync(Buffer.concat(paths.map((path) => readFileSync(path))), { level: 9 }).length;
console.log(`The package has ${size} bytes, gzipped, without types (limit ${LIMIT}).`);
if (size > LIMIT) process.exit(1);
