import { expect, test } from "vitest";
import { createTasks } from "../src/index.js";
import { clientFor } from "./setup/clients.js";
import { cutInTheBody, problem, startFake } from "./setup/fake.js";

const connect = (url: string, options = {}) =>
  createTasks({ baseUrl: url, getToken: () => "t", backoff: 2, ...options });

test("JSON has every task", async () => {
  const tasks = clientFor();
  const made = await tasks.createMany(["a", "b"].map((title) => ({ title, tags: ["home"] })));
  const file = await tasks.export();
  expect(file.type).toContain("application/json");
  expect(JSON.parse(await file.text())).toEqual(made);
});

test.each([
  ["csv", "text/csv", /^id,user_id,title.*\r\n\d+,[^,]+,Buy milk,/],
  ["ics", "text/calendar", /^BEGIN:VCALENDAR[^]*SUMMARY:Buy milk\r\n/],
] as const)("%s has the task", async (format, type, content) => {
  const tasks = clientFor();
  await tasks.create({ title: "Buy milk" });
  const file = await tasks.export(format);
  expect(file.type).toContain(type);
  expect(await file.text()).toMatch(content);
});

test("a file that ends early is read again", async () => {
  await using fake = await startFake(cutInTheBody, (response) => {
    response.writeHead(200, { "Content-Type": "application/json" }).end("[]");
  });
  expect(await (await connect(fake.url).export()).text()).toBe("[]");
  expect(fake.requests).toHaveLength(2);
});

test("a slow file is read to its end, however long it takes", async () => {
  await using fake = await startFake((response) => {
    response.writeHead(200, { "Content-Type": "text/csv" });
    let lines = 0;
    const timer = setInterval(() => {
      response.write(`${++lines}\r\n`);
      if (lines === 12) response.end(() => clearInterval(timer));
    }, 100);
  });
  const file = await connect(fake.url, { timeout: 1000, retries: 0 }).export("csv");
  expect((await file.text()).split("\r\n")).toHaveLength(13);
});

test("a file that stops in its middle is a timeout", async () => {
  await using fake = await startFake((response) => {
    response.writeHead(200, { "Content-Type": "text/csv" }).write("id,");
  });
  const file = connect(fake.url, { timeout: 200, retries: 0 }).export("csv");
  await expect(file).rejects.toMatchObject({ code: "timeout" });
});

test("a page of another program is no file", async () => {
  await using fake = await startFake((response) => response.writeHead(200, { "Content-Type": "text/html" }).end("<p>"));
  const file = connect(fake.url, { retries: 0 }).export("csv");
  await expect(file).rejects.toMatchObject({ code: "unexpected_response" });
});

test("a refused export is a problem of the service", async () => {
  await using fake = await startFake(problem(403, "forbidden"));
  await expect(connect(fake.url).export("ics")).rejects.toMatchObject({ code: "forbidden", requestId: "r1" });
});
