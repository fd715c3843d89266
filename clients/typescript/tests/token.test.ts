import { expect, test, vi } from "vitest";
import { createTasks } from "../src/index.js";
import { clientFor, newUser, tokenFor } from "./setup/clients.js";
import { problem, startFake, tasks as emptyList } from "./setup/fake.js";

function tokenWith(claims: object): string {
  return `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.s`;
}

test("parallel requests share one token", async () => {
  const user = newUser();
  const getToken = vi.fn(() => tokenFor(user));
  const tasks = clientFor(user, { getToken });
  await Promise.all([tasks.list(), tasks.counts(), tasks.list()]);
  await tasks.list();
  expect(getToken).toHaveBeenCalledTimes(1);
});

test("an expired token is renewed once, and the request is repeated", async () => {
  const user = newUser();
  const getToken = vi.fn(async () => tokenFor(user, getToken.mock.calls.length === 1 ? -60 : 900));
  expect(await clientFor(user, { getToken }).all()).toEqual([]);
  expect(getToken).toHaveBeenCalledTimes(2);
});

test("a second refusal is the error", async () => {
  const user = newUser();
  const getToken = vi.fn(() => tokenFor(user, -60));
  await expect(clientFor(user, { getToken }).all()).rejects.toMatchObject({ code: "token_expired", isSignedOut: true });
  expect(getToken).toHaveBeenCalledTimes(2);
});

test("parallel refusals renew the token once", async () => {
  await using fake = await startFake(
    problem(401, "token_expired"),
    problem(401, "token_expired"),
    problem(401, "token_expired"),
    emptyList,
  );
  const now = Date.now() / 1000;
  let count = 0;
  const getToken = vi.fn(() => tokenWith({ iat: now, exp: now + 900, n: count++ }));
  const tasks = createTasks({ baseUrl: fake.url, getToken, backoff: 2 });
  await Promise.all([tasks.list(), tasks.list(), tasks.list()]);
  expect(getToken).toHaveBeenCalledTimes(2);
});

test("a token is renewed before it expires, whatever the clock of this device says", async () => {
  await using fake = await startFake(emptyList);
  vi.useFakeTimers({ toFake: ["Date"] });
  const issued = Date.now() / 1000 - 5 * 3600; // this clock is five hours fast
  const getToken = vi.fn(() => tokenWith({ iat: issued, exp: issued + 900 }));
  const tasks = createTasks({ baseUrl: fake.url, getToken });
  const calls: number[] = [];
  for (const seconds of [0, 860, 20]) {
    vi.setSystemTime(Date.now() + seconds * 1000);
    await tasks.list();
    calls.push(getToken.mock.calls.length);
  }
  vi.useRealTimers();
  expect(calls).toEqual([1, 1, 2]);
});

test("no token is not_authenticated, without a request", async () => {
  await using fake = await startFake(emptyList);
  const tasks = createTasks({ baseUrl: fake.url, getToken: () => null });
  await expect(tasks.list()).rejects.toMatchObject({ code: "not_authenticated" });
  expect(fake.requests).toHaveLength(0);
});

test("a sign-in service that fails for a moment is asked again", async () => {
  const user = newUser();
  let calls = 0;
  const getToken = () => (calls++ ? tokenFor(user) : Promise.reject(new Error("unreachable")));
  expect(await clientFor(user, { getToken }).all()).toEqual([]);
});

test("a sign-in service that fails for longer is token_unavailable", async () => {
  const failure = new Error("unreachable");
  const tasks = createTasks({
    baseUrl: "http://127.0.0.1:9",
    getToken: () => Promise.reject(failure),
    retries: 1,
    backoff: 1,
  });
  await expect(tasks.list()).rejects.toMatchObject({ code: "token_unavailable", cause: failure, isTemporary: true });
});

test("a sign-in service that never answers does not block later requests", async () => {
  await using fake = await startFake(emptyList);
  let calls = 0;
  const getToken = () => (calls++ ? "t" : new Promise<string>(() => {}));
  const tasks = createTasks({ baseUrl: fake.url, getToken, timeout: 50, retries: 0 });
  await expect(tasks.list()).rejects.toMatchObject({ code: "token_unavailable" });
  expect(await tasks.all()).toEqual([]);
});

test("after forgetToken no request uses the token of the person before", async () => {
  const [alice, bob] = [newUser(), newUser()];
  let user = alice;
  const tasks = clientFor(alice, { getToken: () => tokenFor(user) });
  await tasks.create({ title: "of alice" });
  user = bob;
  tasks.forgetToken();
  expect(await tasks.all()).toEqual([]);
});

test("a token that was on its way when the person signed out is not kept", async () => {
  await using fake = await startFake(emptyList);
  let answer: (token: string) => void = () => {};
  const now = Date.now() / 1000;
  const tokens = [
    new Promise<string>((resolve) => (answer = resolve)),
    tokenWith({ iat: now, exp: now + 900, sub: "bob" }),
  ];
  const tasks = createTasks({ baseUrl: fake.url, getToken: () => tokens.shift() });
  const first = tasks.list();
  tasks.forgetToken();
  answer(tokenWith({ iat: now, exp: now + 900, sub: "alice" }));
  await first;
  await tasks.list();
  expect(fake.requests[1]!.authorization).toBe(`Bearer ${tokenWith({ iat: now, exp: now + 900, sub: "bob" })}`);
});
