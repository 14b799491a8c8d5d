// A page of an app with the components in it, as they are shipped. The query says which one and with what:
// `?show=records&props={…}`; what the callbacks are told stands in `window.told`.
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { FileUploader, PatientRecords, type Texts } from "../../dist/index.js";
import "../../dist/style.css";

declare global {
  interface Window {
    told: { done: unknown[]; failed: unknown[] };
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

createRoot(document.getElementById("root") as HTMLElement).render(
  <StrictMode>
    {query.get("show") === "records" ? (
      <PatientRecords {...props} onError={onError} />
    ) : (
      <FileUploader {...props} onError={onError} onUploadComplete={(d) => window.told.done.push(d)} />
    )}
  </StrictMode>,
);
