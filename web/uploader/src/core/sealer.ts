// Seals files before they are announced. Whatever goes wrong here is an error of the file: nothing is ever sent
// unsealed in its place.
import { StrongroomError } from "../client/index.js";
import { loadSeal } from "./load-seal.js";
import { SEALED, sealedName } from "./sealed.js";
import { seenIn } from "./seen.js";
import type { Texts } from "./texts.js";

type Code = Awaited<ReturnType<typeof loadSeal>>;

/** What goes on as it is: leave was taken away, the file cannot be read any more. */
const PLAIN = new Set(["AbortError", "NotReadableError", "NotFoundError"]);

export class Sealer {
  #code: Promise<Code> | undefined;

  constructor(private readonly keys: string | readonly string[]) {}

  /** Why nothing can be sealed, if so. */
  async problem(texts: Texts): Promise<StrongroomError | undefined> {
    try {
      const { checkRecipients } = await this.#load();
      checkRecipients(this.keys);
      return undefined;
    } catch (error) {
      return failed(error, texts);
    }
  }

  /** The sealed file. */
  async seal(
    file: File,
    texts: Texts,
    onProgress: (done: number) => void,
    signal: AbortSignal,
  ): Promise<File> {
    await lastLook(file, texts);
    try {
      const { seal } = await this.#load();
      const sealed = await seal(file, this.keys, { onProgress, signal });
      return new File([sealed], sealedName(file.name), { type: SEALED });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      throw PLAIN.has((error as Error)?.name) ? error : failed(error, texts);
    }
  }

  #load(): Promise<Code> {
    this.#code ??= loadSeal();
    // The next one tries again.
    this.#code.catch(() => (this.#code = undefined));
    return this.#code;
  }
}

function failed(error: unknown, texts: Texts): StrongroomError {
  const isKey = (error as Error)?.name === "WrongKeyError";
  return isKey
    ? new StrongroomError("wrong_seal_key", texts.wrongSealKey)
    : new StrongroomError("cannot_seal", texts.cannotSeal, { cause: error });
}

/** Nobody can look into it later; what would never be let in is told here. */
async function lastLook(file: File, texts: Texts): Promise<void> {
  const seen = await seenIn(file);
  if (seen === "macros") {
    const fields = { content: "macros" };
    throw new StrongroomError("content_refused", texts.refused("macros") ?? texts.unknown, { fields });
  }
  if (seen === "program" || seen === "html") {
    throw new StrongroomError("content_mismatch", texts.mismatch);
  }
}
