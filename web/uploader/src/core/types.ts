// What an uploader is told and what it shows; no page and no network in it.
import type { Connection, Document, StrongroomError } from "../client/index.js";
import type { Types } from "./rules.js";
import type { Limits } from "./taken.js";

/** The categories a document can have. */
export const CATEGORIES = [
  "medical-records",
  "prescriptions",
  "lab-results",
  "imaging",
  "insurance",
  "consent-forms",
  "intake-forms",
  "invoices",
  "other",
] as const;
export type Category = (typeof CATEGORIES)[number];

/** Leave to upload, as `POST /api/uppy/tickets` answers it. */
export interface Ticket {
  companionEndpoint: string;
  expiresAt?: string | undefined;
  /**
   * One word of the server for what the ticket is for. Without it nothing goes on after a reload: the page could not
   * tell one patient's uploads from another's.
   */
  scope?: string | undefined;
  /** What may come in, since a ticket itself reads nothing. */
  limits?: Limits | undefined;
}

/** What a ticket is asked for. */
export interface TicketWish {
  patientId?: string;
  category?: Category;
  entityType?: string;
  entityId?: string;
}

/** How an uploader says who is uploading: a ticket, a token, or the page's cookie. */
export interface UploadConnection extends Connection {
  /** An address of your app that answers a ticket to `POST` of what it is to be for. */
  ticketUrl?: string | undefined;
  /**
   * How to get a ticket, where an address is not enough. A file is sent with one that was got as it stood when the
   * file was chosen. One ticket serves many files while this stays the same function.
   */
  getTicket?: ((wish: TicketWish) => Promise<Ticket>) | undefined;
}

/** A file that did not make it. */
export interface FailedFile {
  name: string;
  size: number;
  /** What the person is shown. */
  message: string;
}

export interface UploadOptions extends UploadConnection {
  /** What the documents are. With a ticket that names it, it may be left out. */
  category?: Category | undefined;
  /** What they belong to: `patient`, `provider`, `appointment`, … */
  entityType?: string | undefined;
  /** The id of that. */
  entityId?: string | undefined;
  /** Whether several files can be chosen; true when left out. */
  multiple?: boolean | undefined;
  /** How many files at most. */
  maxFiles?: number | undefined;
  /** The largest file in bytes that is tried; the server's own limit holds anyway. */
  maxSize?: number | undefined;
  /** Media types or extensions that may come, of those the server takes: `["application/pdf", ".dcm"]`. */
  accept?: readonly string[] | undefined;
  /** Whether a file is sent as soon as it is chosen; true when left out. */
  autoStart?: boolean | undefined;
  /**
   * Public keys of age (`age1…`) that every file is sealed for in the browser before it is sent. Nothing: files are
   * sent as they are. Anything else that is no key, also an empty text: nothing is sent.
   */
  sealFor?: string | readonly string[] | undefined;
  /** The document that the upload is to replace. */
  supersedes?: string | undefined;
  /** Whether the documents may be cleaned up on their own. */
  temporary?: boolean | undefined;
  /** Whether what a reload interrupts can be taken up again in this tab; true when left out. */
  resumable?: boolean | undefined;
  /** Told of each document when it is there. */
  onUploadComplete?: ((document: Document) => void) | undefined;
  /** Told of each file that did not make it: `error` has the server's words, `file.message` what is shown. */
  onError?: ((error: StrongroomError, file: FailedFile) => void) | undefined;
}

/**
 * Where a file stands.
 *
 *     waiting → (sealing) → checking → uploading ⇄ paused → finishing → done
 *                   └──────────┴──────────┴───────────────────┴──────→ failed → (retry)
 *     refused: never sent          interrupted: by a reload; goes on when the file is chosen again
 */
export type Phase =
  | "waiting"
  | "sealing"
  | "checking"
  | "uploading"
  | "paused"
  | "finishing"
  | "done"
  | "failed"
  | "refused"
  | "interrupted";

/** A file as it is shown. */
export interface Item {
  id: string;
  name: string;
  size: number;
  phase: Phase;
  /** 0 to 1, of the phase. */
  progress: number;
  /** Seconds it will still take, where that can be said. */
  secondsLeft?: number | undefined;
  /** Why it failed or was refused, for people. */
  message?: string | undefined;
  /** Whether trying again makes sense. */
  retryable?: boolean | undefined;
  document?: Document | undefined;
  /** Whether it is sealed. */
  sealed?: boolean | undefined;
}

export interface Snapshot {
  items: readonly Item[];
  /** Whether the browser has no connection; uploads wait for it. */
  offline: boolean;
  /** Whether no more files fit. */
  full: boolean;
  /** What may come in: media types, before anything is known those of the contract; and the largest file in bytes. */
  types?: Types | undefined;
  maxSize?: number | undefined;
  /** Why no file can be sent as things are, for people. */
  problem?: string | undefined;
  /** What people are to know of files for something else than the page is about now. */
  notes?: readonly string[] | undefined;
  /** What a screen reader is to say now: the last of what was said. */
  said: string;
  /** What was said lately, so that of two things in one moment none is lost, and the same can be said twice. */
  lines?: readonly Said[] | undefined;
}

/** A sentence for screen readers; no two have the same id. */
export interface Said {
  id: number;
  text: string;
}

export const ACTIVE: ReadonlySet<Phase> = new Set([
  "sealing",
  "checking",
  "uploading",
  "paused",
  "finishing",
]);
