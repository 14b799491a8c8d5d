/** A document's bytes, through the server and not by a link to the store: a link carries no file name (decision 0006). */
import { answerOf, type Document } from "../../api";
import { save, saveBytes } from "../../parts/save";

/** To be shown. */
export const contentOf = ({ id }: Document) => `/api/docs/${id}/content`;
/** To be kept. */
export const attachmentOf = (document: Document) => `${contentOf(document)}?disposition=attachment`;

/** Up to this a file is fetched first, so that a refusal is said by the page and not by the browser. */
const FETCHED = 50e6;

export async function saveDocument(document: Document) {
  const url = attachmentOf(document);
  if (document.size > FETCHED) save(url, document.filename);
  else saveBytes(await (await answerOf(fetch(url))).blob(), document.filename);
}
