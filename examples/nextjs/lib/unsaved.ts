import type { OfflineTasks } from "tasks-client/offline";

const TIME_LIMIT = 3000; // milliseconds

/** Send what waits, before a sign-out. Return how many changes are left. */
export async function unsaved(offline: OfflineTasks): Promise<number> {
  for (const write of offline.snapshot().held) await offline.repeat(write);
  const left = () => offline.snapshot().waiting;
  if (left()) {
    offline.sync();
    await new Promise<void>((resolve) => {
      const forget = offline.subscribe(() => left() || end());
      const timer = setTimeout(end, TIME_LIMIT);
      function end() {
        forget();
        clearTimeout(timer);
        resolve();
      }
    });
  }
  return left() + offline.snapshot().refused.length;
}
