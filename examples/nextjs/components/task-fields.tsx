import { cloneElement, type ReactElement, type ReactNode, useId } from "react";
import type { Priority } from "tasks-client";
import { type Errors, MAX_DESCRIPTION, MAX_TITLE, type Name, type Values } from "@/lib/values";
import { PRIORITIES } from "@/lib/words";

export interface FieldsProps {
  values: Values;
  errors: Errors;
  onChange: (values: Values) => void;
}

/** The fields of a task, each with its error beside it. */
export function taskFields({ values, errors, onChange }: FieldsProps) {
  const control = (name: Name) => ({
    name,
    value: values[name],
    autoComplete: "off",
    onChange: (event: { target: { value: string } }) => onChange({ ...values, [name]: event.target.value }),
  });
  const field = (name: Name, label: string, input: ReactElement, hint?: string) => (
    <Field label={label} error={errors[name]} hint={hint}>{input}</Field>
  );
  const title = <input {...control("title")} maxLength={MAX_TITLE} aria-required />;
  const fields = {
    title: (label: string) => field("title", label, title),
    description: field("description", "Description", (
      <textarea {...control("description")} maxLength={MAX_DESCRIPTION} rows={3} />
    )),
    due: field("due", "Due date", <input {...control("due")} type="datetime-local" max="9999-12-31T23:59" />),
    tags: field("tags", "Tags", <input {...control("tags")} />, "Separated by commas"),
    priority: <PriorityPicker value={values.priority} onChange={(priority) => onChange({ ...values, priority })} />,
  };
  const all = (
    <>
      {fields.title("Title")}
      {fields.description}
      <div className="row">{fields.due}{fields.tags}</div>
      {fields.priority}
    </>
  );
  return { ...fields, all };
}

interface FieldProps {
  label: string;
  error?: string;
  hint?: string;
  children: ReactElement;
}

function Field({ label, error, hint, children }: FieldProps) {
  const id = useId();
  const note: ReactNode = error ?? hint;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {cloneElement(children as ReactElement<Record<string, unknown>>, {
        id,
        "aria-invalid": error ? true : undefined,
        "aria-describedby": note ? `${id}-note` : undefined,
      })}
      {note && <p id={`${id}-note`} className={error ? "error" : "hint"}>{note}</p>}
    </div>
  );
}

function PriorityPicker({ value, onChange }: { value: Priority; onChange: (value: Priority) => void }) {
  const name = useId();
  return (
    <fieldset className="segments">
      <legend className="hidden">Priority</legend>
      {Object.entries(PRIORITIES).map(([priority, label]) => (
        <label key={priority}>
          <input
            type="radio" name={name} checked={priority === value} onChange={() => onChange(priority as Priority)}
          />
          {label}
        </label>
      ))}
    </fieldset>
  );
}
