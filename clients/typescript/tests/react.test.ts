import { waitFor, openTab } from "./setup/hooks.js";
import { act } from "@testing-library/react";
import { describe, expect, test } from "vitest";
import {
  useChangeTask,
  useChangeTasks,
  useCompleteTask,
  useCreateTask,
  useCreateTasks,
  useDeleteTask,
  useDeleteTasks,
  useTask,
  useTaskCounts,
  useTaskList,
} from "../src/react/index.js";
import type { Filters, ListQuery, NewTask } from "../src/index.js";

/** All hooks in one component, as an application has them. */
const board =
  (query: ListQuery = {}, filters: Filters = {}) =>
  () => ({
    list: useTaskList(query),
    counts: useTaskCounts(filters),
    create: useCreateTask(),
    createMany: useCreateTasks(),
    change: useChangeTask(),
    complete: useCompleteTask(),
    remove: useDeleteTask(),
    changeMany: useChangeTasks(),
    removeMany: useDeleteTasks(),
  });

async function openBoard(news: NewTask[] = [], query: ListQuery = {}, filters: Filters = {}) {
  const tab = openTab();
  await tab.other.createMany(news);
  const hooks = tab.render(board(query, filters));
  await waitFor(() => expect(hooks.current.list.isSuccess && hooks.current.counts.isSuccess).toBe(true));
  const titles = () => hooks.current.list.data!.map((task) => task.title);
  const task = (title: string) => hooks.current.list.data!.find((task) => task.title === title)!;
  return { ...tab, hooks, titles, task, reads: tab.network.reads };
}

const ab = [{ title: "a" }, { title: "b" }];

describe("reading", () => {
  test("a list has infinite pages", async () => {
    const { hooks, titles } = await openBoard(
      ["a", "b", "c"].map((title) => ({ title })),
      { limit: 2 },
    );
    expect(titles()).toEqual(["a", "b"]);
    await act(() => hooks.current.list.fetchNextPage());
    await waitFor(() => expect(titles()).toEqual(["a", "b", "c"]));
    expect(hooks.current.list.hasNextPage).toBe(false);
  });

  test("a task of a list is shown at once, and null when it is gone", async () => {
    const { task, render, other } = await openBoard(ab);
    const { id } = task("a");
    await other.delete(id);
    const one = render(() => useTask(id));
    expect(one.current.data).toMatchObject({ title: "a" });
    await waitFor(() => expect(one.current.data).toBeNull());
  });

  test("a problem is typed", async () => {
    const { render } = openTab();
    const list = render(() => useTaskList({ limit: 0 }));
    await waitFor(() => expect(list.current.error?.code).toBe("validation_error"));
  });
});

