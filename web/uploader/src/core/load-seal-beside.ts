// The code that seals, in a file of its own beside the one-file bundle: only pages that seal load it.

export function loadSeal(): Promise<typeof import("../seal.js")> {
  const here = import.meta.url;
  return import(/* @vite-ignore */ new URL("elements-seal.js", here).href);
}
