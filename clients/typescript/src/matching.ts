/** Which tasks a list has, and in which order: the rules of the service, for tasks that are at hand. */
import type { Counts, Filters, Selection, Sort, Task } from "./types.js";

const RANKS = { high: 0, medium: 1, low: 2 };

const KEYS: Record<string, (task: Task) => string | number> = {
  created: (task) => time(task.created_at),
  updated: (task) => time(task.updated_at),
  title: (task) => task.title.toLowerCase(),
  priority: (task) => RANKS[task.priority],
  due: (task) => (task.due_at ? time(task.due_at) : "~"),
};

/** Without the final Z, equal times are equal texts and a later time is a greater text. */
const time = (text: string) => text.replace(/Z$/, "");

/** Return a comparison for `Array.sort`. */
export function order(sort: Sort = "created"): (one: Task, other: Task) => number {
  const sign = sort.startsWith("-") ? -1 : 1;
  const key = KEYS[sort.replace("-", "")]!;
  return (one, other) => sign * (compare(key(one), key(other)) || compare(one.id, other.id));
}

const compare = (one: string | number, other: string | number) => (one < other ? -1 : one > other ? 1 : 0);

/** Return whether a list with these filters has the task. */
export function matches(task: Task, filters: Filters): boolean {
  const { status = "all", priority, tag = [], due_before, due_after, search = "" } = filters;
  if (status !== "all" && task.completed !== (status === "completed")) return false;
  if (priority && task.priority !== priority) return false;
  const tags = new Set(task.tags.map((name) => name.toLowerCase()));
  if (!tag.every((name) => tags.has(name.trim().toLowerCase()))) return false;
  if (due_before && !(task.due_at && Date.parse(task.due_at) < Date.parse(due_before))) return false;
  if (due_after && !(task.due_at && Date.parse(task.due_at) > Date.parse(due_after))) return false;
  const text = `${task.title} ${task.description ?? ""}`.toLowerCase();
  return search.split(/\s+/).every((word) => text.includes(word.toLowerCase()));
}

export function isSelected(task: Task, { ids, ...filters }: Selection): boolean {
  const named = !ids || ids.some((id) => id === task.id || id === task.client_id);
  return named && matches(task, filters);
}

/** Return how much one task adds to counts with these filters. */
export function countsOf(task: Task | null, filters: Filters): Counts {
  const counted = task !== null && matches(task, filters);
  const pending = counted && !task.completed;
  const overdue = pending && task.due_at !== null && Date.parse(task.due_at) < Date.now();
  return { all: +counted, pending: +pending, completed: +(counted && task.completed), overdue: +overdue };
}
