/** Tasks without a network: what the person does is kept at once, and sent in order when the service can be reached. */
import { fieldsOf, newKey, pick } from "../fields.js";
import { laneOf } from "../lanes.js";
import { TaskProblem } from "../problem.js";
import type { Tasks } from "../tasks.js";
import type { NewTask, Task, TaskChange } from "../types.js";
import { nextOf, timeLeft } from "./queue.js";
import { type Merge, mineWins, replay } from "./replay.js";
import { asProblem, newsOf, problemOfNews, type Snapshot, snapshotOf } from "./snapshot.js";
import { applied, type Batch, type State, type Store, type Write } from "./store.js";
import { type Message, type Status, Tabs, type TabsOptions } from "./tabs.js";
import { viewOf } from "./view.js";

const MAX_ATTEMPTS = 5; // of a write that the service answers with an error of its own
const UNAVAILABLE = [429, 502, 503, 504];
const FIRST_PAUSE = 1000; // milliseconds

export interface OfflineOptions {
  tasks: Tasks;
  store: Store;
  /** The id of the signed-in person. */
  user: string;
  /** What becomes of a field that this device and another client changed. The values of this device win by default. */
  merge?: Merge;
  /** Milliseconds between two looks for changes, and the longest pause after a failure. */
  interval?: number;
  locks?: TabsOptions["locks"];
}

export interface DeleteOptions {
  /** Milliseconds in which `dismiss` takes the delete back. */
  hold?: number;
}

export class OfflineTasks {
  /** The store has been read. */
  readonly ready: Promise<void>;
  #state: State = { tasks: [], writes: [], since: null };
  #snapshot = snapshotOf(this.#state, [], "starting", null);
  #view = new Map<number | string, Task>();
  readonly #leading: Promise<void>;
  readonly #listeners = new Set<() => void>();
  readonly #closing = new AbortController();
  readonly #tabs: Tabs;
  readonly #options: Required<Pick<OfflineOptions, "tasks" | "store" | "merge" | "interval">>;
  readonly #attempts = new Map<number, number>();
  #storage: Promise<unknown> = Promise.resolve();
  #refreshing: Promise<void> | null = null;
  #failures = 0;
  #isWoken = false;
  #wake = () => {};

