/** What the person sees: the tasks as the service had them, with the writes that wait. */
import { draftOf, fieldsOf, pick } from "../fields.js";
import { laneOf } from "../lanes.js";
import { countsOf, matches, order } from "../matching.js";
import type { Counts, Filters, Sort, Task } from "../types.js";
import type { State, Write } from "./store.js";

export function viewOf({ tasks, writes }: State): Map<number | string, Task> {
  const view = new Map(tasks.map((task) => [laneOf(task), task]));
  for (const write of writes) if (!write.refused) show(view, write);
  return view;
}

function show(view: Map<number | string, Task>, { kind, key, fields, at }: Write): void {
  const task = view.get(key);
  if (kind === "delete") view.delete(key);
  else if (kind === "change" && task) view.set(key, { ...task, ...pick(fields, fieldsOf(fields)) });
  else if (kind === "create" && !task) view.set(key, draft(fields as { title: string }, String(key), at));
}

const draft = (fields: { title: string }, key: string, at: string): Task => ({
  ...draftOf(fields, key),
  created_at: at,
  updated_at: at,
});

/** Return the tasks that match, in the order of a list. */
export function selectTasks(tasks: readonly Task[], { sort, ...filters }: Filters & { sort?: Sort } = {}): Task[] {
  return tasks.filter((task) => matches(task, filters)).sort(order(sort));
}

export function countTasks(tasks: readonly Task[], filters: Filters = {}): Counts {
  const sum: Counts = { all: 0, pending: 0, completed: 0, overdue: 0 };
  for (const task of tasks) {
    const one = countsOf(task, filters);
    for (const name of ["all", "pending", "completed", "overdue"] as const) sum[name] += one[name];
  }
  return sum;
}
