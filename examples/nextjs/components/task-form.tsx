import { useRef, type FormEvent, type ReactNode } from "react";
import type { TaskFields } from "@/lib/api";

export const PRIORITIES = { low: "Low", medium: "Medium", high: "High" };

type Save = (fields: TaskFields, form: HTMLFormElement) => Promise<void>;
type Props = { className: string; children: ReactNode; onSave: Save };

/** Passes a task's fields to `onSave`. While they are being saved, submitting the same fields again does nothing. */
export function TaskForm({ className, children, onSave }: Props) {
  const pending = useRef("");

  async function submit(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const values: unknown = Object.fromEntries(new FormData(event.currentTarget));
    const { title, description, priority } = values as TaskFields;
    const sent = JSON.stringify(values);
    if (sent === pending.current) return;
    pending.current = sent;
    await onSave({ title, description: description || null, priority }, event.currentTarget);
    if (sent === pending.current) pending.current = "";
  }
  return <form className={className} onSubmit={submit}>{children}</form>;
}

export function PriorityPicker({ value }: { value: TaskFields["priority"] }) {
  return (
    <fieldset className="segments">
      <legend className="hidden">Priority</legend>
      {Object.entries(PRIORITIES).map(([priority, label]) => (
        <label key={priority}>
          <input type="radio" name="priority" value={priority} defaultChecked={priority === value} />
          {label}
        </label>
      ))}
    </fieldset>
  );
}
