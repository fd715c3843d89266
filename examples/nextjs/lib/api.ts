import createClient from "openapi-fetch";
import type { components, paths } from "./api-types";
import { Failure, unreachable } from "./failure";
import { forgetToken, getToken } from "./token";

export type Task = components["schemas"]["Task"];
export type TaskFields = Pick<Task, "title" | "priority"> & Partial<Pick<Task, "description" | "completed">>;
export type Filters = NonNullable<paths["/api/{user_id}/tasks"]["get"]["parameters"]["query"]>;

const api = createClient<paths>({
  baseUrl: process.env.NEXT_PUBLIC_API_URL || "http://localhost:8000",
  fetch: fetchWithToken,
});

/** After a 401, renew the token and send the request once more: the token may have expired on the way. */
async function fetchWithToken(request: Request): Promise<Response> {
  const token = await getToken();
  const response = await send(request.clone(), token);
  if (response.status !== 401) return response;
  forgetToken(token);
  return send(request, await getToken());
}

async function send(request: Request, token: string): Promise<Response> {
  request.headers.set("Authorization", `Bearer ${token}`);
  try {
    return await fetch(request);
  } catch {
    throw unreachable("task");
  }
}

/** Return the body of a successful response. Another response becomes a Failure with the `detail` of its problem. */
async function body<T>(request: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await request;
  if (response.ok) return data as T;
  const { detail = `The task service answered ${response.status}.` } = Object(error) as { detail?: string };
  throw new Failure(detail, response.status >= 500 || response.status === 429);
}

/** The requests for the tasks of one user. */
export function tasksOf(user_id: string) {
  const all = { path: { user_id } };
  const one = (id: number) => ({ params: { path: { user_id, id } } });
  return {
    list: (query: Filters) => body(api.GET("/api/{user_id}/tasks", { params: { ...all, query } })),
    add: (task: TaskFields) => body(api.POST("/api/{user_id}/tasks", { params: all, body: task })),
    edit: (id: number, fields: TaskFields) =>
      body(api.PATCH("/api/{user_id}/tasks/{id}", { ...one(id), body: fields })),
    complete: (id: number, completed: boolean) =>
      body(api.PATCH("/api/{user_id}/tasks/{id}/complete", { ...one(id), body: { completed } })),
    remove: (id: number) => body(api.DELETE("/api/{user_id}/tasks/{id}", one(id))),
  };
}
