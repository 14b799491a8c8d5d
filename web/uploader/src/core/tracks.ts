// The files of one uploader, in the order in which they were added.
import { pathOf } from "./picked.js";
import type { Tickets } from "./tickets.js";
import type { Track } from "./track.js";
import { ACTIVE } from "./types.js";

export class Tracks {
  #all = new Map<string, Track>();

  /** `changed` is called after each change. */
  constructor(private readonly changed: () => void) {}

  all(): Track[] {
    return [...this.#all.values()];
  }

  get(id: string): Track | undefined {
    return this.#all.get(id);
  }

  add(track: Track) {
    this.#all.set(track.id, track);
    this.changed();
  }

  /** Nothing where the file was taken away meanwhile. */
  change(id: string, change: Partial<Track>) {
    const track = this.#all.get(id);
    if (!track) return;
    Object.assign(track, change);
    this.changed();
  }

  remove(id: string) {
    this.#all.delete(id);
    this.changed();
  }

  clear() {
    this.#all.clear();
  }

  /** How many count towards the number that may be added. */
  counted(): number {
    return this.all().filter(({ phase }) => phase !== "refused" && phase !== "failed").length;
  }

  isSending(): boolean {
    return this.all().some(({ phase }) => ACTIVE.has(phase));
  }

  /** Whether an open upload is that of a file in here. */
  isUnderWay(uploadId: string): boolean {
    return this.all().some(({ open }) => open?.uploadId === uploadId);
  }

  /** The same file once more: chosen from the same place, for the same. */
  same(file: File, tickets: Tickets | undefined): Track | undefined {
    return this.all().find(
      (track) =>
        track.name === file.name &&
        track.size === file.size &&
        track.path === pathOf(file) &&
        track.file.lastModified === file.lastModified &&
        track.tickets === tickets &&
        track.phase !== "refused",
    );
  }
}
