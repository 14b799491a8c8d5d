// A page of an app with the components in it, as they are shipped. The query says which one and with what:
// `?show=records&props={…}`; what the callbacks are told stands in `window.told`. `window.give(props)` gives others
// while it stands, `window.give(null)` takes it from the page.
import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { FileUploader, type FileUploaderProps, forgetUploads, PatientRecords, type PatientRecordsProps, type Texts, Uploads } from "../../dist/index.js";
import "../../dist/style.css";

/** `patient`: tickets come from a function that knows this patient, as a page of theirs has one. */
interface Given extends Partial<FileUploaderProps> {
  patient?: string;
}

declare global {
  interface Window {
    told: { done: unknown[]; failed: unknown[] };
    give: (props: Given | null) => void;
    forgetUploads: typeof forgetUploads;
    /** For pages of an app's own making. */
    Uploads: typeof Uploads;
    uploads: Uploads;
  }
}

const query = new URLSearchParams(location.search);
const { german, ...props } = JSON.parse(query.get("props") ?? "{}");
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

/** The app's backend checks who asks; here it believes the page. */
const ticketsOf = (patient: string) => async () => {
  const answer = await fetch("/ticket-of", { method: "POST", body: JSON.stringify({ patientId: patient }) });
  return answer.json();
};

const withTickets = ({ patient, ...given }: Given) =>
  patient === undefined ? given : { ...given, getTicket: ticketsOf(patient) };

Object.assign(window, { forgetUploads, Uploads });

function App() {
  const [given, give] = useState<Partial<FileUploaderProps> | null>(() => withTickets(props));
  window.give = (next) => give(next && withTickets(next));
  if (!given) return <p>Nothing is here.</p>;
  return query.get("show") === "records" ? (
    <PatientRecords {...(given as PatientRecordsProps)} onError={onError} />
  ) : (
    <FileUploader {...given} onError={onError} onUploadComplete={(d) => window.told.done.push(d)} />
  );
}

createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
