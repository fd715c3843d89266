import { type RefObject, useDeferredValue, useMemo, useState } from "react";
import type { Task } from "tasks-client";
import { countTasks, selectTasks } from "tasks-client/offline";
import type { Account } from "@/lib/account";
import { NEW, NOTHING } from "@/lib/drafts";
import { type Choice, EVERYTHING, filtersOf, isFiltered, tagsOf } from "@/lib/filters";
import { fieldsOf, keyOf } from "@/lib/values";
import { number } from "@/lib/words";
import { AddForm } from "./add-form";
import { Connection } from "./connection";
import { FilterBar } from "./filter-bar";
import { LostEdit } from "./lost-edit";
import { Refusals } from "./refusals";
import { StatusLine } from "./status-line";
import { TaskList } from "./task-list";
import type { TaskActions } from "./task-item";
import { useSnapshot } from "./use-account";
import { useDeletedElsewhere } from "./use-deleted-elsewhere";
import { useDrafts } from "./use-drafts";
import { useNotice } from "./use-notice";
import { useKeptFocus, useNow, useOnline, useTitle } from "./use-page";

const UNDO = 10_000; // milliseconds in which a delete can be taken back

export function Board({ account, heading }: { account: Account; heading: RefObject<HTMLHeadingElement | null> }) {
  const { offline, userId } = account;
  const snapshot = useSnapshot(account);
  const { notice, problem, say, run } = useNotice();
  const { drafts, change, drop } = useDrafts(userId);
  useDeletedElsewhere(snapshot, say);
  const [choice, setChoice] = useState<Choice>(EVERYTHING);
  const { tasks } = snapshot;
  const { matching, counts, now } = useMatching(tasks, choice);
  const known = useMemo(() => new Map(tasks.map((task) => [keyOf(task), task])), [tasks]);
  const tags = useMemo(() => tagsOf(tasks), [tasks]);
  const pending = useMemo(() => countTasks(tasks).pending, [tasks]);
  useTitle(pending ? `Tasks (${number(pending)} pending)` : "Tasks");
  useKeptFocus(heading);
  const online = useOnline();

  const actions: TaskActions = {
    complete: (task, completed) =>
      run(() => offline.complete(task, completed), completed ? `Completed “${task.title}”.` : `“${task.title}” is pending again.`),
    edit: (task, changes) =>
      run(async () => Object.keys(changes).length && offline.change(task, changes), `Saved “${changes.title ?? task.title}”.`),
    remove: (task) => run(() => offline.delete(task, { hold: UNDO })),
    change: (task, draft) => change(keyOf(task), draft),
    close: (task) => drop(keyOf(task)),
  };
  const edits = Object.keys(drafts).filter((key) => key !== NEW);
  const lost = snapshot.isLoaded ? edits.filter((key) => !known.has(key)) : [];
  const busy = online && !snapshot.problem && (snapshot.waiting > 0 || !snapshot.isLoaded);
  const visible = new Set(matching.map(keyOf));
  const add = (values: typeof NOTHING.values) => run(() => offline.create(fieldsOf(values)), `Added “${values.title.trim()}”.`);
  return (
    <>
      <Connection snapshot={snapshot} retry={offline.sync} />
      {problem && <p role="alert" className="alert">{problem}</p>}
      <Refusals tasks={tasks} refused={snapshot.refused} offline={offline} run={run} />
      {lost.map((key) => {
        const { base, values } = drafts[key]!;
        const keep = async () => (await add(values)) && drop(key);
        return <LostEdit key={key} title={base.title} values={values} onKeep={keep} onDiscard={() => drop(key)} />;
      })}
      <AddForm values={(drafts[NEW] ?? NOTHING).values} onChange={(draft) => change(NEW, draft)} onSave={add} />
      <FilterBar choice={choice} tags={tags} onChange={setChoice} />
      <StatusLine
        snapshot={snapshot} busy={busy} notice={notice} counts={counts}
        hiddenEdits={edits.filter((key) => known.has(key) && !visible.has(key)).length}
        onUndo={(write) => run(() => offline.dismiss(write), `“${write.base.title}” is back.`)}
      />
      {snapshot.isLoaded && !matching.length && (
        <p className="card empty">{isFiltered(choice) ? "No task matches." : "Nothing here yet."}</p>
      )}
      <TaskList key={JSON.stringify(choice)} busy={busy} tasks={matching} drafts={drafts} now={now} actions={actions} />
    </>
  );
}

/** Filter, order and count on this device. */
function useMatching(tasks: readonly Task[], latest: Choice) {
  const choice = useDeferredValue(latest); // typing stays fluent with thousands of tasks
  const now = useNow();
  return useMemo(() => {
    const filters = filtersOf(choice, now);
    const matching = selectTasks(tasks, { ...filters, sort: choice.sort });
    return { matching, counts: countTasks(matching), now };
  }, [tasks, choice, now]);
}
