import "fake-indexeddb/auto";
import { describe, expect, test, vi } from "vitest";
import { indexedDbStore, memoryStore, setAside, theirsWin, type Merge } from "../src/offline/index.js";
import { newUser } from "./setup/clients.js";
import { CutNetwork, Locks, openOffline } from "./setup/offline.js";

const SECONDS = { timeout: 20_000 };

type Tab = ReturnType<typeof openOffline>;

/** Wait until everything is sent and taken over. */
async function settled({ offline }: Tab) {
  offline.sync();
  await expect.poll(() => [offline.snapshot().waiting, offline.snapshot().status], SECONDS).toEqual([0, "idle"]);
}

/** A tab that knows a task and has lost the network. */
async function cutOffWith(fields: { title: string }, options: { merge?: Merge } = {}) {
  const tab = openOffline(options);
  await tab.other.create(fields);
  tab.offline.sync();
  await expect.poll(tab.titles, SECONDS).toEqual([fields.title]);
  await settled(tab);
  tab.network.isUp = false;
  return tab;
}

async function back(tab: Tab) {
  tab.network.isUp = true;
  await settled(tab);
}

describe("writes without a network", () => {
  test("are shown at once, and sent in their order", async () => {
    const tab = openOffline();
    tab.network.isUp = false;
    const milk = await tab.offline.create({ title: "milk", tags: ["shop"] });
    await tab.offline.change(milk, { title: "oat milk" });
    await tab.offline.complete(milk);
    const bread = await tab.offline.create({ title: "bread" });
    await tab.offline.delete(bread);
    expect(tab.offline.snapshot().tasks).toMatchObject([{ title: "oat milk", completed: true, tags: ["shop"] }]);
    expect(await tab.other.all()).toEqual([]);
    await back(tab);
    expect(await tab.other.all()).toMatchObject([{ title: "oat milk", completed: true, client_id: milk.client_id }]);
    expect(tab.offline.snapshot().tasks).toEqual(await tab.other.all());
  });

  test("are done once, whatever is lost on the way", async () => {
    const tab = openOffline();
    tab.network.failures = 0.5;
    for (let n = 0; n < 10; n++) {
      const task = await tab.offline.create({ title: `task ${n}` });
      await tab.offline.change(task, { priority: "high" });
      if (n % 2) await tab.offline.delete(task);
    }
    await settled(tab);
    const left = await tab.other.all();
    expect(left.map((task) => task.title)).toEqual(["task 0", "task 2", "task 4", "task 6", "task 8"]);
    expect(left.every((task) => task.priority === "high")).toBe(true);
    expect(tab.network.cuts.before * tab.network.cuts.after).toBeGreaterThan(0);
  });

  test("survive a reload", async () => {
    const user = newUser();
    const network = new CutNetwork();
    network.isUp = false;
    const first = openOffline({ user, store: await indexedDbStore(user) }, network);
    const task = await first.offline.create({ title: "a" });
    await first.offline.complete(task);
    await first.offline.close();
    const second = openOffline({ user, store: await indexedDbStore(user) }, network);
    await second.offline.ready;
    expect(second.offline.snapshot()).toMatchObject({ tasks: [{ title: "a", completed: true }], waiting: 2 });
    await back(second);
    expect(await second.other.all()).toMatchObject([{ title: "a", completed: true }]);
  });

  test("wait for a new session", async () => {
    let hasSession = false;
    const network = new CutNetwork();
    const { fetch: send } = network;
    network.fetch = async (request) =>
      hasSession ? send(request) : Response.json({ code: "token_expired", detail: "" }, { status: 401 });
    const tab = openOffline({}, network);
    await tab.offline.create({ title: "a" });
    await expect.poll(() => tab.offline.snapshot(), SECONDS).toMatchObject({ status: "signed-out", waiting: 1 });
    hasSession = true;
    await settled(tab);
    expect(await tab.other.all()).toMatchObject([{ title: "a" }]);
  });
});

test("a failure of the device's storage has a code of its own", async () => {
  const store = memoryStore();
  const tab = openOffline({ store: { ...store, commit: () => Promise.reject(new Error("disk full")) } });
  const problem = { code: "storage_failed", isTemporary: true, cause: new Error("disk full") };
  await expect.poll(() => tab.offline.snapshot(), SECONDS).toMatchObject({ status: "offline", problem });
});

