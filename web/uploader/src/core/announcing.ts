// Before the first byte of a file: sealed where it is to be, hashed, and an upload open at the server, a new one or the
// one that a reload interrupted.
import { StrongroomError } from "../client/index.js";
import type { Door, Doors, OpenUpload } from "./door.js";
import { isOver } from "./failure.js";
import type { Given } from "./given.js";
import type { Hasher } from "./hash.js";
import type { Intake } from "./intake.js";
import type { Resume } from "./resume.js";
import type { Track } from "./track.js";
import type { Tracks } from "./tracks.js";
import type { Tickets } from "./tickets.js";

/** Who is told of it. */
export interface Host {
  /** What may come in is known (again). */
  learned(): void;
  /** What a reload interrupted goes on, or cannot. */
  taken(uploadId: string): void;
}

export class Announcing {
  constructor(
    private readonly given: Given,
    private readonly tracks: Tracks,
    private readonly intake: Intake,
    private readonly doors: Doors,
    private readonly resume: Resume,
    private readonly hasher: Hasher,
    private readonly host: Host,
  ) {}

  /** Learns what may come in. */
  async learn(tickets: Tickets | undefined) {
    this.intake.learn(await this.doors.taken(tickets));
    this.host.learned();
  }

  /** The file's upload, with leave to send its parts. */
  async open(track: Track): Promise<OpenUpload> {
    const { signal } = track.stop;
    if (track.open && track.door) return track.open;
    const nowhere = this.given.nowhere(track.about);
    if (nowhere) throw nowhere;
    await this.learn(track.tickets);
    signal.throwIfAborted();
    const scope = await this.doors.scope(track.tickets);
    // What a reload interrupted was let in before, and goes on with the ticket it began with.
    const refusal = this.intake.refusal(track.size, track.type, track.about?.category);
    if (refusal && !this.resume.expects(track, scope)) throw refusal;
    if (this.intake.seals && !track.sealedFile) await this.#seal(track);
    const sha256 = await this.#hash(track);
    const kept = await this.#goOn(track, sha256, scope);
    signal.throwIfAborted();
    const { door, open } = kept ?? (await this.#create(track, sha256));
    Object.assign(track, { door, open });
    return open;
  }

  /** Once: what is tried again is the same bytes. */
  async #seal(track: Track) {
    this.tracks.change(track.id, { phase: "sealing", progress: 0 });
    await this.intake.seal(track, (done) => this.tracks.change(track.id, { progress: done / track.size }));
    this.tracks.change(track.id, { phase: "checking", progress: 0 });
  }

  async #hash(track: Track): Promise<string> {
    const file = this.intake.toSend(track);
    const onProgress = (done: number) => this.tracks.change(track.id, { progress: done / file.size });
    track.sha256 ??= await this.hasher.hash(file, onProgress, track.stop.signal);
    return track.sha256;
  }

  /** The upload of the same bytes for the same patient that a reload interrupted, if the server still has it. */
  async #goOn(track: Track, sha256: string, scope: string | undefined) {
    const { name, size } = this.intake.toSend(track);
    const kept = this.resume.find({ name, sha256, size, about: track.about }, scope);
    if (!kept || this.tracks.isUnderWay(kept.uploadId)) return undefined;
    const { uploadId, key, ticket } = kept;
    const open = { uploadId, key };
    const door = this.doors.again(ticket);
    try {
      await door.sent(open);
    } catch (error) {
      if (!(error instanceof StrongroomError) || !isOver(error, door)) throw error;
      this.resume.drop(uploadId);
      return undefined;
    } finally {
      this.host.taken(uploadId);
    }
    return { door, open };
  }

  async #create(track: Track, sha256: string): Promise<{ door: Door; open: OpenUpload }> {
    const { signal } = track.stop;
    const { name, size } = this.intake.toSend(track);
    const { about } = track;
    const { supersedes, temporary } = this.given.options;
    const metadata = {
      ...about,
      ...(supersedes && { supersedes }),
      ...(temporary && { temporary: "true" }),
      size,
      sha256,
    };
    const announced = { filename: name, type: this.intake.typeOf(track), metadata };
    const { door, open, scope } = await this.doors.create(announced, track.tickets, signal);
    if (signal.aborted) {
      void door.abort(open);
      signal.throwIfAborted();
    }
    this.resume.keep({ ticket: door.ticket, ...open, name, size, sha256, about }, scope);
    return { door, open };
  }
}
