// The uploads of one uploader: what is chosen, how far it is, what can be done with it. A page, React or
// not, subscribes and shows the snapshot.
import { Adding } from "./adding.js";
import { Announcing } from "./announcing.js";
import { latest } from "./connection.js";
import { type Door, Doors, type OpenUpload } from "./door.js";
import { Elsewhere } from "./elsewhere.js";
import { Ending } from "./ending.js";
import { Given } from "./given.js";
import { Hasher } from "./hash.js";
import { Intake } from "./intake.js";
import { Interrupted } from "./interrupted.js";
import { LeftBehind } from "./left-behind.js";
import { watchPage } from "./page-events.js";
import { makePipeline, type Pipeline } from "./pipeline.js";
import { mostOf } from "./refusal.js";
import { isKept, Resume, sameAbout, whenForgotten } from "./resume.js";
import { Speech } from "./speech.js";
import { Telling } from "./telling.js";
import type { Texts } from "./texts.js";
import { shownOf, type Track } from "./track.js";
import { Tracks } from "./tracks.js";
import { Turns } from "./turns.js";
import { ACTIVE, type Item, type Snapshot, type TicketWish, type UploadOptions } from "./types.js";

const NOTHING: Snapshot = { items: [], offline: false, full: false, said: "" };

export class Uploads {
  #given: Given;
  #telling = new Telling<Snapshot>(() => this.#look(), NOTHING);
  #speech = new Speech(this.#telling.tell);
  #tracks = new Tracks(this.#telling.tell);
  #elsewhere = new Elsewhere(this.#tracks, this.#telling.tell);
  #hasher = new Hasher();
  #intake: Intake;
  #doors: Doors;
  #resume: Resume;
  #interrupted: Interrupted;
  #leftBehind: LeftBehind;
  #pipeline: Pipeline;
  #turns: Turns;
  #adding: Adding;
  #announcing: Announcing;
  #ending: Ending;
  #isGone = false;
  /** Ends listening to what is around. */
  #listening: (() => void)[];

