// What is refused before anything is sent.
import { StrongroomError } from "../client/index.js";
import { formatLimit } from "./format.js";
import { isAccepted, kinds } from "./rules.js";
import type { Taken } from "./taken.js";
import type { Texts } from "./texts.js";
import type { UploadOptions } from "./types.js";

/** How many files an uploader takes. */
export function mostOf({ multiple = true, maxFiles }: UploadOptions): number {
  return multiple ? (maxFiles ?? Number.POSITIVE_INFINITY) : 1;
}

/**
 * The largest file in bytes, by what the app says and what the server takes: of one `type` and its own category, or of
 * any that may come.
 */
export function maxSizeOf(
  { maxSize, category, accept }: UploadOptions,
  taken: Taken,
  { type, category: own = category }: { type?: string; category?: string | undefined } = {},
): number | undefined {
  const types = type ? [type] : Object.keys(taken.types).filter((one) => isAccepted(one, accept, taken.types));
  const all = [maxSize, taken.maxBytes(own, types)].filter((one) => one !== undefined);
  return all.length > 0 ? Math.min(...all) : undefined;
}

/** Why there is no room for another file, where `there` are some. */
export function fullOf(there: number, options: UploadOptions, texts: Texts) {
  if (there < mostOf(options)) return undefined;
  return new StrongroomError("too_many_files", texts.tooMany(mostOf(options)));
}

/** Why a file may not come in; `type` is what it would be announced as, `category` its own if it has one. */
export function refusalOf(
  file: { size: number; type: string | undefined; category?: string | undefined },
  options: UploadOptions,
  taken: Taken,
  texts: Texts,
): StrongroomError | undefined {
  const { size, type, category } = file;
  const { accept } = options;
  if (!type || !(type in taken.types) || !isAccepted(type, accept, taken.types)) {
    return new StrongroomError("unsupported_type", texts.wrongType(kinds(accept, taken.types, texts)));
  }
  if (size === 0) return new StrongroomError("empty_file", texts.empty);
  const most = maxSizeOf(options, taken, { type, category });
  return most !== undefined && size > most ? tooLargeOf(most, texts) : undefined;
}

export function tooLargeOf(most: number, texts: Texts) {
  return new StrongroomError("file_too_large", texts.tooLarge(formatLimit(most, texts.locale)));
}
