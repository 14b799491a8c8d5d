// A page of an app with the components in it, as they are shipped. The query says which one and with what:
// `?show=records&props={…}`; what the callbacks are told stands in `window.told`. `window.give(props)` gives others
// while it stands, `window.change(more)` some besides; null takes it from the page.
import { StrictMode } from "react";
import { flushSync } from "react-dom";
import { createRoot } from "react-dom/client";
import {
  FileUploader,
  type FileUploaderProps,
  forgetUploads,
  PatientRecords,
  type PatientRecordsProps,
  TEXTS,
  type Texts,
  Uploads,
} from "../../dist/index.js";
import "../../dist/style.css";

/** `patient`: tickets come from a function that knows this patient, as a page of theirs has one. */
interface Given extends Partial<FileUploaderProps> {
  patient?: string;
}

declare global {
  interface Window {
    told: { done: unknown[]; failed: unknown[] };
    /** Shows the same with these props besides; null shows nothing. */
    change: (more: object | null) => void;
    give: (props: Given | null) => void;
    forgetUploads: typeof forgetUploads;
    /** For pages of an app's own making. */
    Uploads: typeof Uploads;
    uploads: Uploads;
  }
}

const query = new URLSearchParams(location.search);
const { german, foreign, ...props } = JSON.parse(query.get("props") ?? "{}");
window.told = { done: [], failed: [] };
const onError = (error: Error & { code: string }, file?: unknown) =>
  window.told.failed.push({ code: error.code, message: error.message, file });

// An app in another language.
if (german) {
  props.texts = {
    kind: (kind: string) => (kind === "image/png" ? "ein PNG-Bild" : "eine andere Datei"),
    isOther: (called: string, is: string) => `Die Datei heißt ${called}, ist aber ${is}.`,
  } satisfies Partial<Texts>;
}

/** Told a code, they answer with words for it. */
const OF_CODES = new Set(["family", "categoryName", "kind", "refused", "error", "state"]);

/** A language in which no word is English: each text is its own name, and what it is told. */
function foreignTexts(): Partial<Texts> {
  const all = Object.entries(TEXTS).map(([name, text]) => {
    const word = `«${name}»`;
    if (typeof text !== "function") return [name, word];
    return [name, (...told: unknown[]) => (OF_CODES.has(name) ? word : [word, ...told].join(" "))];
  });
  return Object.fromEntries([...all, ["locale", "ar-EG"], ["pastedName", "вставка"], ["photoName", "фото"]]);
}

if (foreign) props.texts = foreignTexts();

/** The app's backend checks who asks; here it believes the page. */
const ticketsOf = (patient: string) => async () => {
  const answer = await fetch("/ticket-of", { method: "POST", body: JSON.stringify({ patientId: patient }) });
  return answer.json();
};

const withTickets = ({ patient, ...given }: Given) =>
  patient === undefined ? given : { ...given, getTicket: ticketsOf(patient) };

Object.assign(window, { forgetUploads, Uploads });

const onUploadComplete = (document: unknown) => window.told.done.push(document);
const root = createRoot(document.getElementById("root") as HTMLElement);
let shown = withTickets(props);

/** It is shown, with all its effects, when the call is over. */
function show() {
  const component =
    query.get("show") === "records" ? (
      <PatientRecords {...(shown as PatientRecordsProps)} onError={onError} />
    ) : (
      <FileUploader {...shown} onError={onError} onUploadComplete={onUploadComplete} />
    );
  flushSync(() => root.render(<StrictMode>{component}</StrictMode>));
}

window.give = (next) => {
  if (!next) return root.render(<p>Nothing is here.</p>);
  shown = withTickets(next);
  show();
};
window.change = (more) => {
  if (!more) return root.render(null);
  shown = { ...shown, ...more };
  show();
};
show();
