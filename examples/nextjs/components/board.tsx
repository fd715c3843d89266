import { type RefObject, useDeferredValue, useEffect, useMemo, useState } from "react";
import type { Task } from "tasks-client";
import { countTasks, selectTasks, type Snapshot } from "tasks-client/offline";
import type { Account } from "@/lib/account";
import { NEW, NOTHING } from "@/lib/drafts";
import { type Choice, EVERYTHING, filtersOf, isFiltered, tagsOf } from "@/lib/filters";
import { fieldsOf, keyOf, type Values } from "@/lib/values";
import { number } from "@/lib/words";
import { AddForm } from "./add-form";
import { Connection } from "./connection";
import { FilterBar } from "./filter-bar";
import { LostEdits } from "./lost-edits";
import { Refusals } from "./refusals";
import { StatusLine } from "./status-line";
import { TaskList } from "./task-list";
import { useSnapshot } from "./use-account";
import { useDeletedElsewhere } from "./use-deleted-elsewhere";
import { useDrafts } from "./use-drafts";
import { useNotice } from "./use-notice";
import { useKeptFocus, useNow, useOnline, useTitle } from "./use-page";
import { useTaskActions } from "./use-task-actions";

export function Board({ account, heading }: { account: Account; heading: RefObject<HTMLHeadingElement | null> }) {
  const { offline, userId } = account;
  const snapshot = useSnapshot(account);
  const { tasks, refused, isLoaded } = snapshot;
  const { notice, problem, say, run } = useNotice();
  const drafts = useDrafts(userId);
  const [choice, setChoice] = useState(EVERYTHING);
  const { matching, counts, tags, pending, now } = useMatching(tasks, choice);
  const edits = useEdits(drafts.all, tasks, matching);
  const actions = useTaskActions(offline, run, drafts);
  const busy = useBusy(snapshot);
  useTitle(pending ? `Tasks (${number(pending)} pending)` : "Tasks");
  useKeptFocus(heading);
  useDeletedElsewhere(snapshot, say);
  useEffect(() => say(""), [refused.length, say]); // “Changed “X”.” is not true when the service refuses it

  const add = (values: Values) => run(() => offline.create(fieldsOf(values)), `Added “${values.title.trim()}”.`);
  return (
    <>
      <Connection snapshot={snapshot} retry={offline.sync} />
      {problem && <p role="alert" className="alert">{problem}</p>}
      <Refusals tasks={tasks} refused={refused} offline={offline} run={run} />
      {isLoaded && <LostEdits keys={edits.lost} drafts={drafts} add={add} />}
      <AddForm draft={drafts.all[NEW] ?? NOTHING} onChange={(draft) => drafts.change(NEW, draft)} onSave={add} />
      <FilterBar choice={choice} tags={tags} onChange={setChoice} />
      <StatusLine
        snapshot={snapshot} busy={busy} notice={notice} counts={counts} hiddenEdits={edits.hidden.length}
        onUndo={(write) => run(() => offline.dismiss(write), `“${write.base.title}” is back.`)}
      />
      {isLoaded && !matching.length && (
        <p className="card empty">{isFiltered(choice) ? "No task matches." : "Nothing here yet."}</p>
      )}
      <TaskList
        key={JSON.stringify(choice)} busy={busy} tasks={matching} drafts={drafts.all} now={now} actions={actions}
      />
    </>
  );
}

/** Filter, order and count on this device. */
function useMatching(tasks: readonly Task[], latest: Choice) {
  const choice = useDeferredValue(latest); // typing stays fluent with thousands of tasks
  const now = useNow();
  const all = useMemo(() => ({ tags: tagsOf(tasks), pending: countTasks(tasks).pending }), [tasks]);
  const some = useMemo(() => {
    const matching = selectTasks(tasks, { ...filtersOf(choice, now), sort: choice.sort });
    return { matching, counts: countTasks(matching) };
  }, [tasks, choice, now]);
  return { ...all, ...some, now };
}

/** Return the keys of unfinished edits whose task is gone, and of those whose task is not shown. */
function useEdits(drafts: Record<string, unknown>, tasks: readonly Task[], matching: Task[]) {
  const known = useMemo(() => new Set(tasks.map(keyOf)), [tasks]);
  const visible = useMemo(() => new Set(matching.map(keyOf)), [matching]);
  const edits = Object.keys(drafts).filter((key) => key !== NEW);
  return {
    lost: edits.filter((key) => !known.has(key)),
    hidden: edits.filter((key) => known.has(key) && !visible.has(key)),
  };
}

/** Return whether an answer of the service is awaited. */
function useBusy({ problem, waiting, isLoaded }: Snapshot): boolean {
  const online = useOnline();
  return online && !problem && (waiting > 0 || !isLoaded);
}
