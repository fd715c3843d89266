import { useRef, useState } from "react";
import type { Draft } from "@/lib/draft";
import { EMPTY, type Values } from "@/lib/values";
import { taskFields } from "./task-fields";
import { useCheckedForm } from "./use-checked-form";

interface Props {
  draft: Draft;
  onChange: (draft: Draft) => void;
  /** Return whether the task is stored. */
  onSave: (values: Values) => Promise<boolean>;
}

export function AddForm({ draft: { values }, onChange, onSave }: Props) {
  const newest = useRef(values);
  newest.current = values;
  const saving = useRef(false);
  const [isOpen, setOpen] = useState(false);

  async function save() {
    if (saving.current) return; // pressed twice
    saving.current = true;
    const isStored = await onSave(values);
    saving.current = false;
    if (isStored && newest.current === values) onChange({ base: EMPTY, values: EMPTY });
  }

  const { errors, onSubmit } = useCheckedForm(values, save);
  const more = isOpen || Boolean(errors.due ?? errors.tags ?? errors.description);
  const fields = taskFields({ values, errors, onChange: (values) => onChange({ base: EMPTY, values }) });
  return (
    <form className="card add" aria-label="Add a task" noValidate onSubmit={onSubmit}>
      {fields.title("New task")}
      {fields.priority}
      <button className="primary">Add</button>
      <details open={more} onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>Due date, tags, description</summary>
        {more && <div className="row">{fields.due}{fields.tags}</div>}
        {more && fields.description}
      </details>
    </form>
  );
}