  constructor(options: UploadOptions, texts?: Texts) {
    const given = new Given(options, texts);
    this.#given = given;
    this.#intake = new Intake(
      () => given.options,
      () => given.texts,
    );
    this.#doors = new Doors(
      latest(() => given.options),
      () => given.options,
      () => given.wish(),
    );
    this.#resume = new Resume(
      () => given.page(),
      () => this.#isResumable,
    );
    this.#leftBehind = new LeftBehind(given.page());
    this.#pipeline = this.#makePipeline();
    this.#turns = new Turns(this.#tracks, (id) => this.#begin(id));
    this.#ending = new Ending(given, this.#tracks, this.#intake, this.#resume, this.#turns, this.#speech);
    this.#interrupted = this.#makeInterrupted();
    this.#announcing = new Announcing(given, this.#tracks, this.#intake, this.#doors, this.#resume, this.#hasher, {
      learned: this.#telling.tell,
      taken: (uploadId) => this.#interrupted.taken(uploadId),
    });
    this.#adding = new Adding(given, this.#tracks, this.#intake, this.#pipeline, {
      added: () => given.options.autoStart !== false && this.start(),
      allAdded: (count) => this.#speech.say(given.texts.saidAdded(count)),
      refused: (error, file) => this.#ending.notUploaded(error, file),
      remove: (id) => this.remove(id),
      isGone: () => this.#isGone,
    });
    this.#listening = [
      watchPage({
        connectionChanged: () => this.#connectionChanged(),
        isSending: () => this.#tracks.isSending(),
      }),
      whenForgotten(() => this.#forgotten()),
    ];
    this.#interrupted.recall();
    void this.#intake.check().then(this.#telling.tell);
    // A ticket is made when there is a file for it.
    if (!this.#doors.tickets()) void this.#announcing.learn(undefined);
  }

  // What a page shows.

  readonly subscribe = this.#telling.subscribe;
  readonly snapshot = this.#telling.snapshot;

  // What a person does.

  /** Adds files; what may not come in is shown as refused and never sent. */
  add(files: readonly File[]): Promise<void> {
    this.#leftBehind.clear();
    // As it is now: when their turn comes the page may be about somebody else.
    return this.#adding.add(files, this.#doors.tickets());
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
    for (const { id, phase } of this.#tracks.all()) if (phase === "waiting") this.#turns.ask(id);
  }

  pause(id: string) {
    const track = this.#tracks.get(id);
    if (track?.phase !== "uploading") return;
    this.#tracks.change(id, { phase: "paused" });
    this.#turns.end(id);
    this.#pipeline.pauseResume(id);
    this.#speech.say(this.#given.texts.saidPaused(track.name));
  }

  resume(id: string) {
    const track = this.#tracks.get(id);
    if (track?.phase !== "paused") return;
    track.pace.reset();
    this.#tracks.change(id, { phase: "uploading", secondsLeft: undefined });
    this.#pipeline.pauseResume(id);
    this.#speech.say(this.#given.texts.saidResumed(track.name));
  }

  retry(id: string) {
    if (this.#interrupted.retry(id)) return;
    if (this.#tracks.get(id)?.phase !== "failed") return;
    this.#tracks.change(id, { phase: "waiting", progress: 0, message: undefined, error: undefined });
    this.#turns.ask(id);
  }

  /** Cancels what is under way, and takes the file from the list. */
  remove(id: string) {
    if (this.#interrupted.discard(id)) return;
    const track = this.#tracks.get(id);
    if (!track) return;
    if (ACTIVE.has(track.phase)) this.#speech.say(this.#given.texts.saidCancelled(track.name));
    this.#forget(track);
    if (track.open && track.phase !== "done") {
      this.#resume.drop(track.open.uploadId);
      void track.door?.abort(track.open);
    }
  }

  pauseAll() {
    for (const { id } of this.snapshot().items) this.pause(id);
  }

  resumeAll() {
    for (const { id } of this.snapshot().items) this.resume(id);
  }

  /** Cancels everything that is not done. */
  cancelAll() {
    for (const { id, phase } of this.snapshot().items) if (phase !== "done") this.remove(id);
  }

  /** Takes from the list what has ended. */
  clear() {
    for (const { id, phase } of this.snapshot().items) {
      if (phase === "done" || phase === "failed" || phase === "refused") this.remove(id);
    }
  }

  /**
   * New callbacks, a new token, another way to get tickets for the files that are chosen from now on; what the
   * uploads belong to stays, once it is said.
   */
  setOptions(options: UploadOptions, texts?: Texts) {
    const before = this.#doors.tickets();
    // Whoever shows this calls here for what it shows: only what changed is told.
    if (this.#given.take(options, texts)) this.#telling.tell();
    // Whoever gets tickets in another way may get them for another patient.
    if (this.#doors.tickets() !== before) {
      this.#interrupted.clear();
      this.#interrupted.recall();
      this.#elsewhere.compare(this.#doors.tickets());
    }
  }

  /** The page goes; what is under way stays open at the server, to be taken up again. */
  destroy() {
    this.#isGone = true;
    for (const end of this.#listening) end();
    this.#telling.stop();
    this.#interrupted.stop();
    this.#elsewhere.stop();
    this.#leftBehind.leave(this.#unfinished());
    for (const track of this.#tracks.all()) {
      track.stop.abort();
      const open = !this.#isResumable && track.phase !== "done" && track.open;
      if (open) void track.door?.abort(open);
    }
    this.#tracks.clear();
    this.#pipeline.destroy();
    this.#hasher.stop();
  }

  // Inside.

  /** Sealed again it would be other bytes: there is nothing to go on with. */
  get #isResumable(): boolean {
    return this.#given.options.resumable !== false && !this.#intake.seals;
  }

  #makePipeline(): Pipeline {
    const pipeline = makePipeline({
      prepare: (id) => this.#prepare(id),
      of: (id) => this.#under(id),
      finishing: (id) => this.#tracks.change(id, { phase: "finishing", progress: 1 }),
      finished: async (id, door, open) => this.#tracks.change(id, { document: await door.document(open) }),
    });
    pipeline.on("upload-progress", (file, { bytesUploaded, bytesTotal }) => {
      if (file && bytesTotal) this.#progressed(file.id, Number(bytesUploaded), bytesTotal);
    });
    pipeline.on("upload-error", (file, error) => {
      if (file) void this.#ending.fail(file.id, error);
    });
    pipeline.on("upload-success", (file) => file && this.#ending.succeed(file.id));
    return pipeline;
  }

  #makeInterrupted(): Interrupted {
    return new Interrupted(this.#doors, this.#resume, {
      texts: () => this.#given.texts,
      changed: this.#telling.tell,
      isUnderWay: (uploadId) => this.#tracks.isUnderWay(uploadId),
      done: (name, document) => {
        this.#speech.say(this.#given.texts.saidDone(name));
        this.#given.options.onUploadComplete?.(document);
      },
      failed: (error, file) => this.#ending.notUploaded(error, file),
      interrupted: (name) => this.#speech.say(this.#given.texts.saidInterrupted(name)),
    });
  }

  /** What goes with the page. */
  #unfinished() {
    const page = this.#given.page();
    return this.#tracks.all().flatMap(({ phase, open }) => {
      if (phase !== "waiting" && !ACTIVE.has(phase)) return [];
      const goesOn = this.#isResumable && open && isKept(open.uploadId);
      return [{ page, ...(goesOn && { uploadId: open.uploadId }) }];
    });
  }

  #forgotten() {
    this.#leftBehind.clear();
    this.#interrupted.clear();
  }

  /** Runs this one file through the pipeline, for the first time or again. */
  #begin(id: string) {
    this.#tracks.change(id, { phase: "checking", progress: 0 });
    this.#pipeline.retryUpload(id).catch(() => undefined);
  }

  /** Before the first byte: what the file is, and leave to send it. */
  async #prepare(id: string): Promise<{ open: OpenUpload; bytes: Blob }> {
    const track = this.#tracks.get(id);
    if (!track) throw takenAway();
    try {
      const open = await this.#announcing.open(track);
      track.pace.reset();
      this.#tracks.change(id, { phase: "uploading", progress: 0, secondsLeft: undefined });
      return { open, bytes: this.#intake.toSend(track) };
    } catch (error) {
      void this.#ending.fail(id, error);
      throw error;
    }
  }

  #under(id: string): { door: Door; open: OpenUpload } {
    const { door, open } = this.#tracks.get(id) ?? {};
    if (!door || !open) throw takenAway();
    return { door, open };
  }

  #progressed(id: string, sent: number, size: number) {
    const track = this.#tracks.get(id);
    if (track?.phase !== "uploading") return;
    track.pace.note(sent);
    this.#tracks.change(id, { progress: sent / size, secondsLeft: track.pace.left(size) });
  }

  /** Takes a file from the list and ends what is under way in the page. */
  #forget(track: Track) {
    track.stop.abort();
    this.#tracks.remove(track.id);
    if (this.#pipeline.getFile(track.id)) this.#pipeline.removeFile(track.id);
    this.#turns.end(track.id);
  }

  #connectionChanged() {
    if (navigator.onLine) {
      for (const { id, error } of this.#tracks.all()) if (error?.code === "unreachable") this.retry(id);
      this.#interrupted.online();
    }
    this.#telling.tell();
  }

  #notes(): string[] {
    const { texts } = this.#given;
    const elsewhere = this.#elsewhere.count();
    return [...this.#leftBehind.notes(texts), ...(elsewhere > 0 ? [texts.goesElsewhere(elsewhere)] : [])];
  }

  #look(): Snapshot {
    const tracks = this.#tracks.all();
    return {
      items: [...withoutChosen(this.#interrupted.items(), tracks), ...tracks.map(shownOf)],
      offline: !navigator.onLine,
      full: this.#tracks.counted() >= mostOf(this.#given.options),
      types: this.#intake.types,
      maxSize: this.#intake.maxSize,
      problem: this.#given.nowhere()?.message ?? this.#intake.problem,
      notes: this.#notes(),
      said: this.#speech.last,
      lines: this.#speech.lines,
    };
  }
}

const takenAway = () => new DOMException("The file was taken away.", "AbortError");

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
