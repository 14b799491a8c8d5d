// What an uploader was given: options and words as they are now, and whose its uploads are.
import { StrongroomError } from "../client/index.js";
import { isAboutHalfSaid, isHalfSaid, scopeOf, wishOf } from "./connection.js";
import { TEXTS, type Texts } from "./texts.js";
import type { TicketWish, UploadOptions } from "./types.js";

export class Given {
  #options: UploadOptions;
  /** What the uploads belong to, as it was said first and whole. */
  #whose: UploadOptions;
  #texts: Texts;

  constructor(options: UploadOptions, texts: Texts = TEXTS) {
    this.#options = options;
    this.#whose = options;
    this.#texts = texts;
  }

  get options(): UploadOptions {
    return this.#options;
  }

  get texts(): Texts {
    return this.#texts;
  }

  /** Takes others; whether it is known only now whose the uploads are, which stays once it is said. */
  take(options: UploadOptions, texts: Texts = TEXTS): boolean {
    const wasHalf = isHalfSaid(this.#whose);
    if (wasHalf) this.#whose = options;
    this.#options = options;
    this.#texts = texts;
    return wasHalf && !isHalfSaid(options);
  }

  /** What a ticket is asked for. */
  wish(): TicketWish {
    return wishOf(this.#whose);
  }

  /** What tells this page's open uploads from another's. */
  page(): string {
    return scopeOf(this.#whose);
  }

  /** What was sent while it is not known whose it is would be found with nobody; `about` is one file's own. */
  nowhere(about?: TicketWish): StrongroomError | undefined {
    const isHalf = isHalfSaid(this.#whose) || isAboutHalfSaid(about);
    return isHalf ? new StrongroomError("no_entity", this.#texts.nowhere) : undefined;
  }
}
