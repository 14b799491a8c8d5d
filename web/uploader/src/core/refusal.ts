// What is refused before anything is sent.
import { StrongroomError } from "../client/index.js";
import { formatSize } from "./format.js";
import { isAccepted, kinds } from "./rules.js";
import type { Texts } from "./texts.js";
import type { UploadOptions } from "./types.js";

/** How many files an uploader takes. */
export function mostOf({ multiple = true, maxFiles }: UploadOptions): number {
  return multiple ? (maxFiles ?? Number.POSITIVE_INFINITY) : 1;
}

/** Why a file may not come in; `type` is what it would be announced as, `there` how many there are. */
export function refusalOf(
  file: File,
  type: string | undefined,
  there: number,
  options: UploadOptions,
  texts: Texts,
): StrongroomError | undefined {
  const { accept, maxSize } = options;
  if (there >= mostOf(options)) {
    return new StrongroomError("too_many_files", texts.tooMany(mostOf(options)));
  }
  if (!type || !isAccepted(type, accept)) {
    return new StrongroomError("unsupported_type", texts.wrongType(kinds(accept)));
  }
  if (file.size === 0) return new StrongroomError("empty_file", texts.empty);
  if (maxSize !== undefined && file.size > maxSize) {
    return new StrongroomError("file_too_large", texts.tooLarge(formatSize(maxSize)));
  }
  return undefined;
}