describe("changes of other clients", () => {
  test("are followed", async () => {
    const tab = await cutOffWith({ title: "a" });
    await tab.other.change(tab.task("a").id, { title: "b" });
    await tab.other.create({ title: "c" });
    await back(tab);
    await expect.poll(tab.titles, SECONDS).toEqual(["b", "c"]);
    await tab.other.deleteMany({ search: "b" });
    await expect.poll(tab.titles, SECONDS).toEqual(["c"]);
  });

  test("of other fields merge", async () => {
    const tab = await cutOffWith({ title: "a" });
    await tab.offline.change(tab.task("a"), { title: "mine", tags: ["x"] });
    await tab.other.change(tab.offline.snapshot().tasks[0]!.id, { description: "theirs", tags: ["x"] });
    await back(tab);
    expect(await tab.other.all()).toMatchObject([{ title: "mine", description: "theirs", tags: ["x"] }]);
  });

  test.each([
    ["this device's value wins by default", undefined, "mine"],
    ["the service's value wins on demand", theirsWin, "theirs"],
    [
      "the application's value wins",
      ({ mine, current }) => ({ title: `${mine.title}, ${current.title}` }),
      "mine, theirs",
    ],
  ])("of the same field: %s", async (_, merge, title) => {
    const tab = await cutOffWith({ title: "a" }, { merge });
    await tab.offline.change(tab.task("a"), { title: "mine", priority: "low" });
    await tab.other.change(tab.task("mine").id, { title: "theirs" });
    await back(tab);
    expect(await tab.other.all()).toMatchObject([{ title, priority: "low" }]);
  });

  test("of the same field can be set aside for the person", async () => {
    const tab = await cutOffWith({ title: "a" }, { merge: setAside });
    await tab.offline.change(tab.task("a"), { title: "mine" });
    await tab.other.change(tab.task("mine").id, { title: "theirs" });
    await back(tab);
    expect(tab.titles()).toEqual(["theirs"]);
    const [write] = tab.offline.snapshot().refused;
    expect(write).toMatchObject({ fields: { title: "mine" }, refused: { code: "precondition_failed" } });
    await tab.offline.dismiss(write!);
    expect(tab.offline.snapshot().refused).toEqual([]);
  });

  test("own changes before are no change of another client", async () => {
    const merge = vi.fn(theirsWin);
    const tab = await cutOffWith({ title: "a" }, { merge });
    const task = tab.task("a");
    await tab.offline.change(task, { title: "b" });
    await tab.offline.change(task, { title: "c" });
    await tab.offline.complete(task);
    await tab.offline.complete(task, false);
    await back(tab);
    expect(await tab.other.all()).toMatchObject([{ title: "c", completed: false }]);
    expect(merge).not.toHaveBeenCalled();
  });

  test("a task that was deleted elsewhere disappears, and its change is refused", async () => {
    const tab = await cutOffWith({ title: "a" });
    await tab.offline.complete(tab.task("a"));
    await tab.other.deleteMany({ status: "all" });
    await back(tab);
    expect(tab.titles()).toEqual([]);
    const refused = { code: "not_found", task: { title: "a" } };
    expect(tab.offline.snapshot().refused).toMatchObject([{ kind: "change", refused }]);
  });

  test("are read anew when the service no longer knows them", async () => {
    const store = memoryStore();
    const other = openOffline();
    await other.other.create({ title: "a" });
    let isExpired = true;
    const network = new CutNetwork();
    const { fetch: send } = network;
    network.fetch = async (request) => {
      if (!isExpired || !request.url.includes("since=")) return send(request);
      isExpired = false;
      return Response.json({ code: "sync_expired", detail: "" }, { status: 410 });
    };
    await store.commit({ put: [{ ...(await other.other.create({ title: "gone" })), id: 1 }], since: "old" });
    const tab = openOffline({ user: other.user, store }, network);
    await expect.poll(tab.titles, SECONDS).toEqual(["a", "gone"]);
    expect(tab.offline.snapshot().tasks.map(({ id }) => id)).not.toContain(1);
  });
});

describe("a refused write", () => {
  test("is set aside, does not stop the others, and can be repeated with other values", async () => {
    const tab = openOffline();
    await tab.offline.create({ title: " " });
    await tab.offline.create({ title: "b" });
    await settled(tab);
    expect(tab.titles()).toEqual(["b"]);
    const [write] = tab.offline.snapshot().refused;
    expect(write!.refused).toMatchObject({ code: "validation_error", errors: [{ field: "title", code: "blank" }] });
    await tab.offline.repeat(write!, { title: "a" });
    await settled(tab);
    expect(tab.titles()).toEqual(["b", "a"]);
  });
});

