// Files of a list that go elsewhere than what is added now: a page that gets its tickets in another way may have gone on
// to another patient, and only the tickets know.
import { pause } from "./in-time.js";
import type { Tickets } from "./tickets.js";
import type { Track } from "./track.js";
import type { Tracks } from "./tracks.js";
import { ACTIVE } from "./types.js";

/** Before a ticket is asked for; pages that make a new function each time they are drawn would ask for many. */
const RESTED = 1_000;

const isComing = ({ phase }: Track) => phase === "waiting" || ACTIVE.has(phase);

export class Elsewhere {
  #strangers: ReadonlySet<Tickets | undefined> = new Set();
  #stop = new AbortController();

  constructor(
    private readonly tracks: Tracks,
    private readonly changed: () => void,
  ) {}

  count(): number {
    return this.tracks.all().filter((track) => isComing(track) && this.#strangers.has(track.tickets)).length;
  }

  /** Tickets come from somewhere else now. */
  compare(now: Tickets | undefined) {
    this.stop();
    this.#stop = new AbortController();
    void this.#compare(now, this.#stop.signal).catch(() => undefined);
  }

  stop() {
    this.#stop.abort();
  }

  async #compare(now: Tickets | undefined, signal: AbortSignal) {
    await pause(RESTED, signal);
    const others = new Set(this.tracks.all().filter(isComing).map(({ tickets }) => tickets));
    others.delete(now);
    const strangers = new Set<Tickets | undefined>();
    for (const one of others) if (await isForAnother(one, now)) strangers.add(one);
    if (signal.aborted) return;
    this.#strangers = strangers;
    this.changed();
  }
}

/** Not where one of them does not say what it is for. */
async function isForAnother(one: Tickets | undefined, now: Tickets | undefined): Promise<boolean> {
  const [then, here] = [await one?.current(), await now?.current()].map((ticket) => ticket?.scope);
  return then !== undefined && here !== undefined && then !== here;
}
