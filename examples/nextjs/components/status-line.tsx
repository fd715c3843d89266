import type { Snapshot, Write } from "tasks-client/offline";
import type { Counts } from "tasks-client";
import { counted, number } from "@/lib/words";
import { useSlow } from "./use-page";

interface Props {
  snapshot: Snapshot;
  busy: boolean;
  notice: string;
  /** Of the tasks that match the filters. */
  counts: Counts;
  /** Edits that are not finished, of tasks that do not match the filters. */
  hiddenEdits: number;
  onUndo: (write: Write) => void;
}

/** The last change, the numbers, and whether everything is saved. */
export function StatusLine({ snapshot, busy, notice, counts, hiddenEdits, onUndo }: Props) {
  const { tasks, held, waiting, isLoaded } = snapshot;
  const slow = useSlow(busy);
  const deleted = held.at(-1);
  return (
    <p role="status" className="muted">
      {deleted && `Deleted “${deleted.base.title}”. `}
      {deleted && <button className="link" onClick={() => onUndo(deleted)}>Undo</button>}{" "}
      {notice} {isLoaded && numbers(counts, tasks.length)}{" "}
      {hiddenEdits > 0 && `${counted(hiddenEdits, "unfinished edit")} of tasks that do not match.`}{" "}
      {busy && (isLoaded ? saving(waiting) : "Loading your tasks…")}{" "}
      {slow && "The task service answers slowly."}
    </p>
  );
}

const saving = (waiting: number) => (waiting > 1 ? `Saving ${counted(waiting, "change")} …` : "Saving …");

function numbers({ all, pending, completed, overdue }: Counts, total: number): string {
  const parts = [`${number(pending)} pending`, `${number(completed)} completed`];
  if (overdue) parts.push(`${number(overdue)} overdue`);
  const of = all < total ? ` of ${number(total)}` : "";
  return `${counted(all, "task")}${of}: ${parts.join(", ")}.`;
}
