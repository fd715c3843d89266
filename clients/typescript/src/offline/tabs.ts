/** Several tabs of one person: one of them leads, and each is told of the others' changes. */
import type { ProblemCode } from "../problem.js";

export type Message = "queued" | "changed" | "destroyed" | News;

/** The state of the leading tab. */
export interface News {
  status: Status;
  problem: { detail: string; code: ProblemCode; status: number } | null;
}

/** `offline`: no answer. `signed-out`: the writes are kept until `sync()` is called with a new session. */
export type Status = "starting" | "syncing" | "idle" | "offline" | "signed-out";

export interface TabsOptions {
  name: string;
  /** Web Locks. Browsers have them on secure pages; without them every tab leads, so that only one may be open. */
  locks?: Pick<LockManager, "request">;
  /** Another tab has changed the store. */
  onMessage(message: Message): void;
}

export class Tabs {
  #channel?: BroadcastChannel;

  constructor(private readonly options: TabsOptions) {
    if (typeof BroadcastChannel === "undefined") return;
    this.#channel = new BroadcastChannel(options.name);
    this.#channel.onmessage = ({ data }: MessageEvent<Message>) => options.onMessage(data);
  }

  tell(message: Message): void {
    this.#channel?.postMessage(message);
  }

  /** Call `lead` once no other tab leads. The tab leads until the promise of `lead` is settled. */
  async lead(lead: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const locks = this.options.locks ?? globalThis.navigator?.locks;
    if (!locks) return lead();
    await locks.request(this.options.name, { signal }, lead).catch(() => {
      if (!signal.aborted) return lead(); // a page without an origin may not use locks
    });
  }

  close(): void {
    this.#channel?.close();
    this.#channel = undefined; // a closed channel throws
  }
}
