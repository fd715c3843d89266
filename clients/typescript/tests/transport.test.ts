import { expect, test } from "vitest";
import { createTasks, TaskProblem } from "../src/index.js";
import { cut, cutInTheBody, json, problem, silence, startFake, tasks as emptyList } from "./setup/fake.js";

const connect = (url: string, options = {}) =>
  createTasks({ baseUrl: url, getToken: () => "t", backoff: 2, ...options });

test.each([
  ["503", problem(503, "database_unavailable", { "Retry-After": "0" })],
  ["429", problem(429, "rate_limited", { "Retry-After": "0" })],
  ["502 of a proxy", json(502, "")],
  ["a connection that is cut", cut],
  ["a connection that is cut in the body", cutInTheBody],
])("a read is repeated after %s", async (_, fault) => {
  await using fake = await startFake(fault, fault, emptyList);
  expect(await connect(fake.url).all()).toEqual([]);
  expect(fake.requests).toHaveLength(3);
});

test("a write is repeated after a timeout", async () => {
  await using fake = await startFake(silence, json(201, { id: 1, version: 1 }));
  expect(await connect(fake.url, { timeout: 200 }).create({ title: "a" })).toMatchObject({ id: 1 });
});

test("Retry-After is waited for", async () => {
  await using fake = await startFake(problem(503, "database_unavailable", { "Retry-After": "1" }), emptyList);
  await connect(fake.url).all();
  expect(fake.requests[1]!.at - fake.requests[0]!.at).toBeGreaterThanOrEqual(990);
});

test("a pause that is too long is an error at once", async () => {
  await using fake = await startFake(problem(429, "rate_limited", { "Retry-After": "60" }));
  await expect(connect(fake.url).all()).rejects.toMatchObject({ code: "rate_limited", retryAfter: 60 });
  expect(fake.requests).toHaveLength(1);
});

test("repetitions are bounded", async () => {
  await using fake = await startFake(problem(503, "identity_unavailable"));
  await expect(connect(fake.url, { retries: 2 }).all()).rejects.toMatchObject({
    code: "identity_unavailable",
    status: 503,
  });
  expect(fake.requests).toHaveLength(3);
});

test.each([
  ["422", problem(422, "validation_error"), "validation_error"],
  ["500", problem(500, "internal_error"), "internal_error"],
  ["a code of a newer service", problem(409, "brand_new"), "unexpected_response"],
])("%s is not repeated", async (_, fault, code) => {
  await using fake = await startFake(fault);
  const error = await connect(fake.url)
    .all()
    .catch((error) => error);
  expect(error).toBeInstanceOf(TaskProblem);
  expect(error).toMatchObject({ code, requestId: "r1" });
  expect(fake.requests).toHaveLength(1);
});

test("a page of another program is an unexpected response", async () => {
  await using fake = await startFake((response) => response.writeHead(200, { "Content-Type": "text/html" }).end("<p>"));
  await expect(connect(fake.url, { retries: 0 }).all()).rejects.toMatchObject({ code: "unexpected_response" });
});

test("no response at all is a network_error", async () => {
  await using fake = await startFake(cut);
  const error = await connect(fake.url, { retries: 1 })
    .all()
    .catch((error) => error);
  expect(error).toMatchObject({ code: "network_error", status: 0, isTemporary: true });
  expect(error.cause).toBeInstanceOf(TypeError);
});

test("no response in time is a timeout", async () => {
  await using fake = await startFake(silence);
  await expect(connect(fake.url, { retries: 0, timeout: 50 }).all()).rejects.toMatchObject({ code: "timeout" });
});

test("fetch is not called as a method, which browsers refuse", async () => {
  await using fake = await startFake(emptyList);
  const asInBrowsers = function (this: unknown, request: Request) {
    return this === undefined ? fetch(request) : Promise.reject(new TypeError("Illegal invocation"));
  };
  expect(await connect(fake.url, { fetch: asInBrowsers, retries: 0 }).all()).toEqual([]);
});

test("an aborted request rejects with the signal's reason, and is not repeated", async () => {
  const controller = new AbortController();
  await using fake = await startFake(() => controller.abort(new Error("enough")));
  await expect(connect(fake.url).all({}, { signal: controller.signal })).rejects.toThrow("enough");
  expect(fake.requests).toHaveLength(1);
});

test("an abort ends the pause before a repetition", async () => {
  const controller = new AbortController();
  await using fake = await startFake(problem(503, "database_unavailable", { "Retry-After": "20" }));
  const request = connect(fake.url).all({}, { signal: controller.signal });
  await expect.poll(() => fake.requests.length).toBe(1);
  setTimeout(() => controller.abort(new Error("enough")), 50);
  await expect(request).rejects.toThrow("enough");
});
