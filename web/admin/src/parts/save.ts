/** Has the browser keep what a URL leads to, under a name. */
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
