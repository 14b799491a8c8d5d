// What is known of a file besides what is shown.
import type { StrongroomError } from "../client/index.js";
import type { Door, OpenUpload } from "./door.js";
import { Pace } from "./pace.js";
import { pathOf } from "./picked.js";
import type { Tickets } from "./tickets.js";
import type { Item, TicketWish } from "./types.js";

export interface Track extends Item {
  file: File;
  type: string;
  /** The file as it is sent, where it is sealed before. */
  sealedFile?: File | undefined;
  sha256?: string | undefined;
  door?: Door | undefined;
  open?: OpenUpload | undefined;
  error?: StrongroomError | undefined;
  /** What this one is and belongs to, where it was told of it alone. */
  about?: TicketWish | undefined;
  /** Its place in the folder that was chosen; empty for a file that was chosen by itself. */
  path: string;
  /** How tickets were got when it was chosen. */
  tickets?: Tickets | undefined;
  pace: Pace;
  /** Ends hashing and announcing. */
  stop: AbortController;
}

export function trackOf(id: string, file: File, type: string, tickets?: Tickets): Track {
  const { name, size } = file;
  const [stop, pace] = [new AbortController(), new Pace()];
  const path = pathOf(file);
  return { id, name, size, file, type, path, tickets, phase: "waiting", progress: 0, pace, stop };
}

/** What is shown of a file. */
export function shownOf(track: Track): Item {
  const { id, name, size, phase, progress, secondsLeft, message, retryable, document } = track;
  const sealed = track.sealedFile !== undefined;
  return { id, name, size, phase, progress, secondsLeft, message, retryable, document, sealed };
}
