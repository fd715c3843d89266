/** What survives a reload. Any storage fits that can write a batch as a whole. */
import type { FieldError, ProblemCode } from "../problem.js";
import type { Task, TaskChange } from "../types.js";

/** A write that the service has not confirmed. */
export interface Write {
  /** The order of the writes of all tabs. */
  seq: number;
  kind: "create" | "change" | "delete";
  /** The task's client id, or its id if it has none. */
  key: number | string;
  /** The new values. */
  fields: TaskChange;
  /** The values before; of a delete, the whole task's. */
  base: TaskChange;
  /** When it was made, RFC 3339. */
  at: string;
  /** The service will not do it. It stays until it is repeated or dismissed. */
  refused?: Refusal;
  /** A delete is not sent before this time, RFC 3339, so that it can be taken back. */
  until?: string;
}

export interface Refusal {
  code: ProblemCode;
  detail: string;
  /** The fields that are wrong. */
  errors: FieldError[];
  /** The task as the service had it, if it is known: it can be gone since. */
  task?: Task;
}

export interface State {
  /** The tasks as the service had them. */
  tasks: Task[];
  writes: Write[];
  /** The `next` of the newest changes. */
  since: string | null;
}

/** Parts that are done together, or not at all, in this order. */
export interface Batch {
  clear?: boolean;
  put?: Task[];
  /** Ids of tasks that are gone. */
  drop?: number[];
  since?: string;
  /** Writes that are done. */
  done?: number[];
  /** Replaces the write with its `seq`. A write that is gone stays gone. */
  update?: Write;
}

export interface Store {
  load(): Promise<State>;
  append(write: Omit<Write, "seq">): Promise<Write>;
  commit(batch: Batch): Promise<void>;
  /** Delete everything. */
  destroy(): Promise<void>;
  close(): void;
}

/** Return the state after a batch. */
export function applied(state: State, { clear, put = [], drop = [], since, done = [], update }: Batch): State {
  const tasks = new Map((clear ? [] : state.tasks).map((task) => [task.id, task]));
  for (const task of put) tasks.set(task.id, task);
  for (const id of drop) tasks.delete(id);
  const writes = state.writes.filter((write) => !done.includes(write.seq));
  return {
    tasks: [...tasks.values()],
    writes: writes.map((write) => (write.seq === update?.seq ? update : write)),
    since: since ?? state.since,
  };
}

/** Keep everything in memory: for tests, and where a browser refuses IndexedDB. */
export function memoryStore(): Store {
  let state: State = { tasks: [], writes: [], since: null };
  let seq = 0;
  return {
    load: async () => structuredClone(state),
    append: async (write) => {
      const numbered = { ...structuredClone(write), seq: ++seq };
      state = { ...state, writes: [...state.writes, numbered] };
      return numbered;
    },
    commit: async (batch) => void (state = applied(state, structuredClone(batch))),
    destroy: async () => void (state = { tasks: [], writes: [], since: null }),
    close: () => {},
  };
}
