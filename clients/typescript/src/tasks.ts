/** The operations of the API. */
import createClient from "openapi-fetch";
import { conflictingFields, differences, isDraft, newKey, pick, fieldsOf } from "./fields.js";
import { Lanes, laneOf } from "./lanes.js";
import { problemOf, TaskProblem } from "./problem.js";
import type { paths } from "./schema.js";
import { Transport, type TransportOptions } from "./transport.js";
import type * as T from "./types.js";

const MAX_CREATES = 100; // in one request
const MAX_IDS = 100;
const MAX_AT_ONCE = 1000; // tasks that one bulk request changes or deletes
const MAX_MERGES = 5;
const MEDIA_TYPES: Record<T.ExportFormat, string> = {
  json: "application/json",
  csv: "text/csv",
  ics: "text/calendar",
};

export interface TasksOptions extends TransportOptions {
  /** The address of the service, without `/api`. */
  baseUrl: string;
}

export interface CallOptions {
  signal?: AbortSignal;
}

export interface ChangeOptions extends CallOptions {
  /** Repeat a change on the current version of the task if no field was changed by both sides. */
  merge?: boolean;
}

interface Answer<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

export type Tasks = ReturnType<typeof createTasks>;

export function createTasks({ baseUrl, ...options }: TasksOptions) {
  const transport = new Transport(options);
  const lanes = new Lanes();
  const api = createClient<paths>({ baseUrl, fetch: transport.send });

  async function list(query: T.ListQuery = {}, { signal }: CallOptions = {}): Promise<T.Page> {
    const { data, response } = await answered(api.GET("/api/tasks", { params: { query }, signal }));
    return { tasks: data, next: nextCursor(response) };
  }

  /** Yield the pages of a list, from the first one on or from `query.cursor`. */
  async function* pages(query: T.ListQuery = {}, options: CallOptions = {}): AsyncGenerator<T.Task[], void> {
    for (let cursor = query.cursor; ;) {
      const page = await list({ ...query, cursor }, options);
      yield page.tasks;
      if (page.next === null) return;
      cursor = page.next;
    }
  }

  async function all(query: T.ListQuery = {}, options: CallOptions = {}): Promise<T.Task[]> {
    const tasks: T.Task[] = [];
    for await (const page of pages(query, options)) tasks.push(...page);
    return tasks;
  }

  async function get(id: number | string, { signal }: CallOptions = {}): Promise<T.Task> {
    return (await answered(api.GET("/api/tasks/{id}", { params: { path: { id } }, signal }))).data;
  }

  async function counts(filters: T.Filters = {}, { signal }: CallOptions = {}): Promise<T.Counts> {
    return (await answered(api.GET("/api/tasks/counts", { params: { query: filters }, signal }))).data;
  }

  /** Yield what has changed since the `next` of an earlier page, or every task. Keep the `next` of the last page. */
  async function* changes(since?: string, { signal }: CallOptions = {}): AsyncGenerator<T.Changes, void> {
    for (let token = since; ;) {
      const { data } = await answered(api.GET("/api/tasks/changes", { params: { query: { since: token } }, signal }));
      yield data;
      if (!data.more) return;
      token = data.next;
    }
  }

  /** Make a task. It carries a key, so that a repetition makes nothing; pass `client_id` to repeat it yourself. */
  function create(fields: T.NewTask, { signal }: CallOptions = {}): Promise<T.Task> {
    const body = withKey(fields);
    return lanes.run(body.client_id, async () => {
      const task = (await answered(api.POST("/api/tasks", { body, signal }))).data as T.Task;
      lanes.replaced(0, task);
      return task;
    });
  }

  /** Make many tasks. Each request makes up to 100, all or nothing. */
  async function createMany(news: readonly T.NewTask[], { signal }: CallOptions = {}): Promise<T.Task[]> {
    const tasks: T.Task[] = [];
    for (const body of chunks(news.map(withKey), MAX_CREATES)) {
      tasks.push(...((await answered(api.POST("/api/tasks", { body, signal }))).data as T.Task[]));
    }
    return tasks;
  }

  /**
   * Change the fields that are given. With a task it is done only if the task has not changed since it was read;
   * otherwise the result has the conflict. With an id the last change wins.
   */
  function change(task: T.Task, fields: T.TaskChange, options?: ChangeOptions): Promise<T.ChangeResult>;
  function change(id: number | string, fields: T.TaskChange, options?: CallOptions): Promise<T.Task>;
  function change(task: T.Task | number | string, fields: T.TaskChange, options: ChangeOptions = {}) {
    if (typeof task !== "object") return lanes.run(task, () => patch(task, fields, undefined, options));
    return lanes.run(laneOf(task), () => changeTask(task, fields, options));
  }

  async function changeTask(task: T.Task, fields: T.TaskChange, options: ChangeOptions): Promise<T.ChangeResult> {
    const base = lanes.newestOf(task);
    let version = base.version;
    for (let attempt = 1; ; attempt++) {
      try {
        const changed = await patch(keyOf(base), fields, version, options);
        lanes.replaced(version, changed);
        return { ok: true, task: changed };
      } catch (error) {
        const current = currentOf(error);
        if (differences(fields, current).length === 0) return { ok: true, task: current };
        const conflict = conflictOf(base, fields, current);
        if (!options.merge || conflict.fields.length || attempt === MAX_MERGES) return { ok: false, conflict };
        version = current.version;
      }
    }
  }

  async function patch(id: number | string, body: T.TaskChange, version?: number, { signal }: CallOptions = {}) {
    const params = { path: { id }, header: ifMatch(version) };
    return (await answered(api.PATCH("/api/tasks/{id}", { params, body, signal }))).data;
  }

  /** Set `completed`. It cannot conflict: the last one wins, and no other field is written. */
  function complete(task: T.Task | number | string, completed = true, { signal }: CallOptions = {}): Promise<T.Task> {
    return lanes.run(typeof task === "object" ? laneOf(task) : task, async () => {
      const params = { path: { id: keyOf(task) } };
      const call = api.PATCH("/api/tasks/{id}/complete", { params, body: { completed }, signal });
      const { data } = await answered(call);
      if (typeof task === "object") noteCompletion(task, data);
      return data;
    });
  }

  /** A completion names no version. Its fields tell whether another client changed the task before. */
  function noteCompletion(task: T.Task, completed: T.Task) {
    const base = lanes.newestOf(task);
    const untouched = differences(pick(base), { ...completed, completed: base.completed }).length === 0;
    if (untouched) lanes.replaced(base.version, completed);
  }

  /** Set `completed` to the opposite of what was read. */
  const toggle = (task: T.Task, options?: CallOptions) => complete(task, !task.completed, options);

  /**
   * Delete for good. With a task it is done only if the task has not changed since it was read; otherwise the result
   * has the conflict. With an id it is always done.
   */
  function remove(task: T.Task, options?: CallOptions): Promise<T.DeleteResult>;
  function remove(id: number | string, options?: CallOptions): Promise<void>;
  function remove(task: T.Task | number | string, options: CallOptions = {}) {
    if (typeof task !== "object") return lanes.run(task, () => destroy(task, undefined, options));
    return lanes.run(laneOf(task), () => removeTask(task, options));
  }

  async function removeTask(task: T.Task, options: CallOptions): Promise<T.DeleteResult> {
    const base = lanes.newestOf(task);
    try {
      await destroy(keyOf(base), base.version, options);
      return { ok: true };
    } catch (error) {
      return { ok: false, conflict: conflictOf(base, {}, currentOf(error)) };
    }
  }

  async function destroy(id: number | string, version?: number, { signal }: CallOptions = {}): Promise<void> {
    const params = { path: { id }, header: ifMatch(version) };
    const { error, response } = await api.DELETE("/api/tasks/{id}", { params, signal });
    const doneBefore = response.status === 404 && transport.isRepeated(response); // its answer was lost
    if (!response.ok && !doneBefore) throw problemOf(response, error);
  }

  /** Change every selected task, and return the changed tasks. Each request changes up to 1,000, all or nothing. */
  async function changeMany(selection: T.Selection, body: T.TaskChange, { signal }: CallOptions = {}) {
    const changed: T.Task[] = [];
    const once = async (query: Query) => {
      changed.push(...(await answered(api.PATCH("/api/tasks", { params: { query }, body, signal }))).data);
    };
    const { ids, ...filters } = selection;
    for (const query of queries(selection)) await once(query);
    if (ids || changed.length < MAX_AT_ONCE) return changed;
    // The same request would change the same first 1,000 tasks again, if they still match. So the others are named.
    const done = new Set(changed.map((task) => task.id));
    const others = (await all(filters, { signal })).filter((task) => !done.has(task.id));
    for (const query of queries({ ids: others.map((task) => task.id) })) await once(query);
    return changed;
  }

  /** Delete every selected task, and return the ids. Each request deletes up to 1,000, all or nothing. */
  async function deleteMany(selection: T.Selection, { signal }: CallOptions = {}): Promise<number[]> {
    const deleted: number[] = [];
    for (const query of queries(selection)) {
      for (let more = true; more;) {
        const { data } = await answered(api.DELETE("/api/tasks", { params: { query }, signal }));
        deleted.push(...data);
        more = data.length === MAX_AT_ONCE;
      }
    }
    return deleted;
  }

  /** Return every task as a file: a JSON array, CSV or iCalendar. */
  async function exportFile(format: T.ExportFormat = "json", { signal }: CallOptions = {}): Promise<Blob> {
    const headers = { Accept: MEDIA_TYPES[format] };
    return (await answered(api.GET("/api/tasks/export", { headers, parseAs: "blob", signal }))).data;
  }

  /** Drop the token. Call it when the person signs out or another person signs in. */
  const forgetToken = () => transport.token.forget();

  return {
    list,
    pages,
    all,
    get,
    counts,
    changes,
    create,
    createMany,
    change,
    complete,
    toggle,
    delete: remove,
    changeMany,
    deleteMany,
    export: exportFile,
    forgetToken,
  };
}

