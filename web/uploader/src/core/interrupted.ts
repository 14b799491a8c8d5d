// What a reload interrupted: shown until the file is chosen again, or brought to its end where every byte was
// there already. Never shown before the page's own ticket says that it is for the same patient.
import { type Document, StrongroomError } from "../client/index.js";
import type { Door, Doors, SentPart } from "./door.js";
import { failureOf, hasEnded, isFinal, isOver } from "./failure.js";
import type { Kept, Resume } from "./resume.js";
import type { Texts } from "./texts.js";
import type { Item } from "./types.js";

/** Who shows it. */
export interface Host {
  texts(): Texts;
  changed(): void;
  /** Whether an upload is that of a file of the list. */
  isUnderWay(uploadId: string): boolean;
  /** It is there again, and waits for its file. */
  interrupted(name: string): void;
  /** It came to its end. */
  done(name: string, document: Document): void;
  /** It ended, and not well; answers what is shown. */
  failed(error: StrongroomError, file: { name: string; size: number }): string;
}

interface One {
  kept: Kept;
  item: Item;
  error?: StrongroomError;
}

export class Interrupted {
  #all = new Map<string, One>();
  /** Counts how often all was taken away: what was asked before is not shown any more. */
  #age = 0;
  /** Counts how often it was asked: of those that wait for their turn only the last one asks. */
  #round = 0;
  #asking = Promise.resolve();

  constructor(
    private readonly doors: Doors,
    private readonly resume: Resume,
    private readonly host: Host,
  ) {}

  items(): Item[] {
    return [...this.#all.values()].map(({ item }) => item);
  }

  /** It goes on as a file that was chosen again. */
  taken(uploadId: string) {
    this.#all.delete(uploadId);
  }

  /** Gives one up, and tells whether there was one. */
  discard(id: string): boolean {
    const one = this.#all.get(id);
    if (!one) return false;
    this.#all.delete(id);
    this.resume.drop(id);
    if (one.item.phase !== "done") void this.doors.again(one.kept.ticket).abort(one.kept);
    this.host.changed();
    return true;
  }

  /** Tries once more to bring one to its end, and tells whether there was one. */
  retry(id: string): boolean {
    const one = this.#all.get(id);
    if (one?.item.phase !== "failed") return false;
    void this.#look(one.kept, this.#age);
    return true;
  }

  /** Shows nothing of what there was. */
  clear() {
    this.stop();
    this.#all.clear();
    this.host.changed();
  }

  stop() {
    this.#age += 1;
    this.#round += 1;
  }

  /** The connection is back. */
  online() {
    for (const [id, { error }] of this.#all) if (error?.temporary) this.retry(id);
    this.recall();
  }

  /** Asks the server what it still has. */
  recall() {
    this.#round += 1;
    const round = this.#round;
    this.#asking = this.#asking.then(() => this.#recall(round)).catch(() => undefined);
  }

  async #recall(round: number) {
    const isOpen = (id: string) => !this.#all.has(id) && !this.host.isUnderWay(id);
    if (round !== this.#round || !this.resume.ids().some(isOpen)) return;
    const age = this.#age;
    const scope = await this.doors.scope(this.doors.tickets());
    for (const kept of this.resume.all(scope)) {
      if (round !== this.#round) return;
      if (isOpen(kept.uploadId)) await this.#look(kept, age);
    }
  }

  async #look(kept: Kept, age: number) {
    const { uploadId: id, name, size } = kept;
    const door = this.doors.again(kept.ticket);
    const isStill = () => age === this.#age && this.resume.has(id) && !this.host.isUnderWay(id);
    try {
      const parts = await door.sent(kept);
      if (!isStill()) return;
      const sent = parts?.reduce((sum, part) => sum + part.Size, 0) ?? size;
      this.#show({ kept, item: { id, name, size, phase: "interrupted", progress: sent / size } });
      if (sent >= size) await this.#bringToEnd(kept, door, parts, age);
      else this.host.interrupted(name);
    } catch (cause) {
      const error = failureOf(cause, this.host.texts());
      // What is not shown yet is asked for again with the next page, or when the connection is back.
      if (this.#all.has(id) && isStill()) this.#failed(kept, door, error);
      else if (isOver(error, door)) this.resume.drop(id);
    }
  }

  #show(one: One) {
    this.#all.set(one.kept.uploadId, one);
    this.host.changed();
  }

  #failed(kept: Kept, door: Door, error: StrongroomError) {
    const { uploadId: id, name, size } = kept;
    const ended = hasEnded(error, door);
    if (ended) this.resume.drop(id);
    const message = this.host.failed(error, { name, size });
    const retryable = !ended && !isFinal(error);
    this.#show({ kept, error, item: { id, name, size, progress: 1, phase: "failed", message, retryable } });
  }

  /** What is left needs no file. */
  async #bringToEnd(kept: Kept, door: Door, parts: SentPart[] | undefined, age: number) {
    const { uploadId: id, name, size } = kept;
    const item = { id, name, size, progress: 1 };
    this.#show({ kept, item: { ...item, phase: "finishing" } });
    try {
      if (parts) await door.complete(kept, parts);
      const document = await door.document(kept);
      // The page may be about somebody else by now; it is told where it is kept for.
      if (age !== this.#age) return;
      this.resume.drop(id);
      this.#show({ kept, item: { ...item, phase: "done", document } });
      this.host.done(name, document);
    } catch (cause) {
      if (age === this.#age) this.#failed(kept, door, failureOf(cause, this.host.texts()));
    }
  }
}
