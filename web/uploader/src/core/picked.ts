// Files out of what a browser hands over: a drop, folders and all, or a paste.
import { datedName } from "./format.js";

/** Where in a dropped folder a file lay: files of one name are many in there. */
const paths = new WeakMap<File, string>();
/** What stands for files that the browser could not read. */
const lost = new WeakSet<File>();

/** Its place in the folder it came with; empty for a file that was chosen by itself. */
export function pathOf(file: File): string {
  return paths.get(file) ?? file.webkitRelativePath ?? "";
}

/** Whether it only stands for a file that could not be read, so that it is not lost without a word. */
export function isLost(file: File): boolean {
  return lost.has(file);
}

function lostOf(entry: FileSystemEntry): File {
  const file = new File([], entry.name);
  lost.add(file);
  return file;
}

/** One that cannot be read takes no other with it. */
async function filesOf(entry: FileSystemEntry): Promise<File[]> {
  const isFile = entry.isFile;
  const all: File[] = [];
  try {
    if (isFile) all.push(await fileOf(entry as FileSystemFileEntry));
    else for await (const one of within(entry as FileSystemDirectoryEntry)) all.push(...(await filesOf(one)));
  } catch {
    all.push(lostOf(entry));
  }
  if (isFile) for (const file of all) paths.set(file, entry.fullPath.replace(/^\//, ""));
  return all;
}

function fileOf(entry: FileSystemFileEntry): Promise<File> {
  return new Promise((resolve, reject) => entry.file(resolve, reject));
}

async function* within(folder: FileSystemDirectoryEntry): AsyncGenerator<FileSystemEntry> {
  const reader = folder.createReader();
  for (;;) {
    // A folder is told in pieces; an empty one ends it.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return;
    for (const one of some) if (!one.name.startsWith(".")) yield one;
  }
}

/**
 * What was dropped. To be called within the event: later the browser has forgotten it. What could not be read
 * is there as an empty file, which an uploader shows as one that did not make it.
 */
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
