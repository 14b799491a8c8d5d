// How the worker is found: beside this module, which bundlers understand. The one-file bundle puts
// another way in this place (vite.elements.config.ts).

export function makeWorker(): Worker {
  return new Worker(new URL("./hash-worker.js", import.meta.url), { type: "module" });
}
