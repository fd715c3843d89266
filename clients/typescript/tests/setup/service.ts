/** Starts the service of this repository for all tests: gunicorn, with a SQLite database of its own. */
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, openSync, readFileSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const REPOSITORY = path.resolve(import.meta.dirname, "../../../..");
const PYTHON = process.env.PYTHON ?? path.join(REPOSITORY, ".venv/bin/python");

export interface Service {
  url: string;
  secret: string;
  stop(): Promise<void>;
}

declare module "vitest" {
  interface ProvidedContext {
    url: string;
    secret: string;
  }
}

/** Start the service, with `variables` added to its environment. */
export async function startService(variables: Record<string, string> = {}): Promise<Service> {
  const folder = mkdtempSync(path.join(tmpdir(), "tasks-client-"));
  const secret = randomBytes(48).toString("base64url");
  const port = await freePort();
  const env = { ...environment(folder, port, secret), ...variables };
  execFileSync(PYTHON, ["manage.py", "migrate", "--verbosity=0"], { cwd: REPOSITORY, env, stdio: "inherit" });
  const log = path.join(folder, "service.log");
  const output = openSync(log, "w");
  const child = spawn(PYTHON, ["-m", "gunicorn"], { cwd: REPOSITORY, env, stdio: ["ignore", output, output] });
  const url = `http://127.0.0.1:${port}`;
  await untilItResponds(`${url}/health`, child, log);
  const stop = async () => {
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    await ended;
    rmSync(folder, { recursive: true });
  };
  return { url, secret, stop };
}

function environment(folder: string, port: number, secret: string) {
  return {
    PATH: process.env.PATH,
    HOME: process.env.HOME ?? "/",
    DOTENV_FILE: "/dev/null",
    DATABASE_URL: `sqlite:///${folder}/tasks.sqlite3`,
    DJANGO_SECRET_KEY: randomBytes(48).toString("base64url"),
    BETTER_AUTH_SECRET: secret,
    PORT: String(port),
    WEB_CONCURRENCY: "1",
    DRAIN_SECONDS: "0",
    RATE_LIMIT: "",
    RATE_LIMIT_ANON: "",
    USER_CONCURRENCY: "0",
  } as unknown as NodeJS.ProcessEnv;
}

export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}

export async function untilItResponds(url: string, child: ChildProcess, log: string) {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await sleep(100)) {
    if (child.exitCode !== null) break;
    if (
      await fetch(url).then(
        (response) => response.ok,
        () => false,
      )
    )
      return;
  }
  child.kill("SIGKILL");
  throw new Error(`The program did not start.\n${readFileSync(log, "utf8")}`);
}

export default async function setup({ provide }: { provide: (key: "url" | "secret", value: string) => void }) {
  const service = await startService();
  provide("url", service.url);
  provide("secret", service.secret);
  return service.stop;
}
