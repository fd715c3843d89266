/** Errors. A request that fails throws a TaskProblem, except when its AbortSignal was aborted. */
import type { components } from "./schema.js";
import type { Task } from "./types.js";

/** The codes of the service. */
export const SERVICE_CODES = [
  "parse_error",
  "not_authenticated",
  "token_expired",
  "token_invalid",
  "forbidden",
  "not_found",
  "method_not_allowed",
  "not_acceptable",
  "sync_expired",
  "precondition_failed",
  "payload_too_large",
  "uri_too_long",
  "unsupported_media_type",
  "validation_error",
  "rate_limited",
  "headers_too_large",
  "internal_error",
  "database_unavailable",
  "identity_unavailable",
] as const;

/**
 * Codes of this client: no response, no response in time, `getToken` failed, a response that is not of the service (for
 * example an error page of a proxy) or has a code that this version does not know, and the device's storage failed.
 */
export const CLIENT_CODES = [
  "network_error",
  "timeout",
  "token_unavailable",
  "unexpected_response",
  "storage_failed",
] as const;

export type ServiceCode = (typeof SERVICE_CODES)[number];
export type ProblemCode = ServiceCode | (typeof CLIENT_CODES)[number];
export type FieldError = NonNullable<components["schemas"]["Problem"]["errors"]>[number];

interface Details {
  code: ProblemCode;
  /** The HTTP status; 0 without a response. */
  status?: number;
  errors?: FieldError[];
  requestId?: string | null;
  retryAfter?: number | null;
  current?: Task | null;
  cause?: unknown;
}

export class TaskProblem extends Error {
  override readonly name = "TaskProblem";
  readonly code: ProblemCode;
  readonly status: number;
  /** The fields that are wrong, when the code is `validation_error`. */
  readonly errors: FieldError[];
  /** The id of the request in the service's log. */
  readonly requestId: string | null;
  /** Seconds after which the request can succeed. */
  readonly retryAfter: number | null;
  /** The task as it is now, when the code is `precondition_failed`. */
  readonly current: Task | null;

  constructor(detail: string, { code, status = 0, errors = [], requestId = null, ...more }: Details) {
    super(detail, { cause: more.cause });
    this.code = code;
    this.status = status;
    this.errors = errors;
    this.requestId = requestId;
    this.retryAfter = more.retryAfter ?? null;
    this.current = more.current ?? null;
  }

  /** The same request can succeed later. */
  get isTemporary(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 500 || this.code === "unexpected_response";
  }

  /** The person has to sign in again. */
  get isSignedOut(): boolean {
    return this.status === 401;
  }
}

/** Return the seconds of `Retry-After`, which is a number or a date. */
export function retryAfterOf(response: Response): number | null {
  const value = response.headers.get("Retry-After");
  if (!value) return null;
  const seconds = /^\d+$/.test(value) ? Number(value) : (Date.parse(value) - Date.now()) / 1000;
  return Number.isNaN(seconds) ? null : Math.max(0, seconds);
}

/** Return the problem of a response that is not 2xx. `body` is its JSON, or its text. */
export function problemOf(response: Response, body: unknown): TaskProblem {
  const { code, detail, errors, current, request_id } = Object(body) as Partial<components["schemas"]["Problem"]>;
  const known = SERVICE_CODES.find((name) => name === code);
  return new TaskProblem(detail ?? `The task service answered ${response.status}.`, {
    code: known ?? "unexpected_response",
    status: response.status,
    errors,
    current,
    requestId: request_id ?? response.headers.get("X-Request-ID"),
    retryAfter: retryAfterOf(response),
  });
}
