/** The rules for tasks that are at hand give what the service gives. */
import { beforeAll, expect, test } from "vitest";
import type { ListQuery, NewTask, Priority, Sort, Task } from "../src/index.js";
import { countsOf, matches, order } from "../src/matching.js";
import { clientFor } from "./setup/clients.js";

const PRIORITIES: Priority[] = ["low", "medium", "high"];
const SORTS: Sort[] = ["created", "updated", "title", "priority", "due"];
const FILTERS: ListQuery[] = [
  {},
  { status: "pending" },
  { status: "completed" },
  { priority: "high" },
  { tag: ["HOME"] },
  { tag: ["home", "x1"] },
  { due_before: "2030-01-05T00:00:00Z" },
  { due_after: "2030-01-05T01:00:00+01:00" },
  { search: "TASK 1" },
  { search: "50%" },
  { search: " " },
  { status: "pending", priority: "low", search: "details" },
];

const tasks = clientFor();
let known: Task[];

beforeAll(async () => {
  const news = Array.from({ length: 24 }, (_, n): NewTask => ({
    title: `${n % 2 ? "Task" : "task"} ${n * 7}`,
    description: n % 3 ? `Details of ${n}, 50%` : null,
    completed: n % 4 === 0,
    priority: PRIORITIES[n % 3],
    due_at: n % 5 ? `20${n % 2 ? 20 : 30}-01-0${(n % 8) + 1}T00:00:00Z` : null,
    tags: n % 2 ? ["Home", `x${n % 3}`] : [],
  }));
  known = await tasks.createMany(news);
});

test.each(FILTERS)("filters: %o", async (filters) => {
  const local = known.filter((task) => matches(task, filters));
  expect(local.map((task) => task.id)).toEqual((await tasks.all(filters)).map((task) => task.id));
  const counts = local.map((task) => countsOf(task, filters));
  const sum = (name: keyof (typeof counts)[0]) => counts.reduce((total, one) => total + one[name], 0);
  const remote = await tasks.counts(filters);
  expect({ all: sum("all"), pending: sum("pending"), completed: sum("completed"), overdue: sum("overdue") }).toEqual(
    remote,
  );
});

test.each(SORTS.flatMap((sort): Sort[] => [sort, `-${sort}` as Sort]))("order: %s", async (sort) => {
  const local = known.toSorted(order(sort)).map((task) => task.id);
  expect(local).toEqual((await tasks.all({ sort })).map((task) => task.id));
});
