// The uploads of one uploader: what is chosen, how far it is, what can be done with it. A page, React or
// not, subscribes and shows the snapshot.
import { type Document, StrongroomError } from "../client/index.js";
import { isAboutHalfSaid, isHalfSaid, latest, scopeOf, wishOf } from "./connection.js";
import { type Door, Doors, type OpenUpload } from "./door.js";
import { failureOf, hasEnded, isFinal, isOver, messageOf } from "./failure.js";
import { Hasher } from "./hash.js";
import { Intake } from "./intake.js";
import { Interrupted } from "./interrupted.js";
import { mismatchOf } from "./mismatch.js";
import { isLost, pathOf } from "./picked.js";
import { makePipeline, type Pipeline } from "./pipeline.js";
import { fullOf, mostOf } from "./refusal.js";
import { Resume, sameAbout, whenForgotten } from "./resume.js";
import { typeOf } from "./rules.js";
import type { Tickets } from "./tickets.js";
import { TEXTS, type Texts } from "./texts.js";
import { shownOf, type Track, trackOf } from "./track.js";
import {
  ACTIVE,
  type FailedFile,
  type Item,
  type Said,
  type Snapshot,
  type TicketWish,
  type UploadOptions,
} from "./types.js";

/** Files under way at once. */
const AT_ONCE = 4;
/** How much of what was said is kept: more than is said in one moment. */
const LINES = 20;

export class Uploads {
  #options: UploadOptions;
  /** What the uploads belong to, as it was said first and whole. */
  #whose: UploadOptions;
  #texts: Texts;
  #uppy: Pipeline;
  #doors: Doors;
  #resume: Resume;
  #hasher = new Hasher();
  #intake: Intake;
  #tracks = new Map<string, Track>();
  #interrupted: Interrupted;
  #queue: string[] = [];
  /** Files are added one after the other, also those of two drops. */
  #adding: Promise<void> = Promise.resolve();
  #gone = false;
  readonly #listening: () => void;
  #running = new Set<string>();
  #listeners = new Set<() => void>();
  #snapshot: Snapshot = { items: [], offline: false, full: false, said: "" };
  #lines: readonly Said[] = [];
  #saidSoFar = 0;
  #refusals = 0;
  #chosen = 0;
  #told = false;

