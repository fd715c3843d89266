import { useQueryClient } from "@tanstack/react-query";
import { createContext, createElement, type ReactNode, useContext, useEffect, useMemo } from "react";
import type { Tasks } from "../tasks.js";
import type { Sort, Task } from "../types.js";
import { TaskCache } from "./cache.js";

interface Context {
  tasks: Tasks;
  cache: TaskCache;
}

const TasksContext = createContext<Context | null>(null);

export interface TasksProviderProps {
  tasks: Tasks;
  /** The id of the signed-in person. Tasks of another person are never shown, also when they are in the cache. */
  user: string;
  /** The order of a list without `sort`: TASKS_DEFAULT_SORT of the service. */
  defaultSort?: Sort;
  children?: ReactNode;
}

/** Give the hooks a client. It needs TanStack's QueryClientProvider above it. Other tabs see what this tab writes. */
export function TasksProvider({ tasks, user, defaultSort = "created", children }: TasksProviderProps) {
  const queries = useQueryClient();
  const value = useMemo(
    () => ({ tasks, cache: new TaskCache(queries, user, defaultSort) }),
    [tasks, queries, user, defaultSort],
  );
  useEffect(() => followOtherTabs(value.cache, user), [value, user]);
  return createElement(TasksContext.Provider, { value }, children);
}

export function useTasksContext(): Context {
  const context = useContext(TasksContext);
  if (!context) throw new Error("The hooks of tasks-client/react need a <TasksProvider>.");
  return context;
}

function followOtherTabs(cache: TaskCache, user: string) {
  if (typeof BroadcastChannel === "undefined") return;
  const channel = new BroadcastChannel(`tasks-client:${user}`);
  cache.onConfirmed = (changed, deleted) => channel.postMessage({ changed, deleted });
  channel.onmessage = ({ data }: MessageEvent<{ changed: Task[]; deleted: Task[] }>) => {
    cache.accept(data.changed, data.deleted);
  };
  return () => {
    cache.onConfirmed = () => {};
    channel.close();
  };
}
