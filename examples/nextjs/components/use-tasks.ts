import { useEffect, useMemo, useReducer, useState } from "react";
import { tasksOf, type Filters, type Task, type TaskFields } from "@/lib/api";
import { Failure } from "@/lib/failure";

/** The user's tasks. The list is read again after every change. */
export function useTasks(userId: string, filters: Filters) {
  const service = useMemo(() => tasksOf(userId), [userId]);
  const [tasks, setTasks] = useState<Task[] | null>(null);
  const [problem, setProblem] = useState<{ sentence: string; retry?: () => void } | null>(null);
  const [notice, setNotice] = useState<{ text: string; undo?: () => void }>({ text: "" });
  const [version, reload] = useReducer((count: number) => count + 1, 0);

  useEffect(() => {
    let outdated = false; // an older response must not overwrite a newer one
    service.list(filters).then(
      (found) => outdated || (setTasks(found), setProblem(null)),
      (error) => outdated || report(error, reload),
    );
    return () => void (outdated = true);
  }, [service, filters, version]);

  function report(error: unknown, retry: () => void) {
    const known = error instanceof Failure ? error : new Failure(`Something went wrong: ${error}`, true);
    setProblem({ sentence: known.message, retry: known.canRetry ? retry : undefined });
  }

  /** Make one change and announce it. A failed change can be repeated. */
  async function change(action: () => Promise<unknown>, done: typeof notice, after?: () => void): Promise<void> {
    setNotice({ text: "" });
    try {
      await action();
    } catch (error) {
      return report(error, () => void change(action, done, after));
    }
    setNotice(done);
    after?.();
    reload();
  }

  const add = (task: TaskFields, after?: () => void) =>
    change(() => service.add(task), { text: `Added “${task.title}”.` }, after);

  const edit = (id: number, fields: TaskFields, after: () => void) =>
    change(() => service.edit(id, fields), { text: `Saved “${fields.title}”.` }, after);

  const remove = ({ id, ...task }: Task) =>
    change(() => service.remove(id), { text: `Deleted “${task.title}”.`, undo: () => void add(task) });

  function complete({ id, title }: Task, completed: boolean) {
    const show = (completed: boolean) =>
      setTasks((list) => list && list.map((task) => (task.id === id ? { ...task, completed } : task)));
    const action = () => {
      show(completed); // shown at once, reverted when the request fails
      return service.complete(id, completed).catch((error) => { show(!completed); throw error; });
    };
    return change(action, { text: completed ? `Completed “${title}”.` : `“${title}” is pending again.` });
  }

  return { tasks, problem, notice, change, add, edit, remove, complete };
}
