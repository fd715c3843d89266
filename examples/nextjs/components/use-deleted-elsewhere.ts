import { useEffect, useRef } from "react";
import type { Task } from "tasks-client";
import type { Snapshot } from "tasks-client/offline";
import { keyOf } from "@/lib/values";
import { counted } from "@/lib/words";

/** Say which tasks have disappeared, except those that were deleted on this device. */
export function useDeletedElsewhere({ tasks, held, refused, isLoaded }: Snapshot, say: (sentence: string) => void) {
  const before = useRef<readonly Task[]>([]);

  useEffect(() => {
    if (!isLoaded) return; // also after a sign-out in another tab
    const known = new Set([...tasks.map(keyOf), ...[...held, ...refused].map(({ key }) => String(key))]);
    const gone = before.current.filter((task) => !known.has(keyOf(task)));
    before.current = tasks;
    if (gone.length === 1) say(`“${gone[0]!.title}” was deleted elsewhere.`);
    if (gone.length > 1) say(`${counted(gone.length, "task")} were deleted elsewhere.`);
  }, [tasks, held, refused, isLoaded, say]);
}