describe("a held delete", () => {
  async function holding(hold: number) {
    const tab = openOffline({ interval: 60_000 });
    await tab.offline.create({ title: "a", tags: ["x"] });
    await settled(tab);
    const before = await tab.other.all();
    await tab.offline.delete(tab.task("a"), { hold });
    return { ...tab, before };
  }

  test("is shown, waits, and can be taken back", async () => {
    const tab = await holding(60_000);
    await settled(tab);
    const { tasks, held } = tab.offline.snapshot();
    expect([tasks, held[0]!.base.title]).toEqual([[], "a"]);
    expect(await tab.other.all()).toEqual(tab.before);
    await tab.offline.dismiss(held[0]!);
    expect(tab.offline.snapshot()).toMatchObject({ tasks: tab.before, held: [] });
  });

  test("is sent after its time", async () => {
    const tab = await holding(300);
    await expect.poll(() => tab.other.all(), SECONDS).toEqual([]);
    await expect.poll(() => tab.offline.snapshot(), SECONDS).toMatchObject({ held: [], waiting: 0 });
  });

  test("can be sent before", async () => {
    const tab = await holding(60_000);
    await tab.offline.repeat(tab.offline.snapshot().held[0]!);
    await settled(tab);
    expect(await tab.other.all()).toEqual([]);
  });

  test("does not stop the writes of other tasks", async () => {
    const tab = await holding(60_000);
    await tab.offline.create({ title: "b" });
    await settled(tab);
    expect((await tab.other.all()).map((task) => task.title)).toEqual(["a", "b"]);
  });
});

describe("tabs", () => {
  async function openTabs(count: number) {
    const user = newUser();
    const [locks, network] = [new Locks(), new CutNetwork()];
    const opened = Array.from({ length: count }, async () => {
      return openOffline({ user, locks, store: await indexedDbStore(user), interval: 60_000 }, network);
    });
    return Promise.all(opened);
  }

  test("show the same tasks, and one of them sends", async () => {
    const [first, second, third] = await openTabs(3);
    await second!.offline.create({ title: "of the second" });
    await third!.offline.create({ title: "of the third" });
    for (const tab of [first!, second!, third!]) {
      const state = () => [tab.titles().toSorted(), tab.offline.snapshot().waiting];
      await expect.poll(state, SECONDS).toEqual([["of the second", "of the third"], 0]);
    }
    expect((await first!.other.all()).map((task) => task.title)).toEqual(["of the second", "of the third"]);
  });

  test("another tab leads when the leader is closed", async () => {
    const [first, second] = await openTabs(2);
    await first!.offline.create({ title: "a" });
    await settled(first!);
    await first!.offline.close();
    await second!.offline.create({ title: "b" });
    await expect.poll(async () => (await second!.other.all()).map((task) => task.title), SECONDS).toEqual(["a", "b"]);
  });

  test("all show why the service cannot be reached", async () => {
    const [first, second] = await openTabs(2);
    first!.network.isUp = false;
    await second!.offline.create({ title: "a" });
    for (const { offline } of [first!, second!]) {
      const problem = { code: "network_error", message: "The task service cannot be reached.", isSignedOut: false };
      await expect.poll(offline.snapshot, SECONDS).toMatchObject({ status: "offline", problem, isLoaded: false });
    }
    first!.network.isUp = true;
    await settled(second!);
    expect(second!.offline.snapshot()).toMatchObject({ problem: null, isLoaded: true });
  });

  test("a new one is told the state of the leading one", async () => {
    const [user, locks, network] = [newUser(), new Locks(), new CutNetwork()];
    network.isUp = false;
    const first = openOffline({ user, locks, interval: 60_000 }, network);
    await expect.poll(() => first.offline.snapshot().status, SECONDS).toBe("offline");
    const second = openOffline({ user, locks }, network);
    await expect.poll(() => second.offline.snapshot().status, SECONDS).toBe("offline");
  });

  test("after a sign-out no tab shows a task, and nothing is stored", async () => {
    const [first, second] = await openTabs(2);
    first!.network.isUp = false;
    await first!.offline.create({ title: "a" });
    await expect.poll(second!.titles, SECONDS).toEqual(["a"]);
    await first!.offline.destroy();
    await expect.poll(second!.titles, SECONDS).toEqual([]);
    const store = await indexedDbStore(first!.user);
    expect(await store.load()).toEqual({ tasks: [], writes: [], since: null });
    store.close();
  });
});
