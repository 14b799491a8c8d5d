// Hashing in a worker; in the page, a piece at a time, where a worker cannot be had.
import { hashFile } from "./hash-file.js";
import { makeWorker } from "./make-worker.js";

interface Told {
  id: number;
  done?: number;
  sha256?: string;
  error?: string;
}

interface Waiting {
  file: Blob;
  onProgress: (done: number) => void;
  signal: AbortSignal;
  resolve: (sha256: string) => void;
  reject: (reason: unknown) => void;
}

/** Hashes files. */
export class Hasher {
  #worker: Worker | undefined;
  #noWorker = false;
  #waiting = new Map<number, Waiting>();
  #next = 0;

  /** Lower-case hexadecimal. */
  async hash(file: Blob, onProgress: (done: number) => void, signal: AbortSignal): Promise<string> {
    // A worker that is started for nothing would be ended by nobody.
    signal.throwIfAborted();
    return new Promise((resolve, reject) => {
      this.#next += 1;
      const id = this.#next;
      this.#waiting.set(id, { file, onProgress, signal, resolve, reject });
      signal.addEventListener("abort", () => this.#cancel(id), { once: true });
      const worker = this.#start();
      if (worker) worker.postMessage({ id, file });
      else this.#here(id);
    });
  }

  stop() {
    this.#worker?.terminate();
    this.#worker = undefined;
  }

  /** Nobody wants it any more; large files would keep the worker from the others for long. */
  #cancel(id: number) {
    const one = this.#take(id);
    if (!one) return;
    this.#worker?.postMessage({ id });
    one.reject(one.signal.reason);
  }

  #take(id: number): Waiting | undefined {
    const one = this.#waiting.get(id);
    this.#waiting.delete(id);
    return one;
  }

  #start(): Worker | undefined {
    if (this.#worker || this.#noWorker) return this.#worker;
    try {
      this.#worker = makeWorker();
    } catch {
      this.#noWorker = true;
      return undefined;
    }
    this.#worker.onmessage = ({ data }: MessageEvent<Told>) => this.#hear(data);
    // A page's policy may forbid workers; that is told late.
    this.#worker.onerror = () => {
      this.stop();
      this.#noWorker = true;
      for (const id of [...this.#waiting.keys()]) this.#here(id);
    };
    return this.#worker;
  }

  #hear(told: Told) {
    if (told.done !== undefined) this.#waiting.get(told.id)?.onProgress(told.done);
    else if (told.sha256 !== undefined) this.#take(told.id)?.resolve(told.sha256);
    else this.#take(told.id)?.reject(new Error(told.error));
  }

  #here(id: number) {
    const one = this.#waiting.get(id);
    if (!one) return;
    hashFile(one.file, one.onProgress, one.signal).then(
      (sha256) => this.#take(id)?.resolve(sha256),
      (error: unknown) => this.#take(id)?.reject(error),
    );
  }
}
