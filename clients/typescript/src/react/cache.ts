/** The tasks in TanStack's cache: lists, single tasks and counts are brought up to date without a request. */
import type { InfiniteData, QueryClient, QueryKey } from "@tanstack/react-query";
import { laneOf } from "../lanes.js";
import { countsOf, isSelected, matches, order } from "../matching.js";
import type { Counts, Filters, ListQuery, Page, Selection, Sort, Task } from "../types.js";

export type Pages = InfiniteData<Page, string | null>;
/** A change that is shown before the service has confirmed it. null: there is no such task. */
export type Patch = (task: Task | null) => Task | null;
/** A task and what becomes of it. `before` is undefined when it is unknown what the counts have of it. */
interface Replacement {
  task: Task;
  before: Task | null | undefined;
  after: Task | null;
}

/** Changes that are shown, for settle(). */
export interface Shown {
  tasks: Task[];
  patches: Patch[];
}

interface Waiting {
  confirmed: Task | null;
  shown: Task | null;
  patches: Patch[];
}

const MAX_READS = 5;

export class TaskCache {
  readonly #waiting = new Map<string | number, Waiting>();
  #writes = 0; // in progress
  #epoch = 0; // finished writes
  #idle: (() => void)[] = [];
  /** Is called with what the service has confirmed. */
  onConfirmed: (changed: Task[], deleted: Task[]) => void = () => {};

  constructor(
    private readonly queries: QueryClient,
    private readonly user: string,
    private readonly defaultSort: Sort,
  ) {}

  key(...parts: unknown[]): QueryKey {
    return ["tasks", this.user, ...parts];
  }

  /** Read from the service. A read that overlapped a write is repeated, because it can miss the write. */
  async read<T>(load: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      if (this.#writes) await new Promise<void>((resolve) => this.#idle.push(resolve));
      const epoch = this.#epoch;
      const result = await load();
      if ((epoch === this.#epoch && !this.#writes) || attempt === MAX_READS) return result;
    }
  }

  begin(): void {
    this.#writes++;
  }

  end(): void {
    this.#epoch++;
    if (--this.#writes === 0) this.#idle.splice(0).forEach((resume) => resume());
  }

  /** Show tasks with a change that is not confirmed. */
  show(tasks: Task[], patch: (task: Task) => Patch, exist = true): Shown {
    const known = this.tasks();
    const patches = tasks.map((task) => {
      const entry =
        this.#waiting.get(laneOf(task)) ?? this.#started(task, exist ? (known.get(laneOf(task)) ?? task) : null);
      entry.patches.push(patch(task));
      return entry.patches.at(-1)!;
    });
    this.#render(tasks);
    return { tasks, patches };
  }

  #started(task: Task, confirmed: Task | null): Waiting {
    const entry = { confirmed, shown: confirmed, patches: [] };
    this.#waiting.set(laneOf(task), entry);
    return entry;
  }

  /** Take back changes that were shown. `confirmed` has the tasks as they are now; the others are as before. */
  settle({ tasks, patches }: Shown, confirmed: Map<string | number, Task | null>): void {
    tasks.forEach((task, n) => {
      const entry = this.#waiting.get(laneOf(task))!;
      entry.patches = entry.patches.filter((patch) => patch !== patches[n]);
      if (confirmed.has(laneOf(task))) entry.confirmed = confirmed.get(laneOf(task))!;
    });
    this.#render(tasks);
    for (const task of tasks) if (!this.#waiting.get(laneOf(task))?.patches.length) this.#waiting.delete(laneOf(task));
  }

  /**
   * Take over what was written elsewhere, unless something newer is known. Reads in progress are repeated, and the
   * counts are read again: they may have the write already.
   */
  accept(changed: Task[], deleted: Task[] = []): void {
    this.#epoch++;
    const known = this.tasks();
    const fresh = changed.filter((task) => (known.get(laneOf(task))?.version ?? 0) < task.version);
    const news = [...fresh.map((task) => ({ task, after: task })), ...deleted.map((task) => ({ task, after: null }))];
    const isWaiting = ({ task }: { task: Task }) => this.#waiting.has(laneOf(task));
    for (const { task, after } of news.filter(isWaiting)) this.#waiting.get(laneOf(task))!.confirmed = after;
    this.#render(news.filter(isWaiting).map(({ task }) => task));
    const others = news.filter((one) => !isWaiting(one));
    this.#replace(others.map(({ task, after }) => ({ task, before: undefined, after })));
    void this.recount();
  }

  #render(tasks: Task[]): void {
    this.#replace(
      tasks.map((task) => {
        const entry = this.#waiting.get(laneOf(task))!;
        const before = entry.shown;
        entry.shown = entry.patches.reduce((shown, patch) => patch(shown), entry.confirmed);
        return { task, before, after: entry.shown };
      }),
    );
  }

  findById(id: number | string): Task | undefined {
    return this.selected({ ids: [id] })[0];
  }

  selected(selection: Selection): Task[] {
    return [...this.tasks().values()].filter((task) => isSelected(task, selection));
  }

  /** Return every task in the cache. */
  tasks(): Map<string | number, Task> {
    const tasks = new Map<string | number, Task>();
    const note = (task: Task) => tasks.set(laneOf(task), task);
    for (const [, task] of this.queries.getQueriesData<Task | null>({ queryKey: this.key("task") }))
      if (task) note(task);
    for (const [, data] of this.queries.getQueriesData<Pages>({ queryKey: this.key("list") })) {
      data?.pages.forEach((page) => page.tasks.forEach(note));
    }
    return tasks;
  }

  /** Read the counts again: a write concerned tasks that are not in the cache. */
  recount(): Promise<void> {
    return this.queries.invalidateQueries({ queryKey: this.key("counts") });
  }

  #replace(replacements: Replacement[]): void {
    if (replacements.length === 0) return;
    for (const [key, data] of this.queries.getQueriesData<Pages>({ queryKey: this.key("list") })) {
      if (data)
        this.queries.setQueryData<Pages>(key, inList(data, key[3] as ListQuery, replacements, this.defaultSort));
    }
    for (const [key, data] of this.queries.getQueriesData<Counts>({ queryKey: this.key("counts") })) {
      if (data) this.queries.setQueryData<Counts>(key, inCounts(data, key[3] as Filters, replacements));
    }
    for (const [key, data] of this.queries.getQueriesData<Task | null>({ queryKey: this.key("task") })) {
      const found = replacements.find(({ task, after }) => isNamed(task, key[3]) || (after && isNamed(after, key[3])));
      if (found && data !== undefined) this.queries.setQueryData<Task | null>(key, found.after);
    }
  }
}

