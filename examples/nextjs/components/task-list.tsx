import { useRef, useState } from "react";
import { flushSync } from "react-dom";
import type { Task } from "tasks-client";
import type { Draft } from "@/lib/draft";
import { keyOf } from "@/lib/values";
import { number } from "@/lib/words";
import { type TaskActions, TaskItem } from "./task-item";

const STEP = 100;

interface Props {
  busy: boolean;
  tasks: Task[];
  drafts: Record<string, Draft>;
  now: number;
  actions: TaskActions;
}

/** The tasks, 100 at a time: a browser is slow with thousands of rows. */
export function TaskList({ busy, tasks, drafts, now, actions }: Props) {
  const [length, setLength] = useState(STEP);
  const list = useRef<HTMLUListElement>(null);
  const hidden = tasks.length - length;

  function showMore() {
    flushSync(() => setLength(length + STEP));
    (list.current?.children[length] as HTMLElement | undefined)?.focus();
  }

  return (
    <>
      <ul role="list" ref={list} aria-busy={busy}>
        {tasks.slice(0, length).map((task) => (
          <TaskItem key={keyOf(task)} task={task} draft={drafts[keyOf(task)]} now={now} actions={actions} />
        ))}
      </ul>
      {hidden > 0 && (
        <div className="more">
          <p className="muted">{number(length)} of {number(tasks.length)} tasks are shown.</p>
          <button onClick={showMore}>Show {Math.min(STEP, hidden)} more</button>
        </div>
      )}
    </>
  );
}
