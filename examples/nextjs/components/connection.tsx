import type { Snapshot } from "tasks-client/offline";
import { waitingChanges } from "@/lib/words";
import { useOnline } from "./use-page";

/** Say that the service cannot be reached or that the session has ended, and what becomes of the changes. */
export function Connection({ snapshot, retry }: { snapshot: Snapshot; retry: () => void }) {
  const online = useOnline();
  const { problem, waiting, status } = snapshot;
  if (problem?.isSignedOut) {
    return (
      <div role="alert" className="alert">
        <p>
          Your session has ended. What you typed is kept on this device.{" "}
          {waiting > 0 && `${waitingChanges(waiting)} for your sign-in.`}
        </p>
        <a href="/sign-in">Sign in again</a>
      </div>
    );
  }
  if (!problem && online) return null;
  return (
    <div role="alert" className="alert">
      <p>
        {online ? problem!.message : "You are offline."}{" "}
        {waiting > 0 ? `${waitingChanges(waiting)} for the network.` : "You see your tasks as they were."}
      </p>
      <button onClick={retry}>{status === "syncing" ? "Trying …" : "Try again"}</button>
    </div>
  );
}