const isNamed = (task: Task, id: unknown) => task.id === id || task.client_id === id;

function inCounts(counts: Counts, filters: Filters, replacements: Replacement[]): Counts {
  const sum = { ...counts };
  for (const { before, after } of replacements) {
    if (before === undefined) continue; // the counts are read again
    const [less, more] = [countsOf(before, filters), countsOf(after, filters)];
    for (const name of ["all", "pending", "completed", "overdue"] as const) sum[name] += more[name] - less[name];
  }
  return sum;
}

/** Return a list with replaced tasks: each at its place, unless that is beyond the pages that were read. */
function inList(data: Pages, query: ListQuery, replacements: Replacement[], defaultSort: Sort): Pages {
  const compare = order(query.sort ?? defaultSort);
  const news = new Map<string | number, Task | null>();
  for (const { task, after } of replacements) news.set(laneOf(task), after && matches(after, query) ? after : null);
  const pages = data.pages.map((page) => ({ ...page, tasks: page.tasks.flatMap(kept) }));
  for (const task of news.values()) if (task) insert(pages, task, compare);
  return { ...data, pages };

  function kept(old: Task): Task[] {
    const task = news.get(laneOf(old));
    if (task === undefined) return [old];
    if (!task || compare(old, task) !== 0) return [];
    news.delete(laneOf(old)); // it stays at its place
    return [task];
  }
}

function insert(pages: Page[], task: Task, compare: (one: Task, other: Task) => number): void {
  for (const page of pages) {
    const place = page.tasks.findIndex((other) => compare(task, other) < 0);
    if (place >= 0) return void page.tasks.splice(place, 0, task);
  }
  const last = pages.at(-1);
  if (last?.next === null) last.tasks.push(task);
}
