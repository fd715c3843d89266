import { OfflineTasks, type OfflineOptions, memoryStore } from "../../src/offline/index.js";
import type { TasksOptions } from "../../src/index.js";
import { clientFor, newUser } from "./clients.js";
import { onTestFinished } from "vitest";

/** A network that can be cut: before the request, or after the service has done its work. */
export class CutNetwork {
  isUp = true;
  /** The share of the requests that fail although the network is up. */
  failures = 0;
  cuts = { before: 0, after: 0 };

  fetch: NonNullable<TasksOptions["fetch"]> = async (request) => {
    if (!this.isUp) throw new TypeError("fetch failed");
    const [before, after] = [Math.random() < this.failures / 2, Math.random() < this.failures / 2];
    if (before) this.cuts.before++;
    if (before) throw new TypeError("fetch failed");
    const response = await fetch(request);
    if (!after) return response;
    this.cuts.after++;
    await response.arrayBuffer();
    throw new TypeError("fetch failed");
  };
}

/** Web Locks for tests: Node 20 has none. */
export class Locks {
  #last: Promise<unknown> = Promise.resolve();
  request = ((_name: string, { signal }: { signal: AbortSignal }, lead: () => Promise<void>) =>
    new Promise<void>((resolve, reject) => {
      let leads = false;
      this.#last = this.#last.then(async () => {
        if (signal.aborted) return;
        leads = true;
        await lead().then(resolve, reject);
      });
      signal.addEventListener("abort", () => leads || reject(signal.reason));
    })) as unknown as LockManager["request"];
}

/** A tab that works without a network. */
export function openOffline(
  { user = newUser(), ...options }: Partial<OfflineOptions> = {},
  network = new CutNetwork(),
) {
  const tasks = clientFor(user, { fetch: network.fetch, retries: 1 });
  const offline = new OfflineTasks({ tasks, user, store: memoryStore(), interval: 200, ...options });
  onTestFinished(() => offline.close());
  const titles = () => offline.snapshot().tasks.map((task) => task.title);
  const task = (title: string) => offline.snapshot().tasks.find((task) => task.title === title)!;
  return { user, network, offline, titles, task, other: clientFor(user) };
}