describe("writing", () => {
  test("a new task is shown before the service has answered, and no list is read again", async () => {
    const { hooks, titles, network, task, reads } = await openBoard(ab);
    network.hold();
    act(() => hooks.current.create.mutate({ title: "c" }));
    await waitFor(() => expect(titles()).toEqual(["a", "b", "c"]));
    await waitFor(() => expect([task("c").id < 0, hooks.current.counts.data!.all]).toEqual([true, 3]));
    network.release();
    await waitFor(() => expect(task("c").id).toBeGreaterThan(0));
    await waitFor(() => expect([hooks.current.counts.data!.all, network.reads]).toEqual([3, reads]));
  });

  test("a refused task is taken back", async () => {
    const { hooks, titles, network } = await openBoard(ab);
    network.refuse = 1;
    await act(() => hooks.current.create.mutateAsync({ title: "c" }).catch(() => {}));
    await waitFor(() => expect(hooks.current.create.error?.code).toBe("internal_error"));
    await waitFor(() => expect([titles(), hooks.current.counts.data!.all]).toEqual([["a", "b"], 2]));
  });

  test("a create that is repeated with the same object makes one task", async () => {
    const { hooks, titles, network, other } = await openBoard();
    const fields = { title: "once" };
    network.refuse = 1;
    await act(() => hooks.current.create.mutateAsync(fields).catch(() => {}));
    await act(() => hooks.current.create.mutateAsync(fields));
    await act(() => hooks.current.create.mutateAsync(fields));
    await waitFor(() => expect(titles()).toEqual(["once"]));
    expect((await other.counts()).all).toBe(1);
  });

  test("a change moves the task to its place", async () => {
    const { hooks, titles, task, network, reads } = await openBoard(ab, { sort: "title" });
    await act(() => hooks.current.change.mutateAsync({ task: task("a"), fields: { title: "z" } }));
    await waitFor(() => expect(titles()).toEqual(["b", "z"]));
    expect(network.reads).toBe(reads);
  });

  test("a refused change is taken back, and a later change stays", async () => {
    const { hooks, network, task } = await openBoard(ab);
    const { version } = task("a");
    network.hold();
    network.refuse = 1;
    act(() => hooks.current.change.mutate({ task: task("a"), fields: { priority: "high" } }));
    act(() => hooks.current.complete.mutate({ task: task("a") }));
    await waitFor(() => expect(task("a")).toMatchObject({ priority: "high", completed: true }));
    network.release();
    await waitFor(() => expect(task("a").version).toBeGreaterThan(version));
    expect(task("a")).toMatchObject({ priority: "medium", completed: true });
    await waitFor(() => expect(hooks.current.counts.data).toMatchObject({ pending: 1, completed: 1 }));
  });

  test("a completed task leaves a list of pending tasks, and the counts follow", async () => {
    const { hooks, titles, task, network, reads } = await openBoard(ab, { status: "pending" });
    await act(() => hooks.current.complete.mutateAsync({ task: task("a") }));
    await waitFor(() => expect(titles()).toEqual(["b"]));
    await waitFor(() => expect(hooks.current.counts.data).toMatchObject({ all: 2, pending: 1, completed: 1 }));
    expect(network.reads).toBe(reads);
  });

  test("a conflict shows the current task and returns both versions", async () => {
    const { hooks, titles, task, other } = await openBoard(ab);
    await other.change(task("a").id, { title: "theirs" });
    const result = await act(() => hooks.current.change.mutateAsync({ task: task("a"), fields: { title: "mine" } }));
    expect(result).toMatchObject({ ok: false, conflict: { mine: { title: "mine" }, current: { title: "theirs" } } });
    await waitFor(() => expect(titles()).toEqual(["theirs", "b"]));
  });

  test("a deleted task is gone at once, and comes back if the service refuses it", async () => {
    const { hooks, titles, task, network } = await openBoard(ab);
    network.hold();
    network.refuse = 1;
    act(() => hooks.current.remove.mutate(task("a")));
    await waitFor(() => expect(titles()).toEqual(["b"]));
    network.release();
    await waitFor(() => expect([titles(), hooks.current.counts.data!.all]).toEqual([["a", "b"], 2]));
  });

  test("a task that was deleted elsewhere disappears with its change", async () => {
    const { hooks, titles, task, other } = await openBoard(ab);
    await other.delete(task("a").id);
    await act(() => hooks.current.complete.mutateAsync({ task: task("a") }).catch(() => {}));
    await waitFor(() => expect(titles()).toEqual(["b"]));
    await waitFor(() => expect(hooks.current.complete.error?.code).toBe("not_found"));
    await waitFor(() => expect(hooks.current.counts.data!.all).toBe(1));
  });

  test("many tasks", async () => {
    const { hooks, titles, other } = await openBoard(ab, { status: "pending" });
    await act(() => hooks.current.createMany.mutateAsync([{ title: "c" }, { title: "d" }]));
    await act(() => hooks.current.changeMany.mutateAsync({ selection: { search: "c" }, fields: { completed: true } }));
    await waitFor(() => expect(titles()).toEqual(["a", "b", "d"]));
    await act(() => hooks.current.removeMany.mutateAsync({ status: "pending" }));
    await waitFor(() => expect(titles()).toEqual([]));
    await waitFor(() => expect(hooks.current.counts.data).toMatchObject({ all: 1, completed: 1 }));
    expect((await other.all()).map((task) => task.title)).toEqual(["c"]);
  });

  test("many refused changes are taken back", async () => {
    const { hooks, titles, network } = await openBoard(ab);
    network.refuse = 1;
    await act(() => hooks.current.removeMany.mutateAsync({ status: "all" }).catch(() => {}));
    await waitFor(() => expect(titles()).toEqual(["a", "b"]));
  });

  test("a task beyond the pages that were read counts, also when it is refused", async () => {
    const { hooks, titles, network } = await openBoard(ab, { limit: 1 });
    await act(() => hooks.current.create.mutateAsync({ title: "c" }));
    await waitFor(() => expect([titles(), hooks.current.counts.data!.all]).toEqual([["a"], 3]));
    network.hold();
    network.refuse = 1;
    act(() => hooks.current.create.mutate({ title: "d" }));
    await waitFor(() => expect(hooks.current.counts.data!.all).toBe(4));
    network.release();
    await waitFor(() => expect([titles(), hooks.current.counts.data!.all]).toEqual([["a"], 3]));
  });

  test("a list that is read during a write has the write", async () => {
    const { hooks, titles, network, queries, task } = await openBoard(ab);
    network.hold();
    act(() => hooks.current.change.mutate({ task: task("a"), fields: { title: "x" } }));
    act(() => void queries.invalidateQueries());
    await waitFor(() => expect(titles()).toEqual(["x", "b"]));
    network.release();
    await waitFor(() => expect(hooks.current.list.isFetching).toBe(false));
    expect(titles()).toEqual(["x", "b"]);
  });
});

test("another tab of the same person shows the change", async () => {
  const first = await openBoard(ab);
  const tab = openTab(first.user);
  const other = tab.render(board());
  await waitFor(() => expect(other.current.list.data).toHaveLength(2));
  await act(() => first.hooks.current.create.mutateAsync({ title: "c" }));
  await act(() => first.hooks.current.remove.mutateAsync(first.task("a")));
  await waitFor(() => expect(other.current.list.data!.map((task) => task.title)).toEqual(["b", "c"]));
  await waitFor(() => expect(other.current.counts.data!.all).toBe(2));
});
