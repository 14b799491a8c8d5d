// What went wrong with a file, in words for the person who sent it.
import { answeredWith } from "../client/errors.js";
import { type ErrorCode, StrongroomError } from "../client/index.js";
import type { Door } from "./door.js";
import type { Texts } from "./texts.js";

/** Trying the same file again will not help. */
const FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "content_mismatch",
  "content_refused",
  "empty_file",
  "file_too_large",
  "forbidden",
  "invalid_fields",
  "no_entity",
  "too_many_files",
  "unsupported_type",
  "wrong_seal_key",
]);

export function isFinal(error: StrongroomError): boolean {
  return FINAL.has(error.code);
}

/**
 * The server has the upload no more. A token that has expired is followed by another; a ticket is not, since it
 * alone reaches what began with it.
 */
export function isOver({ status }: StrongroomError, door: Door | undefined): boolean {
  return status === 404 || status === 409 || (status === 401 && door?.ticket !== undefined);
}

/** Trying again means beginning again. */
export function hasEnded(error: StrongroomError, door: Door | undefined): boolean {
  return isFinal(error) || isOver(error, door);
}

/** What the S3 plugin throws carries the request that failed. */
function requestOf(error: unknown): XMLHttpRequest | undefined {
  const source = (error as { source?: unknown } | undefined)?.source;
  return source instanceof XMLHttpRequest ? source : undefined;
}

/** Any failure as the one type. */
export function failureOf(error: unknown, texts: Texts): StrongroomError {
  if (error instanceof StrongroomError) return error;
  const request = requestOf(error);
  if (request && request.status === 0) {
    return new StrongroomError("unreachable", texts.cut, { cause: error });
  }
  if (request) {
    const said = /<Message>([^<]*)<\/Message>/.exec(request.responseText)?.[1];
    const status = request.status;
    return new StrongroomError("unknown", said ?? texts.unknown, { status, cause: error });
  }
  const text = error instanceof Error ? `${error.name} ${error.message}` : String(error);
  if (/NotReadable|NotFound|could not be read/i.test(text)) {
    return new StrongroomError("unreadable", texts.unreadable, { cause: error });
  }
  return new StrongroomError("unknown", texts.unknown, { cause: error });
}

/** The plugin's failed request, where an error was made of one. */
const sentBy = (error: StrongroomError) => requestOf(error.cause);

/** What is said of these is for those who run the server: addresses, settings. */
const OPERATORS: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "internal",
  "store_unavailable",
  "unavailable",
]);

/** What is shown: this package's words where people need others than programs, else the server's own. */
export function messageOf(error: StrongroomError, texts: Texts): string {
  if (error.code === "unreachable") return sentBy(error) ? texts.cut : texts.unreachable;
  // A store's own words are English and for its operator; the app has them in `error.message`.
  if (error.status > 0 && sentBy(error)) return texts.unavailable;
  if (error.code === "unknown" && error.message === answeredWith(error.status)) return texts.answered(error.status);
  if (error.status > 0 && error.code === "content_mismatch") return texts.mismatch;
  if (OPERATORS.has(error.code)) return texts.unavailable;
  const refused = error.code === "content_refused" && texts.refused(error.fields.content ?? "");
  if (refused) return refused;
  const own = error.status > 0 && texts.error(error.code);
  if (own) return own;
  const fields = Object.values(error.fields).filter((text) => !error.message.includes(text));
  const first = error.status > 0 && error.code === "file_too_large" ? [texts.over] : [];
  return [...first, error.message, ...fields].join(" ");
}
