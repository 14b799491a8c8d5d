// What can go wrong, as one type: the server's problem+json (RFC 9457), and not reaching it at all.
import type { components } from "./schema.js";

export type Problem = components["schemas"]["Problem"];

/** The server's stable codes, and this package's own. */
export type ErrorCode =
  | Problem["code"]
  | "unreachable"
  | "unreadable"
  | "too_many_files"
  | "no_entity"
  | "cannot_seal"
  | "wrong_seal_key"
  | "unknown";

/** What the server refused, or why it could not be asked. `message` is for people. */
export class StrongroomError extends Error {
  override readonly name = "StrongroomError";
  /** The HTTP status; 0 when there was no answer. */
  readonly status: number;
  readonly code: ErrorCode;
  /** Field → what would be right. */
  readonly fields: Readonly<Record<string, string>>;
  /** To find the call in the server's log and trail. */
  readonly requestId: string | undefined;
  /** Seconds after which the call makes sense again. */
  readonly retryAfter: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    more: {
      status?: number;
      fields?: Record<string, string> | undefined;
      requestId?: string | undefined;
      retryAfter?: number | undefined;
      cause?: unknown;
    } = {},
  ) {
    super(message, { cause: more.cause });
    this.code = code;
    this.status = more.status ?? 0;
    this.fields = more.fields ?? {};
    this.requestId = more.requestId;
    this.retryAfter = more.retryAfter;
  }

  /** Whether the same call may well succeed later. */
  get temporary(): boolean {
    return this.code === "unreachable" || this.status === 429 || this.status >= 502;
  }
}

/** Where an answer says nothing but its status. */
export const answeredWith = (status: number) => `The server answered ${status}.`;

/** The error that an answer of the server tells of. */
export async function errorOf(response: Response): Promise<StrongroomError> {
  const problem = (await response
    .clone()
    .json()
    .catch(() => ({}))) as Partial<Problem>;
  const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
  return new StrongroomError(
    problem.code ?? "unknown",
    problem.detail ?? answeredWith(response.status),
    {
      status: response.status,
      fields: problem.errors,
      requestId: problem.requestId ?? response.headers.get("x-request-id") ?? undefined,
      retryAfter: Number.isFinite(seconds) ? seconds : undefined,
    },
  );
}

/** No answer came. */
export function unreachable(cause: unknown): StrongroomError {
  const message = "The server cannot be reached. Check the connection and try again.";
  return new StrongroomError("unreachable", message, { cause });
}
