/**
 * Many documents as one ZIP file, made in the browser while they come: each is read through the
 * server's own door, so each read stands in the trail. Where the browser can write to a file
 * directly nothing is held in memory.
 */
import { downloadZip } from "client-zip";
import type { Document } from "../../api";
import { saveBytes } from "../../parts/save";
import { attachmentOf } from "./content";

interface Writable { createWritable(): Promise<WritableStream<Uint8Array>> }
type Picker = (options: { suggestedName: string }) => Promise<Writable>;

export interface Progress { files: number; bytes: number }

/** Gives the names of what could not be read; the ZIP says the same in a file of its own. */
export async function zip(documents: Document[], name: string, onStep: (done: Progress) => void, signal: AbortSignal): Promise<string[]> {
  const picker = (window as { showSaveFilePicker?: Picker }).showSaveFilePicker;
  // Asked for first: a browser lets a page ask only right after a click.
  const target = picker ? await picker({ suggestedName: name }) : undefined;
  const missing: string[] = [];
  const stream = downloadZip(files(documents, missing, onStep, signal)).body;
  if (!stream) throw new Error("This browser cannot make a ZIP file.");
  if (target) await stream.pipeTo(await target.createWritable(), { signal });
  else saveBytes(await new Response(stream, { headers: { "Content-Type": "application/zip" } }).blob(), name);
  return missing;
}

async function* files(documents: Document[], missing: string[], onStep: (done: Progress) => void, signal: AbortSignal) {
  const names = new Names();
  const done = { files: 0, bytes: 0 };
  const counting = () => new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, out) {
      done.bytes += chunk.byteLength;
      onStep({ ...done });
      out.enqueue(chunk);
    },
  });
  for (const document of documents) {
    const { filename, createdAt } = document;
    const answer = await fetch(attachmentOf(document), { signal });
    if (answer.ok && answer.body) yield { name: names.free(filename), lastModified: new Date(createdAt), input: answer.body.pipeThrough(counting()) };
    else missing.push(filename);
    done.files++;
    onStep({ ...done });
  }
  if (missing.length) yield { name: names.free("NOT-INCLUDED.txt"), input: `These could not be read:\n${missing.join("\n")}\n` };
}

/** No two files of a ZIP have the same name, also where the disk does not tell small from capital letters. */
export class Names {
  readonly #taken = new Set<string>();

  free(wanted: string): string {
    const plain = wanted.replace(/[/\\\u0000-\u001f]/g, "_").replace(/^\.+/, "_") || "document";
    const dot = plain.lastIndexOf(".");
    const [stem, ending] = dot > 0 ? [plain.slice(0, dot), plain.slice(dot)] : [plain, ""];
    let name = plain;
    for (let n = 2; this.#taken.has(name.toLowerCase()); n++) name = `${stem} (${n})${ending}`;
    this.#taken.add(name.toLowerCase());
    return name;
  }
}
