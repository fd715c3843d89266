/** The fields of a task as a form holds them: texts. */
import type { FieldError, Priority, Task, TaskChange, TaskFields } from "tasks-client";

export interface Values {
  title: string;
  description: string;
  priority: Priority;
  /** In the format of `<input type="datetime-local">`. */
  due: string;
  /** Separated by commas. */
  tags: string;
}

export type Name = keyof Values;
export type Errors = Partial<Record<Name, string>>;

export const EMPTY: Values = { title: "", description: "", priority: "medium", due: "", tags: "" };
export const NAMES = Object.keys(EMPTY) as Name[];
export const FIELDS = {
  title: "title",
  description: "description",
  priority: "priority",
  due: "due_at",
  tags: "tags",
} as const;

// The limits of the service, which counts code points. The `maxLength` of an input counts UTF-16 units.
export const MAX_TITLE = 200;
export const MAX_DESCRIPTION = 1000;
const MAX_TAGS = 20;
const MAX_TAG = 50;

export function valuesOf({ title, description, priority, due_at, tags }: Omit<TaskFields, "completed">): Values {
  const due = due_at ? localTime(due_at) : "";
  return { title, description: description ?? "", priority, due, tags: tags.join(", ") };
}

export function fieldsOf({ title, description, priority, due, tags }: Values) {
  const due_at = due ? new Date(due).toISOString() : null;
  return { title: title.trim(), description: description.trim() || null, priority, due_at, tags: tagsOf(tags) };
}

/** Return the fields that differ between two states of a form. */
export function changesOf(before: Values, after: Values): TaskChange {
  const fields = fieldsOf(after);
  const changed = NAMES.filter((name) => before[name] !== after[name]).map((name) => FIELDS[name]);
  return Object.fromEntries(changed.map((field) => [field, fields[field]]));
}

const tagsOf = (text: string) => text.split(",").map((tag) => tag.trim()).filter(Boolean);

function localTime(time: string): string {
  const date = new Date(time);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

const lengthOf = (text: string) => [...text].length;

export function check({ title, description, due, tags }: Values): Errors {
  const errors: Errors = {};
  if (!title.trim()) errors.title = "Write a title.";
  if (lengthOf(title.trim()) > MAX_TITLE) errors.title = `Use at most ${MAX_TITLE} characters.`;
  if (lengthOf(description.trim()) > MAX_DESCRIPTION) errors.description = `Use at most ${MAX_DESCRIPTION} characters.`;
  if (due && !/^\d{4}-/.test(due)) errors.due = "Choose a year before 10000.";
  if (tagsOf(tags).length > MAX_TAGS) errors.tags = `Use at most ${MAX_TAGS} tags.`;
  if (tagsOf(tags).some((tag) => lengthOf(tag) > MAX_TAG)) errors.tags = `Use at most ${MAX_TAG} characters for a tag.`;
  return errors;
}

/** Return the errors of the service beside the names of the form. A field is "title", or "tags.3". */
export function errorsOf(refused: FieldError[]): Errors {
  const named = NAMES.map((name) => [name, refused.find(({ field }) => field?.split(".")[0] === FIELDS[name])?.detail]);
  return Object.fromEntries(named.filter(([, detail]) => detail));
}

export const keyOf = (task: Task): string => String(task.client_id ?? task.id);
