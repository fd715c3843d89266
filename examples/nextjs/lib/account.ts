/** What this device holds of one person: the tasks, the writes that wait, the token. */
import { decodeJwt } from "jose";
import { createTasks } from "tasks-client";
import { indexedDbStore, OfflineTasks, setAside } from "tasks-client/offline";
import { authClient } from "./auth-client";
import { forgetDrafts } from "./drafts";
import { tellTabs } from "./tabs";

const baseUrl = process.env.NEXT_PUBLIC_API_URL || "http://localhost:8000";

const databaseOf = (userId: string) => `tasks-${userId}`; // two people can use one browser

export type Account = Awaited<ReturnType<typeof openAccount>>;

export async function openAccount(userId: string) {
  // One attempt: OfflineTasks itself repeats, and the person is told of a failure soon.
  const tasks = createTasks({ baseUrl, retries: 0, getToken: () => tokenOf(userId) });
  const store = await indexedDbStore(databaseOf(userId));
  const offline = new OfflineTasks({ tasks, user: userId, store, merge: setAside });

  /** After a sign-out, nothing of this person stays on this device. */
  async function forget() {
    tasks.forgetToken();
    forgetDrafts(userId);
    tellTabs("signed-out");
    await offline.destroy();
  }
  /** Ask for a new token before the next request. */
  function renew() {
    tasks.forgetToken();
    offline.sync();
  }
  return { userId, offline, forget, renew };
}

/** Return a token of this person alone: in another tab, another person may have signed in. */
async function tokenOf(userId: string): Promise<string | null> {
  const { data, error } = await authClient.token();
  if (error?.status === 401) return null;
  if (!data) throw new Error("Better Auth did not answer with a token.");
  if (decodeJwt(data.token).sub === userId) return data.token;
  window.location.reload(); // the page of the person who is signed in now
  return null;
}

/** The same for a deleted account, whose tasks are not open in this tab. */
export function forgetAccount(userId: string) {
  indexedDB.deleteDatabase(databaseOf(userId));
  forgetDrafts(userId);
  tellTabs("signed-out");
}
