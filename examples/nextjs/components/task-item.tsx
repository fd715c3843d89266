import { useRef, useState } from "react";
import { flushSync } from "react-dom";
import type { Task } from "@/lib/api";
import { PRIORITIES, PriorityPicker, TaskForm } from "./task-form";
import type { useTasks } from "./use-tasks";

type Props = { task: Task } & Pick<ReturnType<typeof useTasks>, "complete" | "edit" | "remove">;

export function TaskItem({ task, complete, edit, remove }: Props) {
  const [editing, setEditing] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const { id, title, description, priority, completed } = task;

  function close() {
    flushSync(() => setEditing(false));
    opener.current?.focus();
  }

  if (editing) {
    return (
      <li className="card" onKeyDown={(event) => event.key === "Escape" && close()}>
        <TaskForm className="edit" onSave={(fields) => edit(id, fields, close)}>
          <label>Title <input name="title" defaultValue={title} autoComplete="off" autoFocus required /></label>
          <label>Description <textarea name="description" defaultValue={description ?? ""} rows={3} /></label>
          <PriorityPicker value={priority} />
          <button className="primary">Save</button>
          <button type="button" onClick={close}>Cancel</button>
        </TaskForm>
      </li>
    );
  }
  return (
    <li className="card task" data-priority={priority} data-completed={completed}>
      <input
        type="checkbox"
        aria-label={`Complete ${title}`}
        checked={completed}
        onChange={(event) => complete(task, event.target.checked)}
      />
      <div className="text">
        <p className="title">{title}</p>
        {description && <p className="muted description">{description}</p>}
      </div>
      <span className="badge"><span className="hidden">Priority: </span>{PRIORITIES[priority]}</span>
      <button ref={opener} className="quiet" aria-label={`Edit ${title}`} onClick={() => setEditing(true)}>Edit</button>
      <button className="quiet" aria-label={`Delete ${title}`} onClick={() => remove(task)}>Delete</button>
    </li>
  );
}
