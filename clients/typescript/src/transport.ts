/**
 * Requests with a token, a timeout and retries. Every request of this client can be repeated: a create carries its key,
 * a change names its values. So a request without an answer is sent again, whatever its method is.
 */
import { retryAfterOf, TaskProblem } from "./problem.js";
import { type GetToken, TokenKeeper } from "./token.js";

export interface TransportOptions {
  /** Is called when a token is needed: at first, shortly before the kept one expires, and after a 401. */
  getToken: GetToken;
  fetch?: (request: Request) => Promise<Response>;
  /** Milliseconds without any part of the response, after which an attempt ends. */
  timeout?: number;
  /** How often a request is repeated after 429, 502, 503, 504, a timeout, or without a response. */
  retries?: number;
  /** Milliseconds before the first repetition; doubled for each further one. */
  backoff?: number;
  /** Milliseconds. When the service demands a longer pause, the problem is thrown at once, with `retryAfter`. */
  maxWait?: number;
}

const TEMPORARY = new Set([429, 502, 503, 504]);
const WITHOUT_BODY = new Set([204, 205, 304]);

export class Transport {
  readonly token: TokenKeeper;
  readonly #repeated = new WeakSet<Response>();
  readonly #options: Required<Omit<TransportOptions, "getToken">>;

  constructor({ getToken, fetch, timeout = 10_000, retries = 4, backoff = 300, maxWait = 30_000 }: TransportOptions) {
    const send = fetch ?? ((request: Request) => globalThis.fetch(request));
    this.#options = { fetch: send, timeout, retries, backoff, maxWait };
    this.token = new TokenKeeper(getToken, timeout);
  }

  /** The request had been sent before, so that the response can be the effect of an earlier attempt. */
  isRepeated(response: Response): boolean {
    return this.#repeated.has(response);
  }

  send = async (request: Request): Promise<Response> => {
    let renewed = false;
    for (let attempt = 0; ;) {
      const result = await this.#attempt(request, !renewed);
      if (result === "renewed") {
        renewed = true;
        continue;
      }
      const wait = this.#waitAfter(result, attempt);
      if (wait === null) return this.#settled(result, attempt);
      await pause(wait, request.signal);
      attempt++;
    }
  };

  #settled(result: Response | TaskProblem, attempt: number): Response {
    if (result instanceof TaskProblem) throw result;
    if (attempt > 0) this.#repeated.add(result);
    return result;
  }

  async #attempt(request: Request, mayRenew: boolean): Promise<Response | TaskProblem | "renewed"> {
    request.signal.throwIfAborted();
    try {
      const token = await this.token.get();
      const response = await this.#exchange(request, token);
      if (response.status !== 401 || !mayRenew) return response;
      this.token.forget(token);
      return "renewed";
    } catch (error) {
      request.signal.throwIfAborted();
      if (error instanceof TaskProblem) return error;
      return new TaskProblem("The task service cannot be reached.", { code: "network_error", cause: error });
    }
  }

  /** Send the request once and read the whole response, so that a lost connection is noticed here. */
  async #exchange(original: Request, token: string): Promise<Response> {
    const controller = new AbortController();
    const stop = () => controller.abort(original.signal.reason);
    const late = new TaskProblem("The task service did not answer in time.", { code: "timeout" });
    let timer: ReturnType<typeof setTimeout> | undefined;
    const wait = () => {
      clearTimeout(timer);
      timer = setTimeout(() => controller.abort(late), this.#options.timeout);
    };
    original.signal.addEventListener("abort", stop);
    try {
      const request = new Request(original.clone(), { signal: controller.signal });
      request.headers.set("Authorization", `Bearer ${token}`);
      const { fetch } = this.#options; // a browser's fetch refuses to be called as a method of another object
      wait();
      return await whole(await fetch(request), original.headers.get("Accept") ?? "json", wait);
    } catch (error) {
      throw controller.signal.aborted ? controller.signal.reason : error;
    } finally {
      clearTimeout(timer);
      original.signal.removeEventListener("abort", stop);
    }
  }

  /** Return the milliseconds until the next attempt, or null when the result is final. */
  #waitAfter(result: Response | TaskProblem, attempt: number): number | null {
    const { retries, backoff, maxWait } = this.#options;
    const temporary = result instanceof TaskProblem ? result.isTemporary : TEMPORARY.has(result.status);
    if (!temporary || attempt >= retries) return null;
    const demanded = (result instanceof Response && retryAfterOf(result)) || 0;
    if (demanded * 1000 > maxWait) return null;
    const spread = Math.min(backoff * 2 ** attempt, maxWait);
    return demanded * 1000 + spread * (demanded ? Math.random() : (1 + Math.random()) / 2);
  }
}

/** Read the whole body, which has to be of the type `accepted`. `onPart` is called for each part of the body. */
async function whole(response: Response, accepted: string, onPart: () => void): Promise<Response> {
  const { status, statusText, headers } = response;
  const transform: TransformerTransformCallback<Uint8Array, Uint8Array> = (part, stream) => {
    onPart();
    stream.enqueue(part);
  };
  const body = await new Response(response.body?.pipeThrough(new TransformStream({ transform }))).arrayBuffer();
  if (response.ok && body.byteLength && !headers.get("Content-Type")?.includes(accepted)) {
    throw new TaskProblem("The response is not of the task service.", { code: "unexpected_response", status });
  }
  return new Response(WITHOUT_BODY.has(status) ? null : body, { status, statusText, headers });
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal.addEventListener("abort", stop, { once: true });
  });
}
