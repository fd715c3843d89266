/** Hooks that read. The client repeats failed requests itself, so that TanStack does not. */
import {
  keepPreviousData,
  useInfiniteQuery,
  type UseInfiniteQueryResult,
  useQuery,
  type UseQueryResult,
} from "@tanstack/react-query";
import { TaskProblem } from "../problem.js";
import type { Counts, Filters, ListQuery, Page, Task } from "../types.js";
import type { Pages } from "./cache.js";
import { useTasksContext } from "./context.js";

/** A list. `data` has the tasks of all pages that were read; `fetchNextPage()` reads one more. */
export function useTaskList(query: Omit<ListQuery, "cursor"> = {}): UseInfiniteQueryResult<Task[], TaskProblem> {
  const { tasks, cache } = useTasksContext();
  return useInfiniteQuery<Page, TaskProblem, Task[], readonly unknown[], string | null>({
    queryKey: cache.key("list", query),
    queryFn: ({ pageParam, signal }) =>
      cache.read(() => tasks.list(pageParam ? { ...query, cursor: pageParam } : query, { signal })),
    initialPageParam: null,
    getNextPageParam: (page) => page.next,
    select: flatten,
    retry: false,
  });
}

const flatten = (data: Pages) => data.pages.flatMap((page) => page.tasks);

/** One task, by id or client id. `data` is null when there is no such task (any more). */
export function useTask(id: number | string): UseQueryResult<Task | null, TaskProblem> {
  const { tasks, cache } = useTasksContext();
  return useQuery<Task | null, TaskProblem>({
    queryKey: cache.key("task", id),
    queryFn: ({ signal }) => cache.read(() => tasks.get(id, { signal }).catch(nullIfMissing)),
    initialData: () => cache.findById(id),
    initialDataUpdatedAt: 0, // a list's task is shown at once, and read again
    retry: false,
  });
}

function nullIfMissing(error: unknown): null {
  if (error instanceof TaskProblem && error.code === "not_found") return null;
  throw error;
}

/** The numbers of tasks. While other filters are read, `data` has the former numbers. */
export function useTaskCounts(filters: Filters = {}): UseQueryResult<Counts, TaskProblem> {
  const { tasks, cache } = useTasksContext();
  return useQuery<Counts, TaskProblem>({
    queryKey: cache.key("counts", filters),
    queryFn: ({ signal }) => cache.read(() => tasks.counts(filters, { signal })),
    placeholderData: keepPreviousData,
    retry: false,
  });
}
