// What may come in, by what is known now; and where files are sealed, that nothing goes out but what was sealed.
import { StrongroomError } from "../client/index.js";
import { maxSizeOf, refusalOf, tooLargeOf } from "./refusal.js";
import { SEALED } from "./sealed.js";
import { Sealer } from "./sealer.js";
import { beforeSealing, KNOWN, type Taken } from "./taken.js";
import type { Texts } from "./texts.js";
import type { Track } from "./track.js";
import type { UploadOptions } from "./types.js";

export class Intake {
  #taken = KNOWN;
  #sealer: Sealer | undefined;
  #problem: string | undefined;

  constructor(
    private readonly options: () => UploadOptions,
    private readonly texts: () => Texts,
  ) {
    const { sealFor } = options();
    if (sealFor !== undefined) this.#sealer = new Sealer(sealFor);
  }

  /** Whether files are sealed before they are sent. */
  get seals(): boolean {
    return this.#sealer !== undefined;
  }

  get types() {
    return this.#taken.types;
  }

  /** The largest file, in bytes, as far as it is known. */
  get maxSize(): number | undefined {
    return maxSizeOf(this.options(), this.#taken);
  }

  /** Why no file can be sent as things are, for people. */
  get problem(): string | undefined {
    return this.#problem ?? (this.#isSealedNotTaken ? this.texts().sealedNotTaken : undefined);
  }

  /** As the server says it. */
  learn(taken: Taken) {
    this.#taken = this.seals ? beforeSealing(taken) : taken;
  }

  /** Whether files can be sealed at all is known before there is one: what is wrong, if so. */
  async check(): Promise<StrongroomError | undefined> {
    const problem = await this.#sealer?.problem(this.texts());
    this.#problem = problem?.message;
    return problem;
  }

  /** Why a file may not come in. */
  refusal(size: number, type: string | undefined, category?: string): StrongroomError | undefined {
    if (this.#isSealedNotTaken) return new StrongroomError("unsupported_type", this.texts().sealedNotTaken);
    return refusalOf({ size, type, category }, this.options(), this.#taken, this.texts());
  }

  /** Seals a file, where files are sealed. */
  async seal(track: Track, onProgress: (done: number) => void): Promise<void> {
    if (!this.#sealer) return;
    const sealed = await this.#sealer.seal(track.file, this.texts(), onProgress, track.stop.signal);
    // It has grown by a little.
    const most = this.#taken.maxBytes(track.about?.category ?? this.options().category, [SEALED]);
    if (most !== undefined && sealed.size > most) throw tooLargeOf(most, this.texts());
    track.sealedFile = sealed;
  }

  /** The bytes that go out: where files are sealed, the sealed ones or none. */
  toSend(track: Track): File {
    if (!this.seals) return track.file;
    if (!track.sealedFile) throw new StrongroomError("cannot_seal", this.texts().cannotSeal);
    return track.sealedFile;
  }

  /** The media type it is announced as. */
  typeOf(track: Track): string {
    return this.seals ? SEALED : track.type;
  }

  get #isSealedNotTaken(): boolean {
    return this.seals && this.#taken.sealed === false;
  }
}
