/** The drafts in the storage of this tab: they survive a reload, and a sign-in of the same person. */
import type { Draft } from "./draft";
import { EMPTY } from "./values";

/** By the task's key. */
export type Drafts = Record<string, Draft>;

export const NEW = "new"; // the key of a new task
export const NOTHING: Draft = { base: EMPTY, values: EMPTY };

const PREFIX = "drafts-";

export function storeDrafts(userId: string, drafts: Drafts) {
  try {
    sessionStorage.setItem(PREFIX + userId, JSON.stringify(drafts));
  } catch {
    // The storage is full. The drafts stay in the page.
  }
}

export const forgetDrafts = (userId: string) => sessionStorage.removeItem(PREFIX + userId);

/** Return the drafts of this person: none if the entry is damaged. Those of another person are removed. */
export function restoreDrafts(userId: string): Drafts {
  for (const name of Object.keys(sessionStorage)) {
    if (name.startsWith(PREFIX) && name !== PREFIX + userId) sessionStorage.removeItem(name);
  }
  try {
    return JSON.parse(sessionStorage.getItem(PREFIX + userId) ?? "{}");
  } catch {
    return {};
  }
}
