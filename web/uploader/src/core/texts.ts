// Every text that is shown, in one place; an app can put its own words in their place.

/** A kind of file, as it is called in the middle of a sentence. */
const KINDS: Readonly<Record<string, string>> = {
  "image/jpeg": "a JPEG picture",
  "image/png": "a PNG picture",
  "image/gif": "a GIF picture",
  "image/webp": "a WebP picture",
  "image/heic": "a HEIC picture",
  "image/tiff": "a TIFF picture",
  "image/svg+xml": "an SVG drawing",
  "application/pdf": "a PDF",
  "application/msword": "a Word document (.doc)",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "a Word document (.docx)",
  "application/vnd.ms-excel": "an Excel file (.xls)",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "an Excel file (.xlsx)",
  "text/plain": "plain text",
  "text/csv": "a CSV table",
  "application/dicom": "a DICOM file",
  "application/vnd.age": "a sealed file (age)",
  archive: "an archive, such as a ZIP",
  avif: "an AVIF picture",
  bmp: "a bitmap picture",
  html: "a web page",
  macros: "an Office document with macros",
  office: "an older Office file",
  "open-document": "an OpenDocument file",
  presentation: "a presentation",
  program: "a program",
  rtf: "an RTF document",
  "utf-16": "text saved as UTF-16 instead of UTF-8",
  video: "a video or a sound recording",
  xml: "an XML file",
};

/** The families of files, as they are listed: `PDF, images, DICOM`. */
const FAMILIES: Readonly<Record<string, string>> = {
  pdf: "PDF",
  images: "images",
  word: "Word",
  excel: "Excel",
  text: "text",
  dicom: "DICOM",
  sealed: "sealed files (age)",
};

/** What is wrong with the content of a file (`errors.content` of `content_refused`), and what would be right. */
const REFUSED: Readonly<Record<string, string>> = {
  macros:
    "The document contains macros: small programs that run when it is opened. Save it without macros, or as PDF.",
  encrypted: "The file is protected with a password. Save it without the password.",
  active_content:
    "The file contains something that runs or is loaded when it is opened, such as a script or another file inside it. Save it as PDF.",
  archive_bounds: "The document is packed in an unsafe way. Open it and save it again.",
  polyglot: "A second file is hidden in this file. Open it and save it again.",
  damaged: "The file is damaged or incomplete. Check that it opens, or get it again from where it came.",
  dimensions: "The picture is too large to be shown. Save a smaller one.",
  too_complex: "There is too much in the file for it to be checked. Save it again, or in several files.",
};

