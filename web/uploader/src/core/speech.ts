// What screen readers are to say: kept for a while, so that of two things in one moment none is lost.
import type { Said } from "./types.js";

/** How much of what was said is kept: more than is said in one moment. */
const KEPT = 20;

export class Speech {
  #lines: readonly Said[] = [];
  #count = 0;

  constructor(private readonly changed: () => void) {}

  get lines(): readonly Said[] {
    return this.#lines;
  }

  get last(): string {
    return this.#lines.at(-1)?.text ?? "";
  }

  say(text: string) {
    this.#count += 1;
    this.#lines = [...this.#lines, { id: this.#count, text }].slice(-KEPT);
    this.changed();
  }
}
