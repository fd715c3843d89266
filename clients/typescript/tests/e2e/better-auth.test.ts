/** The client with the real Better Auth: tokens of its key set that are valid for four seconds. */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createTasks } from "../../src/index.js";
import { freePort, type Service, startService, untilItResponds } from "../setup/service.js";

const REPOSITORY = path.resolve(import.meta.dirname, "../../../..");
const stops: (() => unknown)[] = [];
let betterAuth: string;
let service: Service;

beforeAll(async () => {
  betterAuth = await startBetterAuth();
  service = await startService({ JWT_ALGORITHM: "EdDSA", BETTER_AUTH_URL: betterAuth, JWT_LEEWAY: "0" });
  stops.push(service.stop);
});

afterAll(async () => {
  for (const stop of stops) await stop();
});

async function startBetterAuth(): Promise<string> {
  const folder = mkdtempSync(path.join(tmpdir(), "better-auth-"));
  const url = `http://127.0.0.1:${await freePort()}`;
  const log = path.join(folder, "log");
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME ?? "/",
    PORT: new URL(url).port,
    BETTER_AUTH_URL: url,
    BETTER_AUTH_SECRET: randomBytes(48).toString("base64url"),
    DATABASE_URL: `file:${folder}/users.db`,
    JWT_ALGORITHM: "EdDSA",
    TOKEN_EXPIRES_IN: "4s",
  } as unknown as NodeJS.ProcessEnv;
  const program = openSync(path.join(REPOSITORY, "e2e/better_auth_server.mjs"), "r");
  const output = openSync(log, "w");
  const options = { cwd: path.join(REPOSITORY, "examples/nextjs"), env, stdio: [program, output, output] as const };
  const child = spawn("node", ["--input-type=module"], { ...options, stdio: [...options.stdio] });
  stops.push(
    () => child.kill(),
    () => rmSync(folder, { recursive: true }),
  );
  await untilItResponds(`${url}/api/auth/ok`, child, log);
  return url;
}

/** Sign up, and return what an application has: a function for tokens, and one to sign out. */
async function signUp(name: string) {
  const headers: Record<string, string> = { "Content-Type": "application/json", Origin: betterAuth };
  const post = (route: string, body: object) =>
    fetch(`${betterAuth}/api/auth/${route}`, { method: "POST", headers, body: JSON.stringify(body) });
  const answer = await post("sign-up/email", {
    name,
    email: `${name}@example.com`,
    password: randomBytes(12).toString("hex"),
  });
  headers.Cookie = answer.headers
    .getSetCookie()
    .map((cookie) => cookie.split(";")[0])
    .join("; ");
  const getToken = vi.fn(async () => {
    const response = await fetch(`${betterAuth}/api/auth/token`, { headers });
    return response.ok ? ((await response.json()) as { token: string }).token : null;
  });
  const signOut = async () => {
    const { ok } = await post("sign-out", {});
    if (ok) headers.Cookie = ""; // the response removes the cookies
  };
  return { getToken, signOut };
}

test("tokens are renewed while requests go on, and no request fails", { timeout: 60_000 }, async () => {
  const { getToken } = await signUp("alice");
  const tasks = createTasks({ baseUrl: service.url, getToken });
  const task = await tasks.create({ title: "a" });
  for (let n = 0; n < 10; n++, await sleep(800)) expect((await tasks.get(task.id)).title).toBe("a");
  expect(getToken.mock.calls.length).toBeGreaterThanOrEqual(3);
  expect(getToken.mock.calls.length).toBeLessThan(10);
});

test("each person has their own tasks", async () => {
  const [bob, carol] = [await signUp("bob"), await signUp("carol")];
  let person = bob;
  const tasks = createTasks({ baseUrl: service.url, getToken: () => person.getToken() });
  await tasks.create({ title: "of bob" });
  person = carol;
  tasks.forgetToken();
  expect(await tasks.all()).toEqual([]);
});

test("after a sign-out a request is not_authenticated", async () => {
  const { getToken, signOut } = await signUp("dave");
  const tasks = createTasks({ baseUrl: service.url, getToken });
  await tasks.all();
  await signOut();
  tasks.forgetToken();
  await expect(tasks.all()).rejects.toMatchObject({ code: "not_authenticated", isSignedOut: true });
});
