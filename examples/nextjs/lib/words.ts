/** Values and numbers as people read them. */
import type { TaskFields } from "tasks-client";

export const PRIORITIES = { low: "Low", medium: "Medium", high: "High" };

export const LABELS = {
  title: "Title",
  description: "Description",
  completed: "Completed",
  priority: "Priority",
  due_at: "Due date",
  tags: "Tags",
};

export const number = (count: number) => count.toLocaleString("en");

export const counted = (count: number, noun: string) => `${number(count)} ${noun}${count === 1 ? "" : "s"}`;

/** “3 changes wait”: also the verb depends on the number. */
export const waitingChanges = (count: number) => `${counted(count, "change")} ${count === 1 ? "waits" : "wait"}`;

export const time = (value: string) =>
  new Date(value).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });

/** Return the value of a field as a text. */
export function shown<Field extends keyof TaskFields>(field: Field, value: TaskFields[Field] | undefined): string {
  if (value === true) return "yes";
  if (value === false) return "no";
  if (Array.isArray(value)) return value.join(", ") || "empty";
  if (!value) return "empty";
  if (field === "due_at") return time(value);
  return field === "priority" ? PRIORITIES[value as keyof typeof PRIORITIES] : value;
}
