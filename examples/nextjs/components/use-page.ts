import { type RefObject, useEffect, useRef, useState, useSyncExternalStore } from "react";

/** The title of the page in the browser's tab. */
export function useTitle(title: string) {
  useEffect(() => void (document.title = title), [title]);
}

/** The time, once a minute: tasks become overdue while the page is open. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), 60_000);
    return () => window.clearInterval(timer);
  }, []);
  return now;
}

const SLOW = 5000; // milliseconds

/** Return whether something has been going on for a while. */
export function useSlow(busy: boolean): boolean {
  const [slow, setSlow] = useState(false);
  useEffect(() => {
    if (!busy) return setSlow(false);
    const timer = window.setTimeout(() => setSlow(true), SLOW);
    return () => window.clearTimeout(timer);
  }, [busy]);
  return slow;
}

export const useOnline = () => useSyncExternalStore(followNetwork, () => navigator.onLine);

function followNetwork(listener: () => void) {
  for (const event of ["online", "offline"]) window.addEventListener(event, listener);
  return () => {
    for (const event of ["online", "offline"]) window.removeEventListener(event, listener);
  };
}

/** Focus `fallback` when the focused element is removed, so that the keyboard stays on this page's content. */
export function useKeptFocus(fallback: RefObject<HTMLElement | null>) {
  const focused = useRef<EventTarget | null>(null);
  useEffect(() => {
    const note = ({ target }: FocusEvent) => (focused.current = target);
    document.addEventListener("focusin", note);
    return () => document.removeEventListener("focusin", note);
  }, []);
  useEffect(() => {
    if (!(focused.current instanceof HTMLElement) || focused.current.isConnected) return;
    focused.current = null;
    if (document.activeElement === document.body) fallback.current?.focus({ preventScroll: true });
  });
}
