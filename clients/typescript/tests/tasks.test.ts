import { randomUUID } from "node:crypto";
import { describe, expect, test } from "vitest";
import { draftOf } from "../src/fields.js";
import type { Changes } from "../src/index.js";
import { clientFor, LossyNetwork, newUser } from "./setup/clients.js";

describe("reading", () => {
  test("pages follow the Link header to the last task", async () => {
    const tasks = clientFor();
    await tasks.createMany(["a", "b", "c", "d", "e"].map((title) => ({ title })));
    const sizes: number[] = [];
    for await (const page of tasks.pages({ limit: 2, sort: "-title" })) sizes.push(page.length);
    expect(sizes).toEqual([2, 2, 1]);
    const titles = (await tasks.all({ limit: 2, sort: "-title" })).map((task) => task.title);
    expect(titles).toEqual(["e", "d", "c", "b", "a"]);
  });

  test("a page leads to the next one with a cursor", async () => {
    const tasks = clientFor();
    await tasks.createMany([{ title: "a" }, { title: "b" }]);
    const first = await tasks.list({ limit: 1 });
    const second = await tasks.list({ limit: 1, cursor: first.next! });
    expect(second).toMatchObject({ tasks: [{ title: "b" }], next: null });
  });

  test("filters are sent, with several tags", async () => {
    const tasks = clientFor();
    await tasks.createMany([
      { title: "a", tags: ["home", "garden"] },
      { title: "b", tags: ["home"] },
    ]);
    const found = await tasks.all({ tag: ["home", "garden"], status: "pending" });
    expect(found.map((task) => task.title)).toEqual(["a"]);
  });

  test("counts", async () => {
    const tasks = clientFor();
    await tasks.createMany([
      { title: "a", completed: true },
      { title: "b", due_at: "2020-01-01T00:00:00Z" },
    ]);
    expect(await tasks.counts()).toEqual({ all: 2, pending: 1, completed: 1, overdue: 1 });
    expect(await tasks.counts({ search: "a" })).toMatchObject({ all: 1 });
  });

  test("changes since a token", async () => {
    const tasks = clientFor();
    const old = await tasks.create({ title: "old" });
    let next: string | undefined;
    for await (const page of tasks.changes()) next = page.next;
    await tasks.delete(old.id);
    const made = await tasks.create({ title: "new" });
    const pages: Changes[] = [];
    for await (const page of tasks.changes(next)) pages.push(page);
    expect(pages.flatMap((page) => page.changed)).toEqual([made]);
    expect(pages.flatMap((page) => page.deleted)).toEqual([{ id: old.id, client_id: old.client_id }]);
  });

  test("an unknown task is not_found", async () => {
    await expect(clientFor().get(1)).rejects.toMatchObject({ code: "not_found", status: 404 });
  });
});

describe("creating", () => {
  test("a lost response makes no second task", async () => {
    const network = new LossyNetwork();
    const tasks = clientFor(newUser(), { fetch: network.fetch });
    network.lose = 2;
    const task = await tasks.create({ title: "once" });
    expect(network.requests).toHaveLength(3);
    expect(await tasks.all()).toEqual([task]);
  });

  test("many: a lost response makes no second tasks", async () => {
    const network = new LossyNetwork();
    const tasks = clientFor(newUser(), { fetch: network.fetch });
    network.lose = 1;
    const made = await tasks.createMany(Array.from({ length: 150 }, (_, n) => ({ title: `task ${n}` })));
    expect(network.requests).toHaveLength(3); // two requests, the first of them twice
    expect(made.map((task) => task.title)).toEqual(Array.from({ length: 150 }, (_, n) => `task ${n}`));
    expect(await tasks.counts()).toMatchObject({ all: 150 });
  });

  test("the caller's key is used", async () => {
    const tasks = clientFor();
    const client_id = randomUUID();
    const first = await tasks.create({ title: "a", client_id });
    expect(await tasks.create({ title: "a", client_id })).toEqual(first);
  });

  test("a wrong field is named", async () => {
    const error = await clientFor()
      .create({ title: " " })
      .catch((error) => error);
    expect(error).toMatchObject({ code: "validation_error", errors: [{ field: "title", code: "blank" }] });
    expect(error.requestId).toMatch(/\w/);
  });
});

