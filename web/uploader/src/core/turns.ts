// Whose turn it is: some files at once, the others in the order in which they asked.
import type { Tracks } from "./tracks.js";

/** Files under way at once. */
const AT_ONCE = 4;

export class Turns {
  #queue: string[] = [];
  #running = new Set<string>();

  /** `begin` is called with the file whose turn has come. */
  constructor(
    private readonly tracks: Tracks,
    private readonly begin: (id: string) => void,
  ) {}

  /** Whether nothing has its turn. */
  get areOver(): boolean {
    return this.#running.size === 0;
  }

  /** It waits for its turn, which may come at once. */
  ask(id: string) {
    if (!this.#queue.includes(id)) this.#queue.push(id);
    this.#next();
  }

  /** It ended or rests: another may go. */
  end(id: string) {
    if (this.#running.delete(id)) this.#next();
  }

  #next() {
    while (this.#running.size < AT_ONCE) {
      const id = this.#queue.shift();
      if (id === undefined) return;
      // It may have been taken away while it waited.
      if (this.tracks.get(id)?.phase !== "waiting") continue;
      this.#running.add(id);
      this.begin(id);
    }
  }
}
