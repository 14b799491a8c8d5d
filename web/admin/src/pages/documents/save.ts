/** Has the browser keep what a URL leads to, under a name. */
import { answerOf, type Document } from "../../api";

export function save(url: string, filename: string) {
  const link = window.document.createElement("a");
  link.href = url;
  link.download = filename;
  link.rel = "noreferrer";
  link.click();
}

/** Keeps bytes that are here already. */
export function saveBytes(bytes: Blob, filename: string) {
  const url = URL.createObjectURL(bytes);
  save(url, filename);
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** Up to this a file is fetched first, so that a refusal is said by the page and not by the browser. */
const FETCHED = 50e6;

/** Through the server and not by a link to the store: a link carries no file name (decision 0006). */
export async function saveDocument({ id, filename, size }: Document) {
  const url = `/api/docs/${id}/content?disposition=attachment`;
  if (size > FETCHED) save(url, filename);
  else saveBytes(await (await answerOf(fetch(url))).blob(), filename);
}
