/** Values of fields: equality as the service sees it, and the merge of two changes of one task. */
import type { Task, TaskChange, TaskFields } from "./types.js";

export const FIELDS = ["title", "description", "completed", "priority", "due_at", "tags"] as const;
type Field = (typeof FIELDS)[number];

/** The service trims texts, drops the same tag in another case, and writes times in UTC. */
function normal(field: Field, value: TaskFields[Field] | undefined): string {
  if (field === "due_at" && typeof value === "string") return String(Date.parse(value));
  if (field === "tags" && Array.isArray(value)) {
    return JSON.stringify([...new Set(value.map((tag) => tag.trim().toLowerCase()))]);
  }
  return JSON.stringify(typeof value === "string" ? value.trim() : value);
}

export function isSame<F extends Field>(field: F, one: TaskFields[F] | undefined, other: TaskFields[F] | undefined) {
  return normal(field, one) === normal(field, other);
}

export const fieldsOf = (change: TaskChange): Field[] => FIELDS.filter((field) => change[field] !== undefined);

/** Return the fields of `fields` that `task` has with other values. */
export function differences(change: TaskChange, task: TaskChange): Field[] {
  return fieldsOf(change).filter((field) => !isSame(field, change[field], task[field]));
}

/** Return the fields that this change and another client changed to different values since `base`. */
export function conflictingFields(base: TaskChange, change: TaskChange, current: TaskChange): Field[] {
  return differences(change, current).filter((field) => !isSame(field, base[field], current[field]));
}

/** Return the writable fields of a task, of `names` alone. */
export function pick(task: TaskChange, names: readonly Field[] = FIELDS): TaskChange {
  return Object.fromEntries(names.map((field) => [field, task[field]]));
}

/** Return a number for a task that has no id yet. It is negative, and the same for the same key. */
export const draftId = (clientId: string): number =>
  -1 - Number.parseInt(clientId.replaceAll("-", "").slice(0, 12), 16);

/** Return the task that the service will make, for display until it has answered. */
export function draftOf(fields: TaskChange & { title: string }, clientId: string, userId = ""): Task {
  const now = new Date().toISOString();
  const defaults = { description: null, completed: false, priority: "medium", due_at: null, tags: [] } as const;
  const made = {
    id: draftId(clientId),
    user_id: userId,
    client_id: clientId,
    version: 0,
    created_at: now,
    updated_at: now,
  };
  return { ...defaults, tags: [], ...pick(fields, fieldsOf(fields)), title: fields.title, ...made };
}

/** The service has not numbered the task yet. */
export const isDraft = (task: Pick<Task, "id">): boolean => task.id < 0;

/** Return a UUID. `crypto.randomUUID` is missing on pages that came over plain HTTP. */
export function newKey(): string {
  if (crypto.randomUUID) return crypto.randomUUID();
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
