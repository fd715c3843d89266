import { useState } from "react";
import type { TaskFields } from "tasks-client";
import { changesOf, errorsOf, fieldsOf, valuesOf } from "@/lib/values";
import type { RefusalProps } from "./refusals";
import { taskFields } from "./task-fields";
import { useCheckedForm } from "./use-checked-form";

const DEFAULTS: TaskFields = {
  title: "", description: null, completed: false, priority: "medium", due_at: null, tags: [],
};

/** A change with wrong fields: the person corrects them. */
export function RefusedValues({ write, task, offline, run }: RefusalProps) {
  const [initial] = useState(() => valuesOf({ ...DEFAULTS, ...task, ...write.fields }));
  const [values, setValues] = useState(initial);
  const save = () => run(async () => {
    if (!task) return offline.repeat(write, fieldsOf(values));
    await offline.change(task, { ...write.fields, ...changesOf(initial, values) });
    await offline.dismiss(write);
  }, `Changed “${values.title}”.`);
  const [refused] = useState(() => errorsOf(write.refused!.errors));
  const { errors, onSubmit } = useCheckedForm(values, save, refused);
  const { all } = taskFields({ values, errors, onChange: setValues });
  return (
    <section className="card ask">
      <h2>“{initial.title}” was not saved</h2>
      {Object.keys(refused).length === 0 && <p className="error">{write.refused!.detail}</p>}
      <form className="edit" aria-label={`Correct ${initial.title}`} noValidate onSubmit={onSubmit}>
        {all}
        <div className="buttons">
          <button className="primary">Save</button>
          <button type="button" onClick={() => run(() => offline.dismiss(write))}>Discard</button>
        </div>
      </form>
    </section>
  );
}
