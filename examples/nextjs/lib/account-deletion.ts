import { APIError } from "better-auth/api";
import { auth } from "./auth";

const API_URL = process.env.NEXT_PUBLIC_API_URL || "http://localhost:8000";
const PAGE = 1000; // the API deletes at most this many tasks per request

/**
 * Delete all tasks of a user who is being deleted. The tasks go first: while they exist, their user exists too.
 * When they cannot be deleted, the error stops the deletion of the user. Repeating it continues.
 */
export async function deleteTasksOf(user: { id: string }): Promise<void> {
  const { token } = await auth().api.signJWT({ body: { payload: { sub: user.id } } });
  while ((await deleteTasks(token)) === PAGE);
}

/** Delete tasks and return how many. */
async function deleteTasks(token: string): Promise<number> {
  const response = await fetch(`${API_URL}/api/tasks?status=all`, {
    method: "DELETE",
    headers: { Authorization: `Bearer ${token}` },
    signal: AbortSignal.timeout(10_000),
  }).catch(() => refuse("The task service cannot be reached."));
  const body = await response.json().catch(() => ({}));
  return response.ok ? body.length : refuse(body.detail ?? `The task service answered ${response.status}.`);
}

function refuse(reason: string): never {
  const message = `The account was not deleted. ${reason} Try again in a moment.`;
  throw new APIError("SERVICE_UNAVAILABLE", { message });
}