/** `Lab results` of `lab-results`. */
function words(name: string): string {
  const text = name.replaceAll("-", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export const TEXTS = {
  /** How sizes and dates are written (`de-AT`); left out: as the browser's language has it. */
  locale: undefined as string | undefined,
  family: (family: string) => FAMILIES[family] ?? family,
  categoryName: (category: string) => words(category),
  /** In the glyph of a file whose name has no ending. */
  file: "file",
  /** What pasted pictures and photos are called: `pasted-20261122-091405.png`. */
  pastedName: "pasted",
  photoName: "photo",
  label: "Upload files",
  drop: "Drop files here",
  dropOne: "Drop a file here",
  or: "or",
  choose: "Choose files",
  chooseOne: "Choose a file",
  photo: "Take a photo",
  dropNow: "Let go to add",
  hint: (kinds: string, size: string | undefined) => (size ? `${kinds} · up to ${size} each` : kinds),
  start: (count: number) => (count === 1 ? "Upload 1 file" : `Upload ${count} files`),
  list: "Files",
  offline: "There is no connection. Uploads go on by themselves when it is back.",
  /** Of files for another patient, appointment or category than the page is about by now. */
  leftWaiting: (count: number) =>
    count === 1
      ? "1 upload begun elsewhere is on hold. Go back to where it began to go on with it."
      : `${count} uploads begun elsewhere are on hold. Go back to where they began to go on with them.`,
  leftEnded: (count: number) =>
    count === 1
      ? "1 file added elsewhere was not uploaded. Go back to where it was added, and add it again."
      : `${count} files added elsewhere were not uploaded. Go back to where they were added, and add them again.`,
  goesElsewhere: (count: number) =>
    count === 1
      ? "1 file below was added elsewhere, and goes there, not here."
      : `${count} files below were added elsewhere, and go there, not here.`,
  waiting: "Ready to upload",
  queued: "Waiting",
  sealHint: "Files are sealed in this browser before they are sent. Only the owner of the key can open them.",
  sealing: (done: string, size: string) => `Sealing: ${done} of ${size}`,
  doneSealed: "Sealed and uploaded",
  wrongSealKey:
    "Files cannot be sealed here, because the key that they are to be sealed for is not right. Nothing is sent. Tell whoever runs this page.",
  cannotSeal: "The file could not be sealed, so it was not sent. Try again.",
  sealedNotTaken: "Sealed files are not taken here, and nothing is sent unsealed. Tell whoever runs this page.",
  checking: "Preparing",
  finishing: "Checking on the server",
  paused: (sent: string, size: string) => `Paused at ${sent} of ${size}`,
  uploading: (sent: string, size: string) => `${sent} of ${size}`,
  left: (minutes: number) =>
    minutes < 1 ? "less than a minute left" : `about ${minutes} min left`,
  done: "Uploaded",
  scanning: "Uploaded, being scanned for malware",
  interrupted: (percent: number) =>
    `Interrupted at ${percent} %. Choose the same file again to go on.`,
  continue: "Choose file",
  discard: "Discard",
  pause: "Pause",
  resume: "Resume",
  retry: "Try again",
  cancel: "Cancel",
  remove: "Remove",
  dismiss: "Dismiss",
  pauseAll: "Pause all",
  resumeAll: "Resume all",
  cancelAll: "Cancel all",
  clear: "Clear list",
  of: (action: string, name: string) => `${action}: ${name}`,
  overall: (done: number, all: number) => `${done} of ${all} uploaded`,
  allDone: (count: number) => (count === 1 ? "1 file uploaded" : `${count} files uploaded`),
  someFailed: (count: number) =>
    count === 1 ? "1 file needs your attention" : `${count} files need your attention`,
  saidAdded: (count: number) => (count === 1 ? "1 file added." : `${count} files added.`),
  saidDone: (name: string) => `${name} is uploaded.`,
  saidFailed: (name: string, why: string) => `${name} was not uploaded. ${why}`,
  saidCancelled: (name: string) => `${name} is cancelled.`,
  saidPaused: (name: string) => `${name} is paused.`,
  nowhere: "Files cannot be added yet, because it is not known whose they are. Nothing is sent.",
  saidResumed: (name: string) => `${name} goes on.`,
  saidInterrupted: (name: string) => `${name} was interrupted. Choose the same file again to go on.`,
  wrongType: (kinds: string) => `This kind of file is not accepted. Accepted: ${kinds}.`,
  tooLarge: (limit: string) => `The file is too large. The limit is ${limit}.`,
  over: "The file is too large.",
  empty: "The file is empty.",
  tooMany: (limit: number) =>
    limit === 1 ? "Only one file can be added." : `Only ${limit} files can be added.`,
  kind: (kind: string) => KINDS[kind] ?? "a file of another kind",
  isOther: (called: string, is: string, wanted: string, rename: string | undefined) =>
    rename
      ? `The file is called ${called}, but it is ${is}. Rename it to end in ${rename}, or save it as ${wanted}.`
      : `The file is called ${called}, but it is ${is}. Save it as ${wanted}.`,
  isNot: (called: string, wanted: string) =>
    `The file is called ${called}, but it is not ${wanted}. Save it as ${wanted} again, or choose another file.`,
  mismatch: "What is in the file is not what its name says. Open it, save it again, and add that.",
  refused: (reason: string): string | undefined => REFUSED[reason],
  unreadable: "The file could not be read. It may have been moved or changed; choose it again.",
  /** Your words for what the server refuses, by its code; nothing: the server's own sentence. */
  error: (_code: string): string | undefined => undefined,
  /** The server could not be asked at all. */
  unreachable: "The server cannot be reached. Check the connection and try again.",
  /** Something answered that is not Strongroom: your app's route for tickets, a proxy. */
  answered: (status: number) => `The server answered ${status}.`,
  cut: "The connection was lost. What is already there is kept: try again to go on.",
  unavailable: "The server cannot do this at the moment. Try again in a few minutes.",
  unknown: "The upload did not work. Try again.",

  records: "Documents",
  recordsLoading: "Loading documents",
  recordsEmpty: "There are no documents yet.",
  recordsNone: "No document matches.",
  recordsUnknown: "This did not work. Try again.",
  search: "Search by file name",
  anyCategory: "All categories",
  category: "Category",
  sealed: "Sealed file",
  view: "View",
  download: "Download",
  delete: "Delete",
  sure: "Move this document to the trash?",
  keep: "Keep it",
  more: "Show more",
  reload: "Try again",
  close: "Close",
  notShown: "The picture cannot be shown here. Close this and download it.",
  state: (state: string) =>
    state === "scanning" ? "Being scanned" : state === "quarantined" ? "Quarantined" : state,
  saidDeleted: (name: string) => `${name} is in the trash.`,
};

export type Texts = typeof TEXTS;
