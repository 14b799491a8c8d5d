// What a reload interrupted: shown until the file is chosen again, or brought to its end where every byte was
// there already.
import { type Document, StrongroomError } from "../client/index.js";
import type { Door, Doors, SentPart } from "./door.js";
import { failureOf, hasEnded } from "./failure.js";
import type { Kept, Resume } from "./resume.js";
import type { Texts } from "./texts.js";
import type { Item } from "./types.js";

/** Who shows it. */
export interface Host {
  texts(): Texts;
  changed(): void;
  /** It is there again, and waits for its file. */
  interrupted(name: string): void;
  /** It came to its end. */
  done(name: string, document: Document): void;
  /** It ended, and not well; answers what is shown. */
  failed(error: StrongroomError, file: { name: string; size: number }): string;
}

export class Interrupted {
  #all = new Map<string, { kept: Kept; item: Item }>();
  #gone = false;

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

  stop() {
    this.#gone = true;
  }

  /** Asks the server what it still has. */
  async recall() {
    for (const kept of this.resume.all()) {
      const { uploadId: id, name, size } = kept;
      const door = this.doors.again(kept.ticket);
      try {
        const parts = await door.list(kept);
        if (this.#gone) return;
        if (!this.resume.find(kept.sha256, size)) continue;
        const sent = parts.reduce((sum, part) => sum + part.Size, 0);
        this.#show(kept, { id, name, size, phase: "interrupted", progress: sent / size });
        if (sent >= size) await this.#bringToEnd(kept, door, parts);
        else this.host.interrupted(name);
      } catch (error) {
        if (error instanceof StrongroomError && !error.temporary) this.resume.drop(id);
      }
    }
  }

  #show(kept: Kept, item: Item) {
    this.#all.set(kept.uploadId, { kept, item });
    this.host.changed();
  }

  /** What is left needs no file. */
  async #bringToEnd(kept: Kept, door: Door, parts: SentPart[]) {
    const { uploadId: id, name, size } = kept;
    const item = { id, name, size, progress: 1 };
    this.#show(kept, { ...item, phase: "finishing" });
    try {
      await door.complete(kept, parts);
      const document = await door.document(kept);
      this.resume.drop(id);
      this.#show(kept, { ...item, phase: "done", document });
      this.host.done(name, document);
    } catch (cause) {
      const error = failureOf(cause, this.host.texts());
      if (hasEnded(error)) this.resume.drop(id);
      const message = this.host.failed(error, { name, size });
      this.#show(kept, { ...item, phase: "failed", message });
    }
  }
}
