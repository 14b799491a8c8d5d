// How a document comes onto somebody's machine. A link carries no name (docs/decisions/0006): the page gives it one.

/** Up to this many bytes the page fetches itself, to save them under their name: the browser holds them meanwhile. */
export const IN_MEMORY = 100e6;
/** How long the browser has to take what is saved, in milliseconds. */
const TAKEN = 60_000;

/** What a link leads to; nothing where the page may not read it (CORS of a bucket, its own policy). */
export async function bytesOf(url: string, signal: AbortSignal | undefined): Promise<Blob | undefined> {
  try {
    // Nothing of it stays in the browser's cache.
    const how: RequestInit = { credentials: "omit", cache: "no-store" };
    const answer = await fetch(url, { ...how, ...(signal && { signal }) });
    const bytes = answer.ok ? await answer.blob() : undefined;
    // It may have arrived just before.
    signal?.throwIfAborted();
    return bytes;
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof TypeError) return undefined;
    throw error;
  }
}

/** Has the browser keep what a URL leads to; the name counts on the page's own origin alone. */
export function save(url: string, filename: string) {
  const anchor = document.createElement("a");
  anchor.href = url;
  anchor.download = filename;
  anchor.click();
}

/** Keeps bytes that are here already. */
export function saveBytes(bytes: Blob, filename: string) {
  const url = URL.createObjectURL(bytes);
  save(url, filename);
  setTimeout(() => URL.revokeObjectURL(url), TAKEN);
}
