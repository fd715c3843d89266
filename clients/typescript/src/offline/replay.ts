/** Sends one write that waited. Each can be repeated, also when it had been done and nobody noted it. */
import { conflictingFields, differences, pick } from "../fields.js";
import { laneOf } from "../lanes.js";
import { TaskProblem } from "../problem.js";
import type { CallOptions, Tasks } from "../tasks.js";
import type { NewTask, Task, TaskChange, TaskFields } from "../types.js";
import type { Batch, Write } from "./store.js";

export interface WriteConflict {
  /** The values that the write replaced. */
  base: TaskChange;
  /** The values of the write. */
  mine: TaskChange;
  /** The task as it is now. */
  current: Task;
  /** The fields that both sides changed to different values. */
  fields: (keyof TaskFields)[];
}

/** Return the values that `fields` shall have, or null to set the write aside as refused. */
export type Merge = (conflict: WriteConflict) => TaskChange | null | Promise<TaskChange | null>;

/** The values of this device win, in the fields that both sides changed. */
export const mineWins: Merge = ({ mine, fields }) => pick(mine, fields);
/** The values of the service win, in the fields that both sides changed. */
export const theirsWin: Merge = () => ({});
/** The write is set aside, so that the person can be asked. */
export const setAside: Merge = () => null;

/** Send a write, and return what it has changed in the store. */
export async function replay(
  write: Write,
  known: Task[],
  tasks: Tasks,
  merge: Merge,
  options: CallOptions,
): Promise<Batch> {
  const { seq, kind, key, fields } = write;
  const current = known.find((task) => laneOf(task) === key);
  if (kind === "create") {
    const body = { ...fields, client_id: String(key) } as NewTask;
    return { put: [await tasks.create(body, options)], done: [seq] };
  }
  if (kind === "change") return { put: [await change(write, current, tasks, merge, options)], done: [seq] };
  await tasks.delete(current?.id ?? key, options).catch(ignoreMissing);
  return { drop: current ? [current.id] : [], done: [seq] };
}

async function change(write: Write, known: Task | undefined, tasks: Tasks, merge: Merge, options: CallOptions) {
  for (let current = known ?? (await tasks.get(write.key, options)); ;) {
    const fields = await merged(write, current, merge);
    if (Object.keys(fields).length === 0) return current;
    const result = await tasks.change(current, fields, options);
    if (result.ok) return result.task;
    current = result.conflict.current;
  }
}

async function merged({ base, fields: mine }: Write, current: Task, merge: Merge): Promise<TaskChange> {
  const fields = conflictingFields(base, mine, current);
  const own = differences(mine, current).filter((field) => !fields.includes(field));
  const decided = fields.length ? await merge({ base, mine, current, fields }) : {};
  if (!decided)
    throw new TaskProblem("The task was changed elsewhere.", { code: "precondition_failed", status: 412, current });
  const result = { ...pick(mine, own), ...decided };
  return pick(result, differences(result, current));
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof TaskProblem && error.code === "not_found")) throw error;
}
