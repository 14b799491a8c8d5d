// Files that are chosen, one after the other: added to the list, or shown there as refused and never sent.
import { StrongroomError } from "../client/index.js";
import { failureOf } from "./failure.js";
import type { Given } from "./given.js";
import type { Intake } from "./intake.js";
import { isLost } from "./picked.js";
import type { Pipeline } from "./pipeline.js";
import { fullOf } from "./refusal.js";
import { typeOf } from "./rules.js";
import type { Tickets } from "./tickets.js";
import { trackOf } from "./track.js";
import type { Tracks } from "./tracks.js";

/** Whose list it is. */
export interface Host {
  /** One is in the list. */
  added(): void;
  /** So many of those that were chosen together are in the list. */
  allAdded(count: number): void;
  /** One may not come in; answers what is shown. */
  refused(error: StrongroomError, file: File): string;
  remove(id: string): void;
  isGone(): boolean;
}

export class Adding {
  /** Also those of two drops come one after the other. */
  #turn: Promise<void> = Promise.resolve();
  #chosen = 0;
  #refused = 0;

  constructor(
    private readonly given: Given,
    private readonly tracks: Tracks,
    private readonly intake: Intake,
    private readonly pipeline: Pipeline,
    private readonly host: Host,
  ) {}

  /** `tickets` are those of the moment in which the files were chosen. */
  add(files: readonly File[], tickets: Tickets | undefined): Promise<void> {
    const added = this.#turn.then(() => this.#addAll([...files], tickets));
    this.#turn = added.catch(() => undefined);
    return added;
  }

  async #addAll(files: readonly File[], tickets: Tickets | undefined) {
    let added = 0;
    for (const file of files) {
      if (this.host.isGone()) return;
      try {
        if (await this.#addOne(file, tickets)) added += 1;
      } catch (error) {
        this.#refuse(file, failureOf(error, this.given.texts));
      }
    }
    if (added > 0) this.host.allAdded(added);
  }

  async #addOne(file: File, tickets: Tickets | undefined): Promise<boolean> {
    const same = this.tracks.same(file, tickets);
    if (same) {
      if (same.phase !== "done" && same.phase !== "failed") return false;
      this.host.remove(same.id);
    }
    const type = await typeOf(file, this.intake.types);
    const refusal = this.#refusalOf(file, type) ?? (await this.intake.check());
    if (this.host.isGone()) return false;
    if (refusal || !type) {
      if (refusal) this.#refuse(file, refusal);
      return false;
    }
    this.tracks.add(trackOf(this.#toPipeline(file, type), file, type, tickets));
    this.host.added();
    return true;
  }

  #toPipeline(file: File, type: string): string {
    // Uppy takes files of one name, size and time for the same one; this tells them apart.
    this.#chosen += 1;
    const meta = { relativePath: `${this.#chosen}` };
    // Of a file that is to be sealed the pipeline never has the bytes as they were.
    const data = this.intake.seals ? new Blob([]) : file;
    return this.pipeline.addFile({ name: file.name, type, data, meta });
  }

  #refusalOf(file: File, type: string | undefined): StrongroomError | undefined {
    const { options, texts } = this.given;
    if (isLost(file)) return new StrongroomError("unreadable", texts.unreadable);
    return (
      this.given.nowhere() ??
      fullOf(this.tracks.counted(), options, texts) ??
      this.intake.refusal(file.size, type)
    );
  }

  #refuse(file: File, error: StrongroomError) {
    this.#refused += 1;
    const id = `refused-${this.#refused}`;
    const message = this.host.refused(error, file);
    this.tracks.add({ ...trackOf(id, file, ""), phase: "refused", message });
  }
}
