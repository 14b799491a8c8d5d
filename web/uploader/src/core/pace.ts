// How long an upload will still take, from how it has gone lately.

/** How far back it looks, in milliseconds: long enough to be calm, short enough to follow a new line. */
const WINDOW = 10_000;
/** Before this it is a guess. */
const ENOUGH = 2_000;

export class Pace {
  #seen: { at: number; sent: number }[] = [];

  note(sent: number, at = performance.now()) {
    const last = this.#seen.at(-1);
    // A part that is sent again takes the count back.
    if (last && sent < last.sent) this.#seen = [];
    this.#seen.push({ at, sent });
    while (this.#seen.length > 2 && at - (this.#seen[0]?.at ?? at) > WINDOW) this.#seen.shift();
  }

  /** It rests: what was seen says nothing of what comes. */
  reset() {
    this.#seen = [];
  }

  /** Seconds until `size` bytes are there; nothing while it cannot be said. */
  left(size: number): number | undefined {
    const [first, last] = [this.#seen[0], this.#seen.at(-1)];
    if (!first || !last || last.at - first.at < ENOUGH || last.sent <= first.sent) return undefined;
    return ((size - last.sent) * (last.at - first.at)) / (last.sent - first.sent) / 1000;
  }
}
