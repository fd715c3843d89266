import type { Task, TaskChange, TaskFields } from "tasks-client";
import { conflictingFields, type OfflineTasks, type Write } from "tasks-client/offline";
import { keyOf } from "@/lib/values";
import { LABELS, shown } from "@/lib/words";
import { Conflict } from "./conflict";
import { RefusedValues } from "./refused-values";
import type { Run } from "./use-notice";

interface Props {
  offline: OfflineTasks;
  run: Run;
}

/** The changes that the service has refused. The person decides what becomes of each. */
export function Refusals({ tasks, refused, ...props }: Props & { tasks: readonly Task[]; refused: readonly Write[] }) {
  return (
    <div aria-live="polite" className="stack">
      {refused.map((write) => {
        const task = tasks.find((task) => keyOf(task) === String(write.key));
        return <Refusal key={write.seq} write={write} task={task} {...props} />;
      })}
    </div>
  );
}

export type RefusalProps = Props & { write: Write; task?: Task };

function Refusal(props: RefusalProps) {
  const { write, task } = props;
  const { code } = write.refused!;
  if (code === "precondition_failed" && task) return <RefusedConflict {...props} task={task} />;
  if (write.kind === "change" && !task) return <RefusedAsGone {...props} />;
  return code === "validation_error" ? <RefusedValues {...props} /> : <RefusedOtherwise {...props} />;
}

/** Both sides changed the same fields. */
function RefusedConflict({ write, task: read, offline, run }: RefusalProps & { task: Task }) {
  const { task: answered = read } = write.refused!; // the service has sent it with its refusal
  const task = answered.version > read.version ? answered : read;
  const fields = conflictingFields(write.base, write.fields, task);
  const isOther = ([name]: [string, unknown]) => !fields.some((field) => field === name);
  const others = Object.fromEntries(Object.entries(write.fields).filter(isOther));

  const decide = (changes: TaskChange) => run(async () => {
    if (Object.keys(changes).length) await offline.change(task, changes);
    await offline.dismiss(write);
  });
  const difference = (name: keyof TaskFields) => ({
    label: LABELS[name],
    mine: shown(name, write.fields[name]),
    theirs: shown(name, task[name]),
  });
  return (
    <Conflict
      title={task.title}
      differences={fields.map(difference)}
      onMine={() => decide(write.fields)}
      onTheirs={() => decide(others)}
    />
  );
}

/** The task was deleted elsewhere before the change was sent. */
function RefusedAsGone({ write, offline, run }: RefusalProps) {
  const fields = { title: "Untitled", ...writable(write.refused!.task), ...write.fields };
  const keep = async () => {
    await offline.create(fields);
    await offline.dismiss(write);
  };
  return (
    <section className="card ask">
      <h2>“{fields.title}” was deleted elsewhere</h2>
      <p>Your change was not saved.</p>
      <div className="buttons">
        <button className="primary" onClick={() => run(keep, `Added “${fields.title}”.`)}>Keep as a new task</button>
        <button onClick={() => run(() => offline.dismiss(write))}>Discard</button>
      </div>
    </section>
  );
}

function RefusedOtherwise({ write, task, offline, run }: RefusalProps) {
  const title = write.fields.title ?? task?.title ?? write.base.title;
  return (
    <section className="card ask">
      <h2>A change of “{title}” was not saved</h2>
      <p className="error">{write.refused!.detail}</p>
      <div className="buttons">
        <button className="primary" onClick={() => run(() => offline.repeat(write))}>Try again</button>
        <button onClick={() => run(() => offline.dismiss(write))}>Discard</button>
      </div>
    </section>
  );
}

/** Return the fields of a task that a new one can have. */
function writable(task?: Task): TaskChange {
  if (!task) return {};
  const { title, description, completed, priority, due_at, tags } = task;
  return { title, description, completed, priority, due_at, tags };
}