type Query = T.Filters & { ids?: string };

async function answered<Data>(call: Promise<Answer<Data>>): Promise<{ data: Data; response: Response }> {
  const { data, error, response } = await call;
  if (!response.ok) throw problemOf(response, error);
  return { data: data as Data, response };
}

/** Return the cursor of `Link: <…?cursor=…>; rel="next"`. Its other parameters are those of the query. */
function nextCursor(response: Response): string | null {
  const [, address] = /<([^>]*)>;\s*rel="next"/.exec(response.headers.get("Link") ?? "") ?? [];
  return address ? new URL(address, "http://localhost").searchParams.get("cursor") : null;
}

const withKey = (fields: T.NewTask) => ({ ...fields, client_id: fields.client_id ?? newKey() });

const keyOf = (task: T.Task | number | string): number | string => {
  if (typeof task !== "object") return task;
  return isDraft(task) ? task.client_id! : task.id;
};

const ifMatch = (version: number | undefined) => (version ? { "If-Match": `"${version}"` } : undefined);

function currentOf(error: unknown): T.Task {
  if (error instanceof TaskProblem && error.code === "precondition_failed" && error.current) return error.current;
  throw error;
}

function conflictOf(base: T.Task, fields: T.TaskChange, current: T.Task): T.Conflict {
  const mine = { ...base, ...pick(fields, fieldsOf(fields)) };
  return { base, mine, current, fields: conflictingFields(base, fields, current) };
}

function queries({ ids, ...filters }: T.Selection): Query[] {
  return ids ? chunks(ids, MAX_IDS).map((some) => ({ ...filters, ids: some.join(",") })) : [filters];
}

function chunks<Item>(items: readonly Item[], size: number): Item[][] {
  return Array.from({ length: Math.ceil(items.length / size) }, (_, n) => items.slice(n * size, (n + 1) * size));
}
