// A page of an app with the components in it, as they are shipped. The query says which one and with what:
// `?show=records&props={…}`; what the callbacks are told stands in `window.told`, `window.change` gives other props.
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { FileUploader, PatientRecords, TEXTS, type Texts } from "../../dist/index.js";
import "../../dist/style.css";

declare global {
  interface Window {
    told: { done: unknown[]; failed: unknown[] };
    /** Shows the same with these props besides; null shows nothing. */
    change: (more: object | null) => void;
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

const onUploadComplete = (document: unknown) => window.told.done.push(document);
const root = createRoot(document.getElementById("root") as HTMLElement);

function show() {
  root.render(
    <StrictMode>
      {query.get("show") === "records" ? (
        <PatientRecords {...props} onError={onError} />
      ) : (
        <FileUploader {...props} onError={onError} onUploadComplete={onUploadComplete} />
      )}
    </StrictMode>,
  );
}

window.change = (more) => {
  if (!more) return root.render(null);
  Object.assign(props, more);
  show();
};
show();