  constructor({ tasks, store, user, merge = mineWins, interval = 30_000, locks }: OfflineOptions) {
    this.#options = { tasks, store, merge, interval };
    this.#tabs = new Tabs({
      name: `tasks-client:offline:${user}`,
      locks,
      onMessage: (message) => this.#heard(message),
    });
    this.ready = this.#refresh().then(() => this.#show("idle"));
    void this.ready.then(this.sync, () => {}); // the leading tab answers with its state
    for (const event of ["online", "focus"]) globalThis.addEventListener?.(event, this.sync);
    this.#leading = this.ready.then(() => this.#tabs.lead(() => this.#lead(), this.#closing.signal)).catch(() => {});
  }

  /** What can be shown now. The same object until something changes, for useSyncExternalStore. */
  snapshot = (): Snapshot => this.#snapshot;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Make a task. The promise is fulfilled when it is stored on this device. */
  async create(fields: NewTask): Promise<Task> {
    const { client_id: key = newKey(), ...values } = fields;
    await this.#append({ kind: "create", key, fields: pick(values, fieldsOf(values)), base: {} });
    return this.#view.get(key)!;
  }

  async change(task: Task, fields: TaskChange): Promise<void> {
    const names = fieldsOf(fields);
    const key = laneOf(task);
    const own = this.#state.writes.filter((write) => write.key === key && !write.refused).map((write) => write.fields);
    // An own write that waits is no change of another client.
    const base = own.reduce<TaskChange>((values, change) => ({ ...values, ...change }), task);
    await this.#append({ kind: "change", key, fields: pick(fields, names), base: pick(base, names) });
  }

  complete(task: Task, completed = true): Promise<void> {
    return this.change(task, { completed });
  }

  /** Delete a task, also if another client has changed it. */
  async delete(task: Task, { hold = 0 }: DeleteOptions = {}): Promise<void> {
    const until = hold ? new Date(Date.now() + hold).toISOString() : undefined;
    await this.#append({ kind: "delete", key: laneOf(task), fields: {}, base: pick(task), until });
  }

  /** Send a refused write once more, with other values if some are given; or a held delete now. */
  async repeat(write: Write, fields: TaskChange = {}): Promise<void> {
    const values = { ...write.fields, ...pick(fields, fieldsOf(fields)) };
    await this.#commit({ update: { ...write, fields: values, refused: undefined, until: undefined } });
    this.sync();
  }

  /** Give up a refused write, or take back a held delete. */
  dismiss(write: Write): Promise<void> {
    return this.#commit({ done: [write.seq] });
  }

  /** Look for changes and send what waits, now. */
  sync = (): void => {
    this.#tabs.tell("queued");
    this.#wakeUp();
  };

  /** Stop. What is stored stays. */
  async close(): Promise<void> {
    this.#closing.abort();
    for (const event of ["online", "focus"]) globalThis.removeEventListener?.(event, this.sync);
    this.#tabs.close();
    this.#wakeUp();
    await this.#leading;
    await this.#storage;
    this.#options.store.close();
  }

  /** Stop in every tab, and delete what is stored on this device, with the writes that wait: for a sign-out. */
  async destroy(): Promise<void> {
    this.#tabs.tell("destroyed");
    this.#set({ tasks: [], writes: [], since: null });
    await this.close();
    await this.#options.store.destroy();
  }

  async #append(write: Omit<Write, "seq" | "at">): Promise<void> {
    await this.#store(async () => {
      const numbered = await this.#options.store.append({ ...write, at: new Date().toISOString() });
      this.#set({ ...this.#state, writes: [...this.#state.writes, numbered] });
    });
    this.sync();
  }

  async #commit(batch: Batch): Promise<void> {
    await this.#store(async () => {
      await this.#options.store.commit(batch);
      this.#set(applied(this.#state, batch));
    });
    this.#tabs.tell("changed");
  }

  /** Read what other tabs have stored. */
  #refresh(): Promise<void> {
    this.#refreshing ??= this.#store(async () => {
      this.#refreshing = null; // a change from now on needs another read
      this.#set(await this.#options.store.load());
    });
    return this.#refreshing;
  }

  /** Storage is used by one step at a time, so that the state in memory follows it. */
  #store<T>(step: () => Promise<T>): Promise<T> {
    const turn = this.#storage.then(step, step);
    this.#storage = turn.catch(() => {});
    return turn;
  }

  #set(state: State): void {
    this.#state = state;
    this.#view = viewOf(state);
    this.#show(this.#snapshot.status);
  }

  #show(status: Status, problem: TaskProblem | null = this.#snapshot.problem): void {
    this.#snapshot = snapshotOf(this.#state, [...this.#view.values()], status, problem);
    for (const listener of this.#listeners) listener();
  }

  /** Show the state of the leading tab, which is this one, in every tab. */
  #report(status: Status, problem = this.#snapshot.problem): void {
    this.#show(status, problem);
    this.#tabs.tell(newsOf(this.#snapshot));
  }

  #heard(message: Message): void {
    if (typeof message === "object") return this.#show(message.status, problemOfNews(message));
    if (message === "destroyed") {
      this.#set({ tasks: [], writes: [], since: null });
      return void this.close();
    }
    void this.#refresh().catch(() => {});
    if (message === "queued") this.#wakeUp();
  }

  #wakeUp = (): void => {
    this.#isWoken = true;
    this.#wake();
  };

  async #lead(): Promise<void> {
    while (!this.#closing.signal.aborted) {
      this.#isWoken = false;
      const pause = await this.#round();
      await this.#sleep(pause);
    }
  }

  /** Send what waits, take over what others have changed, and return the milliseconds until the next round. */
  async #round(): Promise<number> {
    try {
      await this.#refresh();
      this.#report("syncing");
      await this.#push();
      await this.#pull();
      this.#failures = 0;
      this.#report("idle", null);
      return Math.min(this.#options.interval, ...this.#snapshot.held.map(timeLeft));
    } catch (error) {
      const problem = asProblem(error);
      this.#report(problem.isSignedOut ? "signed-out" : "offline", problem);
      const pause = Math.min(FIRST_PAUSE * 2 ** this.#failures++, this.#options.interval);
      return Math.max(pause * (0.5 + Math.random() / 2), (problem.retryAfter ?? 0) * 1000);
    }
  }

  async #push(): Promise<void> {
    for (let write; (write = nextOf(this.#state.writes));) await this.#commit(await this.#sent(write));
  }

  async #sent(write: Write): Promise<Batch> {
    const { tasks, merge } = this.#options;
    try {
      return await replay(write, this.#state.tasks, tasks, merge, { signal: this.#closing.signal });
    } catch (error) {
      if (!(error instanceof TaskProblem) || !this.#isRefused(error, write)) throw error;
      const { code, message: detail, errors } = error;
      const task = error.current ?? this.#state.tasks.find((task) => laneOf(task) === write.key);
      return { update: { ...write, refused: { code, detail, errors, task } } };
    }
  }

  /** An error of the service that stays must not stop the writes behind it. */
  #isRefused({ isTemporary, isSignedOut, status }: TaskProblem, { seq }: Write): boolean {
    if (isSignedOut || status < 400 || UNAVAILABLE.includes(status)) return false;
    if (!isTemporary) return true;
    this.#attempts.set(seq, (this.#attempts.get(seq) ?? 0) + 1);
    return this.#attempts.get(seq)! >= MAX_ATTEMPTS;
  }

  async #pull(): Promise<void> {
    const signal = this.#closing.signal;
    try {
      for await (const { changed, deleted, next } of this.#options.tasks.changes(this.#state.since ?? undefined, {
        signal,
      })) {
        await this.#commit({ put: changed, drop: deleted.map(({ id }) => id), since: next });
      }
    } catch (error) {
      if (!(error instanceof TaskProblem && error.code === "sync_expired")) throw error;
      await this.#pullAll();
    }
  }

  /** The changes are no longer known: read every task, and replace all in one step. */
  async #pullAll(): Promise<void> {
    const put: Task[] = [];
    let since: string | undefined;
    for await (const page of this.#options.tasks.changes(undefined, { signal: this.#closing.signal })) {
      const gone = new Set(page.deleted.map(({ id }) => id));
      put.splice(0, put.length, ...put.filter(({ id }) => !gone.has(id)), ...page.changed);
      since = page.next;
    }
    await this.#commit({ clear: true, put, since });
  }

  #sleep(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#isWoken || this.#closing.signal.aborted) return resolve();
      const timer = setTimeout(resolve, milliseconds);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