  constructor(options: UploadOptions, texts: Texts = TEXTS) {
    this.#options = options;
    this.#whose = options;
    this.#texts = texts;
    this.#intake = new Intake(
      () => this.#options,
      () => this.#texts,
    );
    this.#uppy = makePipeline({
      prepare: (id) => this.#prepare(id),
      of: (id) => this.#under(id),
      finishing: (id) => this.#change(id, { phase: "finishing", progress: 1 }),
      finished: async (id, door, open) => this.#change(id, { document: await door.document(open) }),
    });
    this.#uppy.on("upload-progress", (file, { bytesUploaded, bytesTotal }) => {
      const track = file && this.#tracks.get(file.id);
      if (!track || track.phase !== "uploading" || !bytesTotal) return;
      const sent = Number(bytesUploaded);
      track.pace.note(sent);
      this.#change(track.id, { progress: sent / bytesTotal, secondsLeft: track.pace.left(bytesTotal) });
    });
    this.#uppy.on("upload-error", (file, error) => {
      if (file) void this.#fail(file.id, error);
    });
    this.#uppy.on("upload-success", (file) => file && this.#succeed(file.id));
    const wish = () => wishOf(this.#whose);
    this.#doors = new Doors(latest(() => this.#options), () => this.#options, wish);
    this.#resume = new Resume(
      () => scopeOf(this.#whose),
      () => this.#isResumable,
    );
    window.addEventListener("online", this.#connectionChanged);
    window.addEventListener("offline", this.#connectionChanged);
    window.addEventListener("beforeunload", this.#leaving);
    this.#interrupted = new Interrupted(this.#doors, this.#resume, {
      texts: () => this.#texts,
      changed: () => this.#tell(),
      isUnderWay: (uploadId) => this.#isUnderWay(uploadId),
      done: (name, document) => {
        this.#say(this.#texts.saidDone(name));
        this.#options.onUploadComplete?.(document);
      },
      failed: (error, file) => this.#notUploaded(error, file),
      interrupted: (name) => this.#say(this.#texts.saidInterrupted(name)),
    });
    this.#listening = whenForgotten(() => this.#interrupted.clear());
    this.#interrupted.recall();
    void this.#intake.check().then(() => this.#tell());
    // A ticket is made when there is a file for it.
    if (!this.#doors.tickets()) void this.#learn(undefined);
  }

  // What a page shows.

  readonly subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = () => this.#snapshot;

  // What a person does.

  /** Adds files; what may not come in is shown as refused and never sent. */
  add(files: readonly File[]): Promise<void> {
    // As it is now: when their turn comes the page may be about somebody else.
    const tickets = this.#doors.tickets();
    const added = this.#adding.then(() => this.#addAll([...files], tickets));
    this.#adding = added.catch(() => undefined);
    return added;
  }

  /**
   * Says what one file is and belongs to, in the place of what the uploader was told. Before it is sent, or
   * before it is tried again; what a ticket names stays as it is.
   */
  describe(id: string, about: TicketWish) {
    const track = this.#tracks.get(id);
    if (track?.phase !== "waiting" && track?.phase !== "failed") return;
    const isSame = sameAbout(track.about, about);
    track.about = about;
    if (isSame) return;
    // What is open already was announced as something else.
    if (track.open) void track.door?.abort(track.open);
    track.open = undefined;
    track.door = undefined;
  }

  /** Sends what waits to be sent. */
  start() {
    for (const track of this.#tracks.values()) {
      if (track.phase === "waiting" && !this.#queue.includes(track.id)) this.#queue.push(track.id);
    }
    this.#next();
  }

  pause(id: string) {
    const track = this.#tracks.get(id);
    if (track?.phase !== "uploading") return;
    this.#change(id, { phase: "paused" });
    this.#uppy.pauseResume(id);
    this.#say(this.#texts.saidPaused(track.name));
  }

  resume(id: string) {
    const track = this.#tracks.get(id);
    if (track?.phase !== "paused") return;
    track.pace.reset();
    this.#change(id, { phase: "uploading", secondsLeft: undefined });
    this.#uppy.pauseResume(id);
    this.#say(this.#texts.saidResumed(track.name));
  }

  retry(id: string) {
    if (this.#interrupted.retry(id)) return;
    if (this.#tracks.get(id)?.phase !== "failed") return;
    this.#change(id, { phase: "waiting", progress: 0, message: undefined, error: undefined });
    this.#queue.push(id);
    this.#next();
  }

  /** Cancels what is under way, and takes the file from the list. */
  remove(id: string) {
    if (this.#interrupted.discard(id)) return;
    const track = this.#tracks.get(id);
    if (!track) return;
    if (ACTIVE.has(track.phase)) this.#say(this.#texts.saidCancelled(track.name));
    this.#forget(track);
    if (track.open && track.phase !== "done") {
      this.#resume.drop(track.open.uploadId);
      void track.door?.abort(track.open);
    }
  }

  pauseAll() {
    for (const { id } of this.#snapshot.items) this.pause(id);
  }

  resumeAll() {
    for (const { id } of this.#snapshot.items) this.resume(id);
  }

  /** Cancels everything that is not done. */
  cancelAll() {
    for (const { id, phase } of this.#snapshot.items) if (phase !== "done") this.remove(id);
  }

  /** Takes from the list what has ended. */
  clear() {
    for (const { id, phase } of this.#snapshot.items) {
      if (phase === "done" || phase === "failed" || phase === "refused") this.remove(id);
    }
  }

  /**
   * New callbacks, a new token, another way to get tickets for the files that are chosen from now on; what the
   * uploads belong to stays, once it is said.
   */
  setOptions(options: UploadOptions, texts: Texts = TEXTS) {
    const before = this.#doors.tickets();
    if (isHalfSaid(this.#whose)) {
      this.#whose = options;
      // Whoever shows this calls here for what it shows: only what changed is told.
      if (!isHalfSaid(options)) this.#tell();
    }
    this.#options = options;
    this.#texts = texts;
    // Whoever gets tickets in another way may get them for another patient.
    if (this.#doors.tickets() !== before) {
      this.#interrupted.clear();
      this.#interrupted.recall();
    }
  }

  /** The page goes; what is under way stays open at the server, to be taken up again. */
  destroy() {
    window.removeEventListener("online", this.#connectionChanged);
    window.removeEventListener("offline", this.#connectionChanged);
    window.removeEventListener("beforeunload", this.#leaving);
    this.#gone = true;
    this.#listening();
    this.#listeners.clear();
    this.#interrupted.stop();
    for (const track of this.#tracks.values()) {
      track.stop.abort();
      const open = !this.#isResumable && track.phase !== "done" && track.open;
      if (open) void track.door?.abort(open);
    }
    this.#tracks.clear();
    this.#uppy.destroy();
    this.#hasher.stop();
  }

  // Inside.

  /** Sealed again it would be other bytes: there is nothing to go on with. */
  get #isResumable(): boolean {
    return this.#options.resumable !== false && !this.#intake.seals;
  }

  #counted(): number {
    const counts = ({ phase }: Track) => phase !== "refused" && phase !== "failed";
    return [...this.#tracks.values()].filter(counts).length;
  }

  #isUnderWay(uploadId: string): boolean {
    return [...this.#tracks.values()].some(({ open }) => open?.uploadId === uploadId);
  }

  async #addAll(files: readonly File[], tickets: Tickets | undefined) {
    let added = 0;
    for (const file of files) {
      if (this.#gone) return;
      try {
        if (await this.#addOne(file, tickets)) added += 1;
      } catch (error) {
        this.#refuse(file, failureOf(error, this.#texts));
      }
    }
    if (added > 0) this.#say(this.#texts.saidAdded(added));
  }

  /** The same file once more: chosen from the same place, for the same. */
  #find(file: File, tickets: Tickets | undefined): Track | undefined {
    return [...this.#tracks.values()].find(
      (track) =>
        track.name === file.name &&
        track.size === file.size &&
        track.path === pathOf(file) &&
        track.file.lastModified === file.lastModified &&
        track.tickets === tickets &&
        track.phase !== "refused",
    );
  }

  async #addOne(file: File, tickets: Tickets | undefined): Promise<boolean> {
    const same = this.#find(file, tickets);
    if (same) {
      if (same.phase !== "done" && same.phase !== "failed") return false;
      this.remove(same.id);
    }
    const type = await typeOf(file, this.#intake.types);
    const refusal = this.#refusalOf(file, type) ?? (await this.#intake.check());
    if (this.#gone) return false;
    if (refusal || !type) {
      if (refusal) this.#refuse(file, refusal);
      return false;
    }
    // Uppy takes files of one name, size and time for the same one; this tells them apart.
    this.#chosen += 1;
    const meta = { relativePath: `${this.#chosen}` };
    // Of a file that is to be sealed the pipeline never has the bytes as they were.
    const data = this.#intake.seals ? new Blob([]) : file;
    const id = this.#uppy.addFile({ name: file.name, type, data, meta });
    this.#tracks.set(id, trackOf(id, file, type, tickets));
    if (this.#options.autoStart !== false) this.start();
    this.#tell();
    return true;
  }

  /** Why a file that was chosen may not come in. */
  #refusalOf(file: File, type: string | undefined): StrongroomError | undefined {
    if (isLost(file)) return new StrongroomError("unreadable", this.#texts.unreadable);
    return (
      this.#nowhere() ??
      fullOf(this.#counted(), this.#options, this.#texts) ??
      this.#intake.refusal(file.size, type)
    );
  }

  /** What was sent while it is not known whose it is would be found with nobody. */
  #nowhere(isHalf = isHalfSaid(this.#whose)): StrongroomError | undefined {
    return isHalf ? new StrongroomError("no_entity", this.#texts.nowhere) : undefined;
  }

  /** Learns what may come in, and shows it. */
  async #learn(tickets: Tickets | undefined) {
    this.#intake.learn(await this.#doors.taken(tickets));
    this.#tell();
  }

  #refuse(file: File, error: StrongroomError) {
    this.#refusals += 1;
    const id = `refused-${this.#refusals}`;
    const message = this.#notUploaded(error, file);
    this.#tracks.set(id, { ...trackOf(id, file, ""), phase: "refused", message });
  }

  /** Starts what waits, as far as there is room. */
  #next() {
    while (this.#running.size < AT_ONCE) {
      const id = this.#queue.shift();
      if (id === undefined) return;
      if (this.#tracks.get(id)?.phase !== "waiting") continue;
      this.#running.add(id);
      this.#change(id, { phase: "checking", progress: 0 });
      // Runs this one file through the pipeline, for the first time or again.
      this.#uppy.retryUpload(id).catch(() => undefined);
    }
  }

  /** Another may go: this one ended or rests. */
  #release(id: string) {
    if (this.#running.delete(id)) this.#next();
  }

  #under(id: string): { door: Door; open: OpenUpload } {
    const { door, open } = this.#tracks.get(id) ?? {};
    if (!door || !open) throw new DOMException("The file was taken away.", "AbortError");
    return { door, open };
  }

  /** Before the first byte: what the file is, and leave to send it. */
  async #prepare(id: string): Promise<{ open: OpenUpload; bytes: Blob }> {
    const track = this.#tracks.get(id);
    if (!track) throw new DOMException("The file was taken away.", "AbortError");
    try {
      const open = await this.#announce(track);
      track.pace.reset();
      this.#change(id, { phase: "uploading", progress: 0, secondsLeft: undefined });
      return { open, bytes: this.#intake.toSend(track) };
    } catch (error) {
      void this.#fail(id, error);
      throw error;
    }
  }

  async #announce(track: Track): Promise<OpenUpload> {
    const { signal } = track.stop;
    if (track.open && track.door) return track.open;
    const nowhere = this.#nowhere(isHalfSaid(this.#whose) || isAboutHalfSaid(track.about));
    if (nowhere) throw nowhere;
    await this.#learn(track.tickets);
    signal.throwIfAborted();
    const scope = await this.#doors.scope(track.tickets);
    // What a reload interrupted was let in before, and goes on with the ticket it began with.
    const refusal = this.#intake.refusal(track.size, track.type, track.about?.category);
    if (refusal && !this.#resume.expects(track, scope)) throw refusal;
    if (this.#intake.seals && !track.sealedFile) await this.#seal(track);
    const file = this.#intake.toSend(track);
    const onProgress = (done: number) => this.#change(track.id, { progress: done / file.size });
    track.sha256 ??= await this.#hasher.hash(file, onProgress, signal);
    const { name, size } = file;
    const { sha256, about } = track;
    const kept = await this.#goOn({ sha256, size, about }, scope);
    signal.throwIfAborted();
    if (kept) {
      Object.assign(track, kept);
      return kept.open;
    }
    const type = this.#intake.typeOf(track);
    const { supersedes, temporary } = this.#options;
    const created = await this.#doors.create(
      {
        filename: name,
        type,
        metadata: {
          ...about,
          ...(supersedes && { supersedes }),
          ...(temporary && { temporary: "true" }),
          size,
          sha256,
        },
      },
      track.tickets,
      signal,
    );
    const { door, open } = created;
    if (signal.aborted) {
      void door.abort(open);
      signal.throwIfAborted();
    }
    Object.assign(track, { door, open });
    this.#resume.keep({ ticket: door.ticket, ...open, name, size, sha256, about }, created.scope);
    return open;
  }

  /** Once: what is tried again is the same bytes. */
  async #seal(track: Track) {
    this.#change(track.id, { phase: "sealing", progress: 0 });
    await this.#intake.seal(track, (done) => this.#change(track.id, { progress: done / track.size }));
    this.#change(track.id, { phase: "checking", progress: 0 });
  }

  /** The upload of the same bytes for the same patient that a reload interrupted, if the server still has it. */
  async #goOn(bytes: Parameters<Resume["find"]>[0], scope: string | undefined) {
    const kept = this.#resume.find(bytes, scope);
    if (!kept || this.#isUnderWay(kept.uploadId)) return;
    const { uploadId, key, ticket } = kept;
    const open = { uploadId, key };
    const door = this.#doors.again(ticket);
    try {
      await door.sent(open);
    } catch (error) {
      if (!(error instanceof StrongroomError) || !isOver(error, door)) throw error;
      this.#resume.drop(uploadId);
      return undefined;
    } finally {
      this.#interrupted.taken(uploadId);
    }
    return { door, open };
  }

  #succeed(id: string) {
    const track = this.#tracks.get(id);
    if (!track) return;
    if (track.open) this.#resume.drop(track.open.uploadId);
    this.#change(id, { phase: "done", progress: 1, message: undefined });
    this.#say(this.#texts.saidDone(track.name));
    this.#release(id);
    this.#sayEnd();
    if (track.document) this.#options.onUploadComplete?.(track.document as Document);
  }

  async #fail(id: string, cause: unknown) {
    const track = this.#tracks.get(id);
    // The pipeline tells what #prepare told already.
    if (!track || track.stop.signal.aborted || track.error) return;
    const error = failureOf(cause, this.#texts);
    track.error = error;
    if (hasEnded(error, track.door)) {
      if (track.open) this.#resume.drop(track.open.uploadId);
      track.open = undefined;
      track.door = undefined;
    }
    const message = await this.#messageOf(error, track);
    if (track.stop.signal.aborted) return;
    this.#notUploaded(error, track, message);
    this.#change(id, { phase: "failed", message, retryable: !isFinal(error) });
    this.#release(id);
    this.#sayEnd();
  }

  async #messageOf(error: StrongroomError, track: Track): Promise<string> {
    if (error.code === "content_mismatch") {
      return mismatchOf(track, this.#options.accept, this.#intake.types, this.#texts);
    }
    // Where a ticket says nothing of limits, the server is the first to say it.
    const own = this.#intake.seals && error.code === "unsupported_type" && error.status > 0;
    return own ? this.#texts.sealedNotTaken : messageOf(error, this.#texts);
  }

  /** Says that a file did not make it, to people and to the app; what is shown of it. */
  #notUploaded(
    error: StrongroomError,
    { name, size }: Pick<FailedFile, "name" | "size">,
    message = messageOf(error, this.#texts),
  ): string {
    this.#say(this.#texts.saidFailed(name, message));
    this.#options.onError?.(error, { name, size, message });
    return message;
  }

  /** Takes a file from the list and ends what is under way in the page. */
  #forget(track: Track) {
    track.stop.abort();
    this.#tracks.delete(track.id);
    if (this.#uppy.getFile(track.id)) this.#uppy.removeFile(track.id);
    this.#release(track.id);
    this.#tell();
  }

  readonly #connectionChanged = () => {
    if (navigator.onLine) {
      for (const { id, error } of [...this.#tracks.values()]) {
        if (error?.code === "unreachable") this.retry(id);
      }
      this.#interrupted.online();
    }
    this.#tell();
  };

  /** The browser asks before it leaves a page that is sending. */
  readonly #leaving = (event: BeforeUnloadEvent) => {
    const sending = [...this.#tracks.values()].some((track) => ACTIVE.has(track.phase));
    if (sending) event.preventDefault();
  };

  #change(id: string, change: Partial<Track>) {
    const track = this.#tracks.get(id);
    if (!track) return;
    Object.assign(track, change);
    if (change.phase === "paused") this.#release(id);
    this.#tell();
  }

  #say(text: string) {
    this.#saidSoFar += 1;
    this.#lines = [...this.#lines, { id: this.#saidSoFar, text }].slice(-LINES);
    this.#tell();
  }

  /** Where there were several files: how it went, once nothing is under way any more. */
  #sayEnd() {
    const all = [...this.#tracks.values()];
    if (this.#running.size > 0 || all.some(({ phase }) => ACTIVE.has(phase))) return;
    const done = all.filter(({ phase }) => phase === "done").length;
    const wrong = all.filter(({ phase }) => phase === "failed" || phase === "refused").length;
    if (done + wrong < 2) return;
    const { allDone, someFailed } = this.#texts;
    this.#say([done > 0 && allDone(done), wrong > 0 && someFailed(wrong)].filter(Boolean).join(" · "));
  }

  /** Tells whoever shows this, once for all that changes in a moment. */
  #tell() {
    if (this.#told) return;
    this.#told = true;
    queueMicrotask(() => {
      this.#told = false;
      this.#snapshot = this.#look();
      for (const listener of this.#listeners) listener();
    });
  }

  #look(): Snapshot {
    const tracks = [...this.#tracks.values()];
    const items = tracks.map(shownOf);
    return {
      items: [...withoutChosen(this.#interrupted.items(), tracks), ...items],
      offline: !navigator.onLine,
      full: this.#counted() >= mostOf(this.#options),
      types: this.#intake.types,
      maxSize: this.#intake.maxSize,
      problem: this.#nowhere()?.message ?? this.#intake.problem,
      said: this.#lines.at(-1)?.text ?? "",
      lines: this.#lines,
    };
  }
}

/** What was interrupted, without what is there again as a file that was chosen: one for one. */
function withoutChosen(interrupted: Item[], tracks: Track[]): Item[] {
  const isEnded = ({ phase }: Track) => phase === "done" || phase === "refused";
  const chosen = tracks.filter((track) => !track.open && !isEnded(track));
  return interrupted.filter((item) => {
    const at = chosen.findIndex((track) => track.name === item.name && track.size === item.size);
    if (at >= 0) chosen.splice(at, 1);
    return at < 0;
  });
}
