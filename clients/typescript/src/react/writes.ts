/** Hooks that write. Each change is shown at once, and taken back if the service refuses it. */
import { useMutation, type UseMutationResult } from "@tanstack/react-query";
import { draftOf, fieldsOf, newKey, pick } from "../fields.js";
import { laneOf } from "../lanes.js";
import { TaskProblem } from "../problem.js";
import type { Tasks } from "../tasks.js";
import type { ChangeResult, DeleteResult, NewTask, Selection, Task, TaskChange } from "../types.js";
import type { Patch, Shown, TaskCache } from "./cache.js";
import { useTasksContext } from "./context.js";

export type Write<Variables, Data> = UseMutationResult<Data, TaskProblem, Variables, Shown>;

interface Plan<Variables, Data> {
  send: (tasks: Tasks, variables: Variables) => Promise<Data>;
  show: (cache: TaskCache, variables: Variables) => Shown;
  /** What the service has confirmed. */
  confirmed: (data: Data, shown: Task[]) => { changed?: Task[]; deleted?: Task[] };
  /** The write can concern tasks that are not in the cache. */
  isBulk?: boolean;
}

function useWrite<Variables, Data>({ send, show, confirmed, isBulk }: Plan<Variables, Data>): Write<Variables, Data> {
  const { tasks, cache } = useTasksContext();
  const settle = (shown: Shown, { changed = [], deleted = [] }: { changed?: Task[]; deleted?: Task[] }) => {
    const now = new Map<string | number, Task | null>(changed.map((task) => [laneOf(task), task]));
    for (const task of deleted) now.set(laneOf(task), null);
    cache.settle(shown, now);
    const settled = new Set(shown.tasks.map(laneOf));
    const others = changed.filter((task) => !settled.has(laneOf(task)));
    if (others.length) cache.accept(others);
    if (now.size) cache.onConfirmed(changed, deleted);
  };
  return useMutation<Data, TaskProblem, Variables, Shown>({
    mutationFn: (variables) => send(tasks, variables),
    onMutate: (variables) => {
      cache.begin();
      return show(cache, variables);
    },
    onSuccess: (data, _, shown) => settle(shown, confirmed(data, shown.tasks)),
    onError: (error, _, shown) => shown && settle(shown, isGone(error) && !isBulk ? { deleted: shown.tasks } : {}),
    onSettled: () => {
      cache.end();
      if (isBulk) void cache.recount();
    },
  });
}

const isGone = (error: unknown) => error instanceof TaskProblem && error.code === "not_found";
const remove = (): Patch => () => null;
const write =
  (fields: TaskChange): Patch =>
  (task) =>
    task && { ...task, ...pick(fields, fieldsOf(fields)) };

const keys = new WeakMap<object, string>();

/** Return the key of a new task. The same object has the same key, so that `mutate` can be repeated with it. */
function keyed<Fields extends NewTask>(fields: Fields): Fields & { client_id: string } {
  const client_id = fields.client_id ?? keys.get(fields) ?? newKey();
  keys.set(fields, client_id);
  return { ...fields, client_id };
}

const draft = (fields: NewTask) => draftOf(fields, keyed(fields).client_id);

/** Make a task: `mutate({ title })`. */
export const useCreateTask = (): Write<NewTask, Task> =>
  useWrite({
    send: (tasks, fields) => tasks.create(keyed(fields)),
    show: (cache, fields) => cache.show([draft(fields)], (task) => () => task, false),
    confirmed: (task) => ({ changed: [task] }),
  });

/** Make many tasks: `mutate([{ title }])`. */
export const useCreateTasks = (): Write<readonly NewTask[], Task[]> =>
  useWrite({
    send: (tasks, news) => tasks.createMany(news.map(keyed)),
    show: (cache, news) => cache.show(news.map(draft), (task) => () => task, false),
    confirmed: (changed) => ({ changed }),
    isBulk: true,
  });

/** Change a task: `mutate({ task, fields })`. In a conflict `data.ok` is false, and the current task is shown. */
export const useChangeTask = (): Write<{ task: Task; fields: TaskChange; merge?: boolean }, ChangeResult> =>
  useWrite({
    send: (tasks, { task, fields, merge }) => tasks.change(task, fields, { merge }),
    show: (cache, { task, fields }) => cache.show([task], () => write(fields)),
    confirmed: (result) => ({ changed: [result.ok ? result.task : result.conflict.current] }),
  });

/** Complete a task, or make it pending again: `mutate({ task, completed })`. */
export const useCompleteTask = (): Write<{ task: Task; completed?: boolean }, Task> =>
  useWrite({
    send: (tasks, { task, completed }) => tasks.complete(task, completed),
    show: (cache, { task, completed = true }) => cache.show([task], () => write({ completed })),
    confirmed: (task) => ({ changed: [task] }),
  });

/** Delete a task: `mutate(task)`. In a conflict `data.ok` is false, and the current task is shown. */
export const useDeleteTask = (): Write<Task, DeleteResult> =>
  useWrite({
    send: (tasks, task) => tasks.delete(task),
    show: (cache, task) => cache.show([task], remove),
    confirmed: (result, deleted) => (result.ok ? { deleted } : { changed: [result.conflict.current] }),
  });

/** Change many tasks: `mutate({ selection, fields })`. */
export const useChangeTasks = (): Write<{ selection: Selection; fields: TaskChange }, Task[]> =>
  useWrite({
    send: (tasks, { selection, fields }) => tasks.changeMany(selection, fields),
    show: (cache, { selection, fields }) => cache.show(cache.selected(selection), () => write(fields)),
    confirmed: (changed) => ({ changed }),
    isBulk: true,
  });

/** Delete many tasks: `mutate(selection)`. */
export const useDeleteTasks = (): Write<Selection, number[]> =>
  useWrite({
    send: (tasks, selection) => tasks.deleteMany(selection),
    show: (cache, selection) => cache.show(cache.selected(selection), remove),
    confirmed: (ids, shown) => ({ deleted: shown.filter((task) => ids.includes(task.id)) }),
    isBulk: true,
  });
