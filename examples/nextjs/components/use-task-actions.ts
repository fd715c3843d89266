import { useMemo } from "react";
import type { OfflineTasks } from "tasks-client/offline";
import { keyOf } from "@/lib/values";
import type { TaskActions } from "./task-item";
import type { useDrafts } from "./use-drafts";
import type { Run } from "./use-notice";

const UNDO = 10_000; // milliseconds in which a delete can be taken back

/** What a row of the list can do. Each change is stored on this device, and sent from there. */
export function useTaskActions(offline: OfflineTasks, run: Run, { change, drop }: ReturnType<typeof useDrafts>) {
  return useMemo<TaskActions>(() => ({
    complete: (task, completed) =>
      run(
        () => offline.complete(task, completed),
        completed ? `Completed “${task.title}”.` : `“${task.title}” is pending again.`,
      ),
    edit: async (task, changes) => {
      if (Object.keys(changes).length === 0) return true;
      return run(() => offline.change(task, changes), `Changed “${changes.title ?? task.title}”.`);
    },
    remove: (task) => run(() => offline.delete(task, { hold: UNDO })),
    change: (task, draft) => change(keyOf(task), draft),
    close: (task) => drop(keyOf(task)),
  }), [offline, run, change, drop]);
}
