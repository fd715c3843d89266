import { useEffect, useState } from "react";
import type { Draft } from "@/lib/draft";
import { type Drafts, restoreDrafts, storeDrafts } from "@/lib/drafts";

/** Texts that are not saved yet, by the task's key. They survive filters, a reload, and a sign-in in this tab. */
export function useDrafts(userId: string) {
  const [drafts, setDrafts] = useState<Drafts>(() => restoreDrafts(userId));

  useEffect(() => storeDrafts(userId, drafts), [userId, drafts]);

  const change = (key: string, draft: Draft) => setDrafts((all) => ({ ...all, [key]: draft }));
  const drop = (key: string) => setDrafts(({ [key]: _, ...others }) => others);
  return { drafts, change, drop };
}
