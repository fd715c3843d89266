import "fake-indexeddb/auto";
import { describe, expect, test } from "vitest";
import { indexedDbStore, memoryStore, type Store } from "../src/offline/index.js";
import { newUser } from "./setup/clients.js";

const STORES: [string, () => Promise<Store>][] = [
  ["in memory", async () => memoryStore()],
  ["in IndexedDB", () => indexedDbStore(newUser())],
];
const NEW = { kind: "create", key: "a", fields: { title: "a" }, base: {}, at: "2026-01-01T00:00:00Z" } as const;

describe.each(STORES)("a store %s", (_, open) => {
  test("replaces a write", async () => {
    const store = await open();
    const write = await store.append(NEW);
    const update = { ...write, fields: { title: "b" } };
    await store.commit({ update, since: "1" });
    expect(await store.load()).toEqual({ tasks: [], writes: [update], since: "1" });
  });

  test("does not bring back a write that is gone", async () => {
    const store = await open();
    const write = await store.append(NEW);
    await store.commit({ done: [write.seq] });
    await store.commit({ update: write, since: "1" });
    expect(await store.load()).toEqual({ tasks: [], writes: [], since: "1" });
  });
});
