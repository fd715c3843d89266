/** Types. `npm run typecheck` checks them; the assertions need no run. */
import { readFileSync } from "node:fs";
import { expect, expectTypeOf, test } from "vitest";
import {
  type ChangeResult,
  type Conflict,
  createTasks,
  type ProblemCode,
  SERVICE_CODES,
  type Task,
  TaskProblem,
} from "../src/index.js";

const tasks = createTasks({ baseUrl: "http://localhost:8000", getToken: () => null });

function sentence(code: ProblemCode): string {
  switch (code) {
    case "not_authenticated":
    case "token_expired":
    case "token_invalid":
      return "Sign in again.";
    case "network_error":
    case "timeout":
    case "token_unavailable":
    case "unexpected_response":
    case "storage_failed":
    case "database_unavailable":
    case "identity_unavailable":
    case "internal_error":
    case "rate_limited":
      return "Try again later.";
    case "validation_error":
    case "not_found":
    case "precondition_failed":
    case "sync_expired":
    case "forbidden":
    case "parse_error":
    case "method_not_allowed":
    case "not_acceptable":
    case "payload_too_large":
    case "uri_too_long":
    case "unsupported_media_type":
    case "headers_too_large":
      return "The request is wrong.";
    default:
      return code satisfies never; // a code that is missing above is a type error here
  }
}

function incomplete(code: ProblemCode): string {
  switch (code) {
    case "not_found":
      return "It is gone.";
    default:
      // @ts-expect-error: the other codes are missing
      return code satisfies never;
  }
}

// Never called: these are type errors.
export function misuse(task: Task, result: ChangeResult) {
  // @ts-expect-error: a title is required
  void tasks.create({ priority: "low" });
  // @ts-expect-error: there is no such priority
  void tasks.create({ title: "a", priority: "urgent" });
  // @ts-expect-error: there is no such field
  void tasks.change(task, { titel: "a" });
  // @ts-expect-error: the service makes the id
  void tasks.change(task, { id: 1 });
  // @ts-expect-error: there is no such order
  void tasks.list({ sort: "size" });
  // @ts-expect-error: there is no such filter
  void tasks.counts({ limit: 1 });
  // @ts-expect-error: `ok` has to be checked first
  void result.task;
  // @ts-expect-error: an id has no version, so nothing can be merged
  void tasks.change(task.id, { title: "a" }, { merge: true });
  void incomplete;
}

test("results are typed", () => {
  expectTypeOf(tasks.get).returns.resolves.toEqualTypeOf<Task>();
  expectTypeOf(tasks.change).toBeCallableWith(1, { title: "a" });
  expectTypeOf<Extract<ChangeResult, { ok: false }>["conflict"]>().toEqualTypeOf<Conflict>();
  expectTypeOf<Conflict["current"]>().toEqualTypeOf<Task>();
  expectTypeOf<TaskProblem["code"]>().toEqualTypeOf<ProblemCode>();
  expectTypeOf<Task["due_at"]>().toEqualTypeOf<string | null>();
});

test("every code of the OpenAPI document's examples is known", () => {
  const document = readFileSync(new URL("../../../docs/openapi.yaml", import.meta.url), "utf8");
  const codes = new Set([...document.matchAll(/^ +code: ([a-z_]+)$/gm)].map(([, code]) => code!));
  codes.delete("blank"); // of a field
  expect(codes.size).toBeGreaterThan(10);
  expect([...codes].filter((code) => !SERVICE_CODES.includes(code as never))).toEqual([]);
  expect(sentence("not_found")).toBe("The request is wrong.");
});
