// The types of the one-file bundle (dist/elements.js), whose code vite.elements.config.ts makes of
// elements/bundle.ts. Importing it defines the two elements.
import type { Connection, Document, Lazy, StrongroomError } from "./client/index.js";
import type { Texts } from "./core/texts.js";
import type { FailedFile, Ticket, TicketWish } from "./core/types.js";

export { forgetUploads } from "./core/resume.js";

export interface StrongroomUploaderElement extends HTMLElement {
  token: Lazy<string | undefined> | undefined;
  headers: Connection["headers"];
  getTicket: ((wish: TicketWish) => Promise<Ticket>) | undefined;
  texts: Partial<Texts> | undefined;
}

export interface StrongroomPatientRecordsElement extends HTMLElement {
  token: Lazy<string | undefined> | undefined;
  headers: Connection["headers"];
  texts: Partial<Texts> | undefined;
}

declare global {
  interface HTMLElementTagNameMap {
    "strongroom-uploader": StrongroomUploaderElement;
    "strongroom-patient-records": StrongroomPatientRecordsElement;
  }
  interface HTMLElementEventMap {
    "upload-complete": CustomEvent<Document>;
    "upload-error": CustomEvent<{ error: StrongroomError; file: FailedFile }>;
    "records-error": CustomEvent<StrongroomError>;
  }
}
