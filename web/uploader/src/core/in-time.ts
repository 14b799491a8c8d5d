// Nothing is waited on for ever: a line that hangs gives no sign of itself.
import { unreachable } from "../client/errors.js";

/** How long a short call may take, in milliseconds. */
export const SHORT = 30_000;
/** How long the server may take to put a file together and to look into it, in milliseconds. */
export const LONG = 10 * 60_000;

const late = () => unreachable(new DOMException("No answer came in time.", "TimeoutError"));

/** `fetch` that gives up after so many milliseconds. The answer is read whole within them, so it has to be short. */
export function fetchWithin(milliseconds: number): (asked: Request) => Promise<Response> {
  return async (asked) => {
    const stop = new AbortController();
    const onAbort = () => stop.abort(asked.signal.reason);
    if (asked.signal.aborted) onAbort();
    asked.signal.addEventListener("abort", onAbort, { once: true });
    const timer = setTimeout(() => stop.abort(late()), milliseconds);
    try {
      const answer = await fetch(asked, { signal: stop.signal });
      const { status, statusText, headers } = answer;
      const body = await answer.arrayBuffer();
      return new Response(body.byteLength > 0 ? body : null, { status, statusText, headers });
    } finally {
      clearTimeout(timer);
      asked.signal.removeEventListener("abort", onAbort);
    }
  };
}

/** What is promised, if it comes within so many milliseconds. */
export function within<T>(milliseconds: number, promised: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), milliseconds);
    promised.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Until so much time has passed, or it is given up. */
export function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, milliseconds);
    signal?.addEventListener("abort", stop, { once: true });
  });
}
