/** Which write is sent next, and when. */
import type { Write } from "./store.js";

/** Return the milliseconds until a held delete is sent. */
export const timeLeft = ({ until = "" }: Write): number => Date.parse(until) - Date.now();

/** The write is a delete that can be taken back. */
export const isHeld = (write: Write): boolean => timeLeft(write) > 0;

/** Return the first write that can be sent. Writes of a task whose delete is held wait with it. */
export function nextOf(writes: readonly Write[]): Write | undefined {
  const held = writes.filter(isHeld).map(({ key }) => key);
  return writes.find(({ refused, key }) => !refused && !held.includes(key));
}
