// Files out of what a browser hands over: a drop, folders and all, or a paste.
import { datedName } from "./format.js";

async function filesOf(entry: FileSystemEntry): Promise<File[]> {
  if (entry.isFile) {
    const file = await new Promise<File>((resolve, reject) =>
      (entry as FileSystemFileEntry).file(resolve, reject),
    );
    return [file];
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  const all: File[] = [];
  for (;;) {
    // A folder is told in pieces; an empty one ends it.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return all;
    for (const one of some) if (!one.name.startsWith(".")) all.push(...(await filesOf(one)));
  }
}

/** What was dropped. To be called within the event: later the browser has forgotten it. */
export async function dropped(data: DataTransfer): Promise<File[]> {
  const items = [...data.items].filter((item) => item.kind === "file");
  const entries = items.map((item) => ({ entry: item.webkitGetAsEntry(), file: item.getAsFile() }));
  const all: File[] = [];
  for (const { entry, file } of entries) {
    if (entry?.isDirectory) all.push(...(await filesOf(entry)));
    else if (file) all.push(file);
  }
  return all;
}

/** Pictures from the clipboard and from the camera have no name of their own. */
export function named(files: Iterable<File> | undefined, what: string): File[] {
  return [...(files ?? [])].map((file) => {
    if (!/^image\.\w+$/.test(file.name)) return file;
    const name = datedName(what, file.name.slice("image.".length), new Date());
    return new File([file], name, { type: file.type, lastModified: file.lastModified });
  });
}
