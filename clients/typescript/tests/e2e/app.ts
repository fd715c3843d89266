/** The page of the browser test: one tab, driven from outside. */
import { createTasks, type Task, type TaskChange } from "../../src/index.js";
import { indexedDbStore, OfflineTasks } from "../../src/offline/index.js";

let offline: OfflineTasks;

const byKey = (key: string): Task | undefined => offline.snapshot().tasks.find((task) => task.client_id === key);

const tab = {
  async open(baseUrl: string, token: string, user: string) {
    const tasks = createTasks({ baseUrl, getToken: () => token, retries: 1, backoff: 20, timeout: 3000 });
    offline = new OfflineTasks({ tasks, user, store: await indexedDbStore(user), interval: 500 });
    await offline.ready;
  },
  snapshot: () => offline.snapshot(),
  create: async (title: string) => (await offline.create({ title })).client_id!,
  /** Return false when this tab does not show the task (any more). */
  async change(key: string, fields: TaskChange) {
    const task = byKey(key);
    if (task) await offline.change(task, fields);
    return Boolean(task);
  },
  async delete(key: string) {
    const task = byKey(key);
    if (task) await offline.delete(task);
    return Boolean(task);
  },
  sync: () => offline.sync(),
};

export type Tab = typeof tab;
Object.assign(globalThis, { tab });
