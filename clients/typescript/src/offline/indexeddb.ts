import type { Task } from "../types.js";
import type { Batch, Store, Write } from "./store.js";

/** Keep everything in IndexedDB. The name has to contain the user's id: two people can use one browser. */
export async function indexedDbStore(name: string): Promise<Store> {
  const database = await opened(name);
  const begin = (mode: IDBTransactionMode) => {
    const transaction = database.transaction(["tasks", "writes", "meta"], mode, { durability: "strict" });
    return { transaction, of: (store: string) => transaction.objectStore(store) };
  };

  return {
    async load() {
      const { of } = begin("readonly");
      const reads = [of("tasks").getAll(), of("writes").getAll(), of("meta").get("since")];
      const [tasks, writes, since = null] = (await Promise.all(reads.map(result))) as [
        Task[],
        Write[],
        string | undefined,
      ];
      return { tasks, writes, since };
    },
    async append(write) {
      const { transaction, of } = begin("readwrite");
      const seq = await result(of("writes").add(write));
      await finished(transaction);
      return { ...write, seq: seq as number };
    },
    async commit({ clear, put = [], drop = [], since, done = [], update }: Batch) {
      const { transaction, of } = begin("readwrite");
      if (clear) of("tasks").clear();
      for (const task of put) of("tasks").put(task);
      for (const id of drop) of("tasks").delete(id);
      for (const seq of done) of("writes").delete(seq);
      if (since) of("meta").put(since, "since");
      // Another tab can have completed or dismissed the write.
      if (update && (await result(of("writes").getKey(update.seq)))) of("writes").put(update);
      await finished(transaction);
    },
    async destroy() {
      database.close();
      await result(indexedDB.deleteDatabase(name));
    },
    close: () => database.close(),
  };
}

async function opened(name: string): Promise<IDBDatabase> {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => {
    request.result.createObjectStore("tasks", { keyPath: "id" });
    request.result.createObjectStore("writes", { keyPath: "seq", autoIncrement: true });
    request.result.createObjectStore("meta");
  };
  const database = await result(request);
  database.onversionchange = () => database.close(); // another tab deletes it
  return database;
}

function result<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

function finished(transaction: IDBTransaction): Promise<void> {
  return new Promise((resolve, reject) => {
    transaction.oncomplete = () => resolve();
    transaction.onabort = () => reject(transaction.error);
  });
}
