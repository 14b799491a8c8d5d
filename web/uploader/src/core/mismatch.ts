// The sentence for a file that is not what its name says: what it is called, what it is, what would be right.
import { extensionOf, isAccepted, type Types } from "./rules.js";
import { type Kind, seenIn } from "./seen.js";
import type { Texts } from "./texts.js";

/** A file that was chosen, and the type it was announced as. */
export interface Chosen {
  file: File;
  name: string;
  type: string;
}

/** What Office, a browser or an editor would call the same. */
function isSame(kind: Kind, type: string): boolean {
  return kind === type || (kind === "text/plain" && type === "text/csv");
}

/** `accept` is what the app lets in, `types` what the server does: only what will work is said to be right. */
export async function mismatchOf(
  { file, name, type }: Chosen,
  accept: readonly string[] | undefined,
  types: Types,
  texts: Texts,
): Promise<string> {
  const seen = await seenIn(file);
  const ending = extensionOf(name);
  if (ending === "" || (seen && isSame(seen, type))) return texts.mismatch;
  const [called, wanted] = [`.${ending}`, texts.kind(type)];
  if (!seen) return texts.isNot(called, wanted);
  const right = isAccepted(seen, accept, types) ? types[seen]?.[0] : undefined;
  return texts.isOther(called, texts.kind(seen), wanted, right && `.${right}`);
}
