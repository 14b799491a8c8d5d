// The worker carried inside the one-file bundle.
import InlineWorker from "./hash-worker.ts?worker&inline";

export function makeWorker(): Worker {
  return new InlineWorker();
}