describe("changing", () => {
  test("the changed task is returned", async () => {
    const tasks = clientFor();
    const task = await tasks.create({ title: "a" });
    const result = await tasks.change(task, { title: "b", tags: ["x"] });
    expect(result).toMatchObject({ ok: true, task: { id: task.id, title: "b", tags: ["x"] } });
  });

  test("a change by another client is a conflict with both versions", async () => {
    const tasks = clientFor();
    const task = await tasks.create({ title: "a" });
    const current = await tasks.change(task.id, { title: "theirs", priority: "high" });
    const result = await tasks.change(task, { title: "mine" });
    const mine = { ...task, title: "mine" };
    expect(result).toEqual({ ok: false, conflict: { base: task, mine, current, fields: ["title"] } });
    expect(await tasks.get(task.id)).toEqual(current);
  });

  test("other fields merge on demand", async () => {
    const tasks = clientFor();
    const task = await tasks.create({ title: "a" });
    await tasks.change(task.id, { priority: "high" });
    const result = await tasks.change(task, { title: "mine" }, { merge: true });
    expect(result).toMatchObject({ ok: true, task: { title: "mine", priority: "high" } });
  });

  test("the same field does not merge", async () => {
    const tasks = clientFor();
    const task = await tasks.create({ title: "a" });
    await tasks.change(task.id, { title: "theirs" });
    const result = await tasks.change(task, { title: "mine" }, { merge: true });
    expect(result).toMatchObject({ ok: false, conflict: { fields: ["title"] } });
  });

  test("a lost response is no conflict with oneself", async () => {
    const network = new LossyNetwork();
    const tasks = clientFor(newUser(), { fetch: network.fetch });
    const task = await tasks.create({ title: "a" });
    network.lose = 1;
    const fields = { title: " b ", due_at: "2030-01-01T01:00:00+01:00", tags: ["x", "X"] };
    expect(await tasks.change(task, fields)).toMatchObject({ ok: true, task: { title: "b", tags: ["x"] } });
    expect(network.requests).toHaveLength(3);
  });

  test("two quick changes of one task do not conflict", async () => {
    const tasks = clientFor();
    const task = await tasks.create({ title: "a" });
    const results = await Promise.all([
      tasks.change(task, { title: "b" }),
      tasks.complete(task),
      tasks.change(task, { title: "c" }),
      tasks.change(task, { priority: "low" }),
    ]);
    expect(results.at(-1)).toMatchObject({ ok: true, task: { title: "c", priority: "low", completed: true } });
  });

  test("a change that waits for the create of its task is done", async () => {
    const tasks = clientFor();
    const client_id = randomUUID();
    const created = tasks.create({ title: "a", client_id });
    const result = await tasks.change(draftOf({ title: "a" }, client_id), { title: "b" });
    expect(result).toMatchObject({ ok: true, task: { id: (await created).id, title: "b" } });
  });

  test("a second own change of a field is no conflict when another client changed another field", async () => {
    const tasks = clientFor();
    const task = await tasks.create({ title: "a" });
    await tasks.change(task, { title: "b" });
    await tasks.change(task.id, { priority: "high" });
    const result = await tasks.change(task, { title: "c" }, { merge: true });
    expect(result).toMatchObject({ ok: true, task: { title: "c", priority: "high" } });
  });

  test("a change by another client between two own changes is a conflict", async () => {
    const user = newUser();
    const [tasks, other] = [clientFor(user), clientFor(user)];
    const task = await tasks.create({ title: "a" });
    await tasks.change(task, { title: "b" });
    await other.change(task.id, { title: "theirs" });
    expect(await tasks.change(task, { priority: "low" })).toMatchObject({ ok: false, conflict: { fields: [] } });
  });

  test("a completion does not hide a change by another client", async () => {
    const tasks = clientFor();
    const task = await tasks.create({ title: "a" });
    await tasks.change(task.id, { title: "theirs" });
    await tasks.complete(task);
    expect(await tasks.change(task, { title: "mine" })).toMatchObject({ ok: false, conflict: { fields: ["title"] } });
  });

  test("toggle sets the opposite of what was read, also when its response is lost", async () => {
    const network = new LossyNetwork();
    const tasks = clientFor(newUser(), { fetch: network.fetch });
    const task = await tasks.create({ title: "a" });
    network.lose = 1;
    expect(await tasks.toggle(task)).toMatchObject({ completed: true });
  });
});

describe("deleting", () => {
  test("a task is gone, also when the response is lost", async () => {
    const network = new LossyNetwork();
    const tasks = clientFor(newUser(), { fetch: network.fetch });
    const task = await tasks.create({ title: "a" });
    network.lose = 1;
    expect(await tasks.delete(task)).toEqual({ ok: true });
    expect(await tasks.all()).toEqual([]);
  });

  test("a task that another client has changed is kept", async () => {
    const tasks = clientFor();
    const task = await tasks.create({ title: "a" });
    const current = await tasks.change(task.id, { title: "theirs" });
    expect(await tasks.delete(task)).toMatchObject({ ok: false, conflict: { current } });
    expect(await tasks.all()).toEqual([current]);
  });

  test("a task that is gone is not_found", async () => {
    const tasks = clientFor();
    const task = await tasks.create({ title: "a" });
    await tasks.delete(task.id);
    await expect(tasks.delete(task)).rejects.toMatchObject({ code: "not_found" });
  });
});

describe("many at once", () => {
  test("change by filter and by ids", async () => {
    const tasks = clientFor();
    const [a, b] = await tasks.createMany([{ title: "a" }, { title: "b" }]);
    expect(await tasks.changeMany({ search: "a" }, { priority: "high" })).toMatchObject([
      { id: a!.id, priority: "high" },
    ]);
    expect(await tasks.changeMany({ ids: [b!.client_id!] }, { completed: true })).toMatchObject([{ id: b!.id }]);
  });

  test("more than 1,000 tasks are changed and deleted, all of them", async () => {
    const tasks = clientFor();
    await tasks.createMany(Array.from({ length: 1050 }, (_, n) => ({ title: `task ${n}` })));
    const changed = await tasks.changeMany({ status: "all" }, { priority: "low" });
    expect(new Set(changed.map((task) => task.id)).size).toBe(1050);
    expect(await tasks.counts({ priority: "low" })).toMatchObject({ all: 1050 });
    expect(await tasks.deleteMany({ status: "all" })).toHaveLength(1050);
    expect(await tasks.all()).toEqual([]);
  });

  test("an empty selection of ids does nothing", async () => {
    const tasks = clientFor();
    await tasks.create({ title: "a" });
    expect(await tasks.deleteMany({ ids: [] })).toEqual([]);
    expect(await tasks.counts()).toMatchObject({ all: 1 });
  });

  test("no filter at all is refused", async () => {
    await expect(clientFor().deleteMany({})).rejects.toMatchObject({ code: "validation_error" });
  });
});
