// One part on its way to the store. As the plugin's own, but a store that hides its ETag from the page
// is an error that says so, where the plugin's would wait for ever; and so is a line that hangs.
import { StrongroomError } from "../client/index.js";

interface Part {
  signature: { url: string; expires?: number; headers?: Record<string, string> };
  body: FormData | Blob;
  size?: number;
  onProgress: (event: { loaded: number; lengthComputable: boolean }) => void;
  onComplete: (etag: string) => void;
  signal?: AbortSignal;
}

const HIDDEN =
  "The store does not show its ETag to this page: its CORS rules have to expose the header ETag.";

/** A line on which nothing moves for so long is given up, in milliseconds. */
const STALLED = 60_000;
/** Once everything is handed to the line: the rest of it may be slow, and the store has to write it. */
const UNANSWERED = 120_000;

/** An error as the plugin's retries expect it: with the request that failed. */
function failed(request: XMLHttpRequest, message: string): Error {
  return Object.assign(new Error(message), { source: request });
}

/** Calls `late` when nothing was heard for a while. */
function watch(late: () => void) {
  let timer = setTimeout(late, STALLED);
  return {
    heard(patience = STALLED) {
      clearTimeout(timer);
      timer = setTimeout(late, patience);
    },
    end: () => clearTimeout(timer),
  };
}

export function sendPart(part: Part): Promise<{ ETag: string }> {
  const { signature, body, size = (body as Blob).size, onProgress, onComplete, signal } = part;
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const request = new XMLHttpRequest();
    request.open("PUT", signature.url);
    for (const [name, value] of Object.entries(signature.headers ?? {})) {
      request.setRequestHeader(name, value);
    }
    const stop = () => request.abort();
    signal?.addEventListener("abort", stop, { once: true });
    const watched = watch(() => {
      // As if the connection was lost, which it most likely is: the plugin tries again.
      reject(failed(request, "The connection stands still."));
      request.abort();
    });
    request.onloadend = () => {
      watched.end();
      signal?.removeEventListener("abort", stop);
    };
    request.upload.onprogress = (event) => {
      watched.heard();
      onProgress(event);
    };
    request.upload.onload = () => watched.heard(UNANSWERED);
    request.onabort = () => reject(new DOMException("Aborted", "AbortError"));
    request.onerror = () => reject(failed(request, "The connection was lost."));
    request.onload = () => {
      // These words make the plugin sign the part again.
      const expired = request.responseText.includes("<Message>Request has expired</Message>");
      if (request.status === 403 && expired) reject(failed(request, "Request has expired"));
      else if (request.status < 200 || request.status > 299) {
        reject(failed(request, `The store answered ${request.status}.`));
      } else {
        const etag = request.getResponseHeader("etag");
        if (!etag) return reject(new StrongroomError("store_unavailable", HIDDEN));
        onProgress({ loaded: size, lengthComputable: true });
        onComplete(etag);
        resolve({ ETag: etag });
      }
    };
    request.send(body);
  });
}
