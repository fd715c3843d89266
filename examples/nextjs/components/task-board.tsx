"use client";

import Link from "next/link";
import { useEffect, useRef, useState } from "react";
import type { Filters } from "@/lib/api";
import { signOut } from "@/lib/auth-client";
import { FilterBar } from "./filter-bar";
import { PriorityPicker, TaskForm } from "./task-form";
import { TaskItem } from "./task-item";
import { useTasks } from "./use-tasks";

export function TaskBoard({ userId, userName }: { userId: string; userName: string }) {
  const [filters, setFilters] = useState<Filters>({});
  const { tasks, problem, notice, change, add, edit, remove, complete } = useTasks(userId, filters);
  const heading = useRef<HTMLHeadingElement>(null);

  useEffect(() => {
    // The focused row may have been removed. Focus the heading, so that the keyboard stays on this page's content.
    if (notice.text && document.activeElement === document.body) heading.current?.focus({ preventScroll: true });
  }, [notice, tasks]);

  const leave = () => change(signOut, { text: "Signed out." }, () => window.location.assign("/sign-in"));
  const clear = (form: HTMLFormElement, title: string) => new FormData(form).get("title") === title && form.reset();
  const filtered = filters.search || filters.priority || (filters.status ?? "all") !== "all";
  return (
    <>
      <header className="bar">
        <strong>Tasks</strong>
        <Link href="/account" className="muted" aria-label={`Account of ${userName}`}>{userName}</Link>
        <button onClick={leave}>Sign out</button>
      </header>
      <main>
        <h1 ref={heading} tabIndex={-1}>Your tasks</h1>
        {problem && (
          <div role="alert" className="alert">
            <p>{problem.sentence}</p>
            {problem.retry && <button onClick={problem.retry}>Try again</button>}
          </div>
        )}
        {tasks && (
          <>
            <TaskForm className="card add" onSave={(task, form) => add(task, () => clear(form, task.title))}>
              <label>New task <input name="title" autoComplete="off" required /></label>
              <PriorityPicker value="medium" />
              <button className="primary">Add</button>
            </TaskForm>
            <FilterBar onChange={setFilters} />
          </>
        )}
        <p role="status" className="muted">
          {notice.text} {notice.undo && <button className="link" onClick={notice.undo}>Undo</button>}{" "}
          {tasks ? `${tasks.length} ${tasks.length === 1 ? "task" : "tasks"}` : !problem && "Loading your tasks…"}
        </p>
        {tasks?.length === 0 && <p className="card empty">{filtered ? "No task matches." : "Nothing here yet."}</p>}
        <ul role="list">
          {tasks?.map((task) => (
            <TaskItem key={task.id} task={task} complete={complete} edit={edit} remove={remove} />
          ))}
        </ul>
      </main>
    </>
  );
}
