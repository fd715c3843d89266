/** The types of the API, from docs/openapi.yaml. */
import type { components, operations } from "./schema.js";

export type Task = components["schemas"]["Task"];
export type Counts = components["schemas"]["Counts"];
export type Changes = components["schemas"]["Changes"];
export type DeletedTask = components["schemas"]["DeletedTask"];
export type Priority = Task["priority"];

/** The fields that a client can write. */
export type TaskFields = Pick<Task, "title" | "description" | "completed" | "priority" | "due_at" | "tags">;
export type TaskChange = Partial<TaskFields>;
/** A new task. Without `client_id` the client makes one. */
export type NewTask = Pick<Task, "title"> & TaskChange & { client_id?: string };

type Query<Name extends keyof operations> = NonNullable<operations[Name]["parameters"]["query"]>;
/** Which tasks. All filters have to match. */
export type Filters = Query<"tasks_counts">;
/** Filters, the order and the page of a list. */
export type ListQuery = Query<"tasks_list">;
export type Sort = NonNullable<ListQuery["sort"]>;
/** Which tasks a bulk operation concerns: filters, or ids and client ids. At least one has to be there. */
export type Selection = Filters & { ids?: readonly (number | string)[] };
export type ExportFormat = NonNullable<Query<"tasks_export">["format"]>;

export interface Page {
  tasks: Task[];
  /** Send it as `cursor` for the next page; null on the last page. */
  next: string | null;
}

/** A task was changed by another client since it was read. */
export interface Conflict {
  /** The task as it was read. */
  base: Task;
  /** The task as it would be with this change. */
  mine: Task;
  /** The task as it is now. */
  current: Task;
  /** The fields that both sides changed to different values. */
  fields: (keyof TaskFields)[];
}

export type ChangeResult = { ok: true; task: Task } | { ok: false; conflict: Conflict };
export type DeleteResult = { ok: true } | { ok: false; conflict: Conflict };
