import { memo, useRef } from "react";
import { flushSync } from "react-dom";
import type { Task, TaskChange } from "tasks-client";
import type { Draft } from "@/lib/draft";
import { isOverdue } from "@/lib/filters";
import { valuesOf } from "@/lib/values";
import { PRIORITIES, time } from "@/lib/words";
import { EditForm } from "./edit-form";

export interface TaskActions {
  complete: (task: Task, completed: boolean) => void;
  edit: (task: Task, changes: TaskChange) => Promise<boolean>;
  remove: (task: Task) => void;
  change: (task: Task, draft: Draft) => void;
  close: (task: Task) => void;
}

interface Props {
  task: Task;
  draft?: Draft;
  now: number;
  actions: TaskActions;
}

/** A row. It is drawn again only when its own task or draft has changed. */
export const TaskItem = memo(function TaskItem({ task, draft, now, actions }: Props) {
  const row = useRef<HTMLLIElement>(null);
  const opener = useRef<HTMLButtonElement>(null);
  const { title, description, priority, completed } = task;

  const save = async (changes: TaskChange) => (await actions.edit(task, changes)) && close();

  function open() {
    flushSync(() => actions.change(task, { base: valuesOf(task), values: valuesOf(task) }));
    row.current?.querySelector("input")?.focus();
  }

  function close() {
    flushSync(() => actions.close(task));
    opener.current?.focus();
  }

  function remove() {
    const neighbour = row.current?.nextElementSibling ?? row.current?.previousElementSibling;
    if (neighbour instanceof HTMLElement) neighbour.focus();
    actions.remove(task);
  }

  if (draft) {
    return (
      <li ref={row} tabIndex={-1} className="card">
        <EditForm
          task={task} draft={draft} onChange={(draft) => actions.change(task, draft)} onSave={save} onCancel={close}
        />
      </li>
    );
  }
  return (
    <li ref={row} tabIndex={-1} className="card task" data-priority={priority} data-completed={completed}>
      <input
        type="checkbox"
        aria-label={`Complete ${title}`}
        checked={completed}
        onChange={(event) => actions.complete(task, event.target.checked)}
      />
      <div className="text">
        <p className="title">{title}</p>
        {description && <p className="muted description">{description}</p>}
        <Facts task={task} now={now} />
      </div>
      <span className="badge"><span className="hidden">Priority: </span>{PRIORITIES[priority]}</span>
      <button ref={opener} className="quiet" aria-label={`Edit ${title}`} onClick={open}>Edit</button>
      <button className="quiet" aria-label={`Delete ${title}`} onClick={remove}>Delete</button>
    </li>
  );
});

/** The due date and the tags. */
function Facts({ task, now }: { task: Task; now: number }) {
  if (!task.due_at && !task.tags.length) return null;
  return (
    <p className="facts">
      {task.due_at && (
        <span className={isOverdue(task, now) ? "overdue" : undefined}>
          {isOverdue(task, now) ? "Overdue since " : "Due "}
          <time dateTime={task.due_at}>{time(task.due_at)}</time>
        </span>
      )}
      {task.tags.length > 0 && <span className="hidden">Tags: </span>}
      {task.tags.map((tag) => <span key={tag} className="tag">{tag}</span>)}
    </p>
  );
}
