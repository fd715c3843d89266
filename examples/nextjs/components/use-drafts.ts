import { useCallback, useEffect, useState } from "react";
import type { Draft } from "@/lib/draft";
import { restoreDrafts, storeDrafts } from "@/lib/drafts";

/** Texts that are not saved yet, by the task's key. They survive filters, a reload, and a sign-in in this tab. */
export function useDrafts(userId: string) {
  const [all, setAll] = useState(() => restoreDrafts(userId));

  useEffect(() => storeDrafts(userId, all), [userId, all]);

  const change = useCallback((key: string, draft: Draft) => setAll((drafts) => ({ ...drafts, [key]: draft })), []);
  const drop = useCallback((key: string) => setAll(({ [key]: _, ...others }) => others), []);
  return { all, change, drop };
}
