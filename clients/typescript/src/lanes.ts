/**
 * Writes of one task run one after the other. A version that an own write has replaced stands for the result of
 * that write: the second of two quick changes is no conflict with the first.
 */
import type { Task } from "./types.js";

const REMEMBERED = 1000; // tasks

type Key = number | string;

export class Lanes {
  readonly #last = new Map<Key, Promise<unknown>>();
  readonly #chains = new Map<Key, { replaced: Set<number>; newest: Task }>();

  run<T>(key: Key, write: () => Promise<T>): Promise<T> {
    const turn = (this.#last.get(key) ?? Promise.resolve()).then(write, write);
    const end: Promise<void> = turn.then(noop, noop).then(() => {
      if (this.#last.get(key) === end) this.#last.delete(key);
    });
    this.#last.set(key, end);
    return turn;
  }

  /** Return the task as own writes have left it, if `base` was replaced by them; otherwise `base`. */
  newestOf(base: Task): Task {
    const chain = this.#chains.get(laneOf(base));
    return chain?.replaced.has(base.version) ? chain.newest : base;
  }

  /** Note that an own write has replaced `version`, and nothing else came between. */
  replaced(version: number, newest: Task): void {
    const key = laneOf(newest);
    const known = this.#chains.get(key);
    const replaced = known?.newest.version === version ? known.replaced : new Set<number>();
    this.#chains.delete(key);
    if (version !== newest.version) this.#chains.set(key, { replaced: replaced.add(version), newest });
    if (this.#chains.size > REMEMBERED) this.#chains.delete(this.#chains.keys().next().value!);
  }
}

const noop = () => {};

/** Return what names a task at every time: a client id does not change when the service numbers the task. */
export const laneOf = (task: Pick<Task, "id" | "client_id">): Key => task.client_id ?? task.id;
