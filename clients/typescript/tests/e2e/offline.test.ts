/**
 * Tabs in Chromium write for SECONDS, while the network is cut, connections break, tabs are reloaded and closed, and
 * another device changes the same tasks. At the end the service has what was done, and every tab shows it.
 */
import { setTimeout as sleep } from "node:timers/promises";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createTasks, type Task, type TaskChange } from "../../src/index.js";
import { newUser, tokenFor } from "../setup/clients.js";
import { startService } from "../setup/service.js";
import type { Tab } from "./app.js";
import { servePage, serveProxy } from "./network.js";

declare const tab: Tab; // in the page

const SECONDS = Number(process.env.SECONDS ?? 20);
const TABS = 3;
const PRIORITIES = ["low", "medium", "high"] as const;

type Expected = Pick<Task, "title" | "completed" | "priority" | "description">;

const user = newUser();
const stops: (() => Promise<unknown>)[] = [];
let context: BrowserContext;
let page: Awaited<ReturnType<typeof servePage>>;
let proxy: Awaited<ReturnType<typeof serveProxy>>;
let other: ReturnType<typeof createTasks>;
let token: string;

beforeAll(async () => {
  page = await servePage();
  const service = await startService({ CORS_ORIGINS: page.url });
  proxy = await serveProxy(service.url);
  token = await tokenFor(user, 7200, service.secret);
  other = createTasks({ baseUrl: service.url, getToken: () => token });
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox"],
  });
  context = await browser.newContext();
  stops.push(() => browser.close(), proxy.stop, page.stop, service.stop);
});

afterAll(async () => {
  for (const stop of stops) await stop();
});

async function openTab(tab = context.newPage()): Promise<Page> {
  const opened = await tab;
  await opened.goto(page.url);
  await start(opened);
  return opened;
}

async function start(opened: Page) {
  await opened.waitForFunction(() => "tab" in globalThis);
  await opened.evaluate(([url, token, user]) => tab.open(url, token, user), [proxy.url, token, user] as const);
}

const random = (limit: number) => Math.floor(Math.random() * limit);
const one = <Item>(items: readonly Item[]): Item => items[random(items.length)]!;
const snapshot = (opened: Page) => opened.evaluate(() => tab.snapshot());

test("what the service has at the end equals what was done", { timeout: (SECONDS + 180) * 1000 }, async () => {
  const expected = new Map<string, Expected>();
  const deleted = new Set<string>();
  const counts = { creates: 0, changes: 0, deletes: 0, byAnotherDevice: 0, outages: 0, reloads: 0, closedTabs: 0 };
  const tabs = await Promise.all(Array.from({ length: TABS }, () => openTab()));
  let isOnline = true;

  const write = {
    async create() {
      const title = `task ${counts.creates++}`;
      const key = await one(tabs).evaluate((title) => tab.create(title), title);
      expected.set(key, { title, completed: false, priority: "medium", description: null });
    },
    async change() {
      const key = one([...expected.keys()]);
      const fields: TaskChange = one([
        { title: `changed ${counts.changes}` },
        { completed: random(2) === 0 },
        { priority: one(PRIORITIES) },
      ]);
      const isShown = await one(tabs).evaluate(([key, fields]) => tab.change(key, fields), [key, fields] as const);
      if (!isShown) return;
      Object.assign(expected.get(key)!, fields);
      counts.changes++;
    },
    async delete() {
      const key = one([...expected.keys()]);
      if (!(await one(tabs).evaluate((key) => tab.delete(key), key))) return;
      expected.delete(key);
      deleted.add(key);
      counts.deletes++;
    },
    async byAnotherDevice() {
      const key = one([...expected.keys()]);
      const description = `of another device ${counts.byAnotherDevice}`;
      const isThere = await other.change(key, { description }).then(
        () => true,
        () => false,
      );
      if (!isThere) return;
      expected.get(key)!.description = description;
      counts.byAnotherDevice++;
    },
  };

  const disturb = {
    async network() {
      isOnline = !isOnline;
      counts.outages += +!isOnline;
      await context.setOffline(!isOnline);
    },
    async reload() {
      if (!isOnline) return;
      const opened = one(tabs);
      await opened.reload();
      await start(opened);
      counts.reloads++;
    },
    async close() {
      if (!isOnline) return;
      const place = random(TABS);
      await tabs[place]!.close();
      tabs[place] = await openTab();
      counts.closedTabs++;
    },
  };

  proxy.faults.share = 0.15;
  for (const end = Date.now() + SECONDS * 1000; Date.now() < end; await sleep(random(100))) {
    if (expected.size < 5 || random(4) === 0) await write.create();
    else await one([write.change, write.change, write.change, write.delete, write.byAnotherDevice])();
    if (random(12) === 0)
      await one([disturb.network, disturb.network, disturb.network, disturb.reload, disturb.close])();
  }
  const waiting = (await snapshot(tabs[0]!)).waiting;
  await context.setOffline(false);
  for (const opened of tabs)
    await expect.poll(async () => (await snapshot(opened)).waiting, { timeout: 100_000 }).toBe(0);
  proxy.faults.share = 0;
  console.log(
    JSON.stringify({ ...counts, waitingAtTheEnd: waiting, cutConnections: proxy.faults, tasks: expected.size }),
  );

  const tasks = await other.all();
  const found = tasks.map(({ client_id, title, completed, priority, description }) => [
    client_id,
    { title, completed, priority, description },
  ]);
  expect(Object.fromEntries(found)).toEqual(Object.fromEntries(expected));
  expect(tasks).toHaveLength(expected.size);
  for (const opened of tabs) {
    await opened.evaluate(() => tab.sync());
    await expect
      .poll(async () => (await snapshot(opened)).tasks.toSorted((a, b) => a.id - b.id), { timeout: 30_000 })
      .toEqual(tasks);
    const { refused } = await snapshot(opened);
    expect(refused.filter(({ key }) => !deleted.has(String(key)))).toEqual([]);
  }
});
