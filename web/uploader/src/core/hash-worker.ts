// SHA-256 of files, a piece at a time, away from the page. Told `{ id, file }`, tells
// `{ id, done: bytes }` now and then and `{ id, sha256 }` or `{ id, error }` at the end. Told `{ id }` alone it
// stops.
import { hashFile } from "./hash-file.js";

interface Asked {
  id: number;
  file?: Blob;
}

/** The part of a worker's own scope that is used here. */
interface Scope {
  onmessage: ((event: MessageEvent<Asked>) => void) | null;
  postMessage(message: unknown): void;
}

const scope = self as unknown as Scope;
const running = new Map<number, AbortController>();

scope.onmessage = ({ data: { id, file } }) => {
  if (!file) {
    running.get(id)?.abort();
    return;
  }
  const stop = new AbortController();
  running.set(id, stop);
  hashFile(file, (done) => scope.postMessage({ id, done }), stop.signal)
    .then(
      (sha256) => scope.postMessage({ id, sha256 }),
      (error: unknown) => scope.postMessage({ id, error: String(error) }),
    )
    .finally(() => running.delete(id));
};
