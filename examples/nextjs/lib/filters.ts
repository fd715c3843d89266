/** What the person has chosen to see. Everything is on this device, so that no choice needs a request. */
import type { Filters, Priority, Sort, Task } from "tasks-client";

export interface Choice {
  search: string;
  status: "all" | "pending" | "completed" | "overdue";
  priority: Priority | "";
  tag: string;
  sort: Sort;
}

export const EVERYTHING: Choice = { search: "", status: "all", priority: "", tag: "", sort: "-created" };

export const isFiltered = ({ sort: _, ...choice }: Choice): boolean =>
  Object.entries(choice).some(([name, value]) => value !== EVERYTHING[name as keyof Choice]);

export function filtersOf({ search, status, priority, tag }: Choice, now: number): Filters {
  return {
    search: search.trim(),
    status: status === "overdue" ? "pending" : status,
    priority: priority || undefined,
    tag: tag ? [tag] : [],
    due_before: status === "overdue" ? new Date(now).toISOString() : undefined,
  };
}

export const isOverdue = ({ completed, due_at }: Task, now: number): boolean =>
  !completed && due_at !== null && Date.parse(due_at) < now;

/** Return every tag once. The same tag can be written in another case. */
export function tagsOf(tasks: readonly Task[]): string[] {
  const tags = new Map(tasks.flatMap(({ tags }) => tags).map((tag) => [tag.toLowerCase(), tag]));
  return [...tags.values()].sort((one, other) => one.localeCompare(other));
}
