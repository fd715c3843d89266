/** What an application shows. */
import { TaskProblem } from "../problem.js";
import type { Task } from "../types.js";
import { isHeld } from "./queue.js";
import type { State, Write } from "./store.js";
import type { News, Status } from "./tabs.js";

export interface Snapshot {
  tasks: readonly Task[];
  /** The number of writes that wait. */
  waiting: number;
  /** Writes that the service has refused. */
  refused: readonly Write[];
  /** Deletes that can be taken back. */
  held: readonly Write[];
  /** The service's tasks have been read, now or earlier on this device. */
  isLoaded: boolean;
  /** The state of the tab that leads. */
  status: Status;
  /** Why the service could not be reached; null once it has been reached again. */
  problem: TaskProblem | null;
}

export function snapshotOf(
  { writes, since }: State,
  tasks: Task[],
  status: Status,
  problem: TaskProblem | null,
): Snapshot {
  const refused = writes.filter((write) => write.refused);
  const held = writes.filter(isHeld);
  const waiting = writes.length - refused.length - held.length;
  return { tasks, waiting, refused, held, isLoaded: since !== null, status, problem };
}

/** Return what another tab has to know. An error does not travel with all its fields. */
export function newsOf({ status, problem }: Snapshot): News {
  return { status, problem: problem && { detail: problem.message, code: problem.code, status: problem.status } };
}

export const problemOfNews = ({ problem }: News): TaskProblem | null =>
  problem && new TaskProblem(problem.detail, problem);

/** Return the error as a problem. What is not of the service is of the device's storage. */
export const asProblem = (error: unknown): TaskProblem =>
  error instanceof TaskProblem
    ? error
    : new TaskProblem(`The storage of this device failed: ${String(error)}`, { code: "storage_failed", cause: error });
