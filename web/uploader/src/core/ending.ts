// How a file ends: as a document, or not, with why; said to people and told to the app.
import type { Document, StrongroomError } from "../client/index.js";
import { failureOf, hasEnded, isFinal, messageOf } from "./failure.js";
import type { Given } from "./given.js";
import type { Intake } from "./intake.js";
import { mismatchOf } from "./mismatch.js";
import type { Resume } from "./resume.js";
import type { Speech } from "./speech.js";
import type { Track } from "./track.js";
import type { Tracks } from "./tracks.js";
import type { Turns } from "./turns.js";
import type { FailedFile } from "./types.js";

export class Ending {
  constructor(
    private readonly given: Given,
    private readonly tracks: Tracks,
    private readonly intake: Intake,
    private readonly resume: Resume,
    private readonly turns: Turns,
    private readonly speech: Speech,
  ) {}

  succeed(id: string) {
    const track = this.tracks.get(id);
    if (!track) return;
    if (track.open) this.resume.drop(track.open.uploadId);
    this.tracks.change(id, { phase: "done", progress: 1, message: undefined });
    this.speech.say(this.given.texts.saidDone(track.name));
    this.turns.end(id);
    this.#sayEnd();
    if (track.document) this.given.options.onUploadComplete?.(track.document as Document);
  }

  async fail(id: string, cause: unknown) {
    const track = this.tracks.get(id);
    // The pipeline tells what was told already when the file was announced.
    if (!track || track.stop.signal.aborted || track.error) return;
    const error = failureOf(cause, this.given.texts);
    track.error = error;
    if (hasEnded(error, track.door)) {
      if (track.open) this.resume.drop(track.open.uploadId);
      track.open = undefined;
      track.door = undefined;
    }
    const message = await this.#messageOf(error, track);
    if (track.stop.signal.aborted) return;
    this.notUploaded(error, track, message);
    this.tracks.change(id, { phase: "failed", message, retryable: !isFinal(error) });
    this.turns.end(id);
    this.#sayEnd();
  }

  /** Says that a file did not make it, to people and to the app; what is shown of it. */
  notUploaded(
    error: StrongroomError,
    { name, size }: Pick<FailedFile, "name" | "size">,
    message = messageOf(error, this.given.texts),
  ): string {
    this.speech.say(this.given.texts.saidFailed(name, message));
    this.given.options.onError?.(error, { name, size, message });
    return message;
  }

  async #messageOf(error: StrongroomError, track: Track): Promise<string> {
    const { options, texts } = this.given;
    if (error.code === "content_mismatch") {
      return mismatchOf(track, options.accept, this.intake.types, texts);
    }
    // Where a ticket says nothing of limits, the server is the first to say it.
    const own = this.intake.seals && error.code === "unsupported_type" && error.status > 0;
    return own ? texts.sealedNotTaken : messageOf(error, texts);
  }

  /** Where there were several files: how it went, once nothing is under way any more. */
  #sayEnd() {
    if (!this.turns.areOver || this.tracks.isSending()) return;
    const all = this.tracks.all();
    const done = all.filter(({ phase }) => phase === "done").length;
    const wrong = all.filter(({ phase }) => phase === "failed" || phase === "refused").length;
    if (done + wrong < 2) return;
    const { allDone, someFailed } = this.given.texts;
    this.speech.say([done > 0 && allDone(done), wrong > 0 && someFailed(wrong)].filter(Boolean).join(" · "));
  }
}
