// What an app imports: the two components, the client, and what they are told.
export * from "./client/index.js";
export {
  CATEGORIES,
  type Category,
  type FailedFile,
  type Item,
  type Phase,
  type Snapshot,
  type Ticket,
  type TicketWish,
  type UploadConnection,
  type UploadOptions,
} from "./core/types.js";
export { forgetUploads } from "./core/resume.js";
export { formatLimit } from "./core/format.js";
export { dropped } from "./core/picked.js";
export { dialogAccept, kinds, type Types } from "./core/rules.js";
export type { Limits } from "./core/taken.js";
export { TEXTS, type Texts } from "./core/texts.js";
export { Uploads } from "./core/uploads.js";
export { FileUploader, type FileUploaderProps } from "./react/FileUploader.js";
export { PatientRecords, type PatientRecordsProps } from "./react/PatientRecords.js";
