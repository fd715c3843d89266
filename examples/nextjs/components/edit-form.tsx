import { useRef } from "react";
import type { Task, TaskChange } from "tasks-client";
import { type Draft, follow, keepMine, keepTheirs } from "@/lib/draft";
import { changesOf, FIELDS, type Name, type Values, valuesOf } from "@/lib/values";
import { LABELS, PRIORITIES, time } from "@/lib/words";
import { Conflict } from "./conflict";
import { taskFields } from "./task-fields";
import { useCheckedForm } from "./use-checked-form";

interface Props {
  task: Task;
  draft: Draft;
  onChange: (draft: Draft) => void;
  onSave: (changes: TaskChange) => void;
  onCancel: () => void;
}

export function EditForm({ task, draft: typed, onChange, onSave, onCancel }: Props) {
  const current = valuesOf(task);
  const { draft, conflicts } = follow(typed, current);
  const question = useRef<HTMLHeadingElement>(null);
  const save = () => (conflicts.length ? question.current?.focus() : onSave(changesOf(draft.base, draft.values)));
  const { errors, onSubmit } = useCheckedForm(draft.values, save);
  const change = (values: Values) => onChange({ ...draft, values });
  const { all } = taskFields({ values: draft.values, errors, onChange: change });
  return (
    <form
      className="edit" aria-label={`Edit ${task.title}`} noValidate onSubmit={onSubmit}
      onKeyDown={(event) => event.key === "Escape" && onCancel()}
    >
      <div aria-live="polite">
        {conflicts.length > 0 && (
          <Conflict
            title={task.title}
            differences={conflicts.map((name) => differenceOf(name, draft.values, current))}
            heading={question}
            onMine={() => onChange(keepMine(draft, current))}
            onTheirs={() => onChange(keepTheirs(draft, current, conflicts))}
          />
        )}
      </div>
      {all}
      <div className="buttons">
        <button className="primary">Save</button>
        <button type="button" onClick={onCancel}>Cancel</button>
      </div>
    </form>
  );
}

function differenceOf(name: Name, mine: Values, theirs: Values) {
  const label = LABELS[FIELDS[name]];
  return { label, mine: text(name, mine), theirs: text(name, theirs) };
}

function text(name: Name, values: Values): string {
  if (!values[name]) return "empty";
  if (name === "due") return time(values.due);
  return name === "priority" ? PRIORITIES[values.priority] : values[name];
}
