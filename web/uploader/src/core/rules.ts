// What may come in by its type: looked at before the first byte is sent. The server looks again, at the bytes.

import { TEXTS, type Texts } from "./texts.js";

/** Media type → extensions, the usual one first. */
export type Types = Readonly<Record<string, readonly string[]>>;

/**
 * As the contract has it, until the server has said it itself (taken.ts): a page shows what it takes at once, also
 * where only a ticket will know the server. tests/contract.spec.ts holds this table to openapi.json.
 */
export const TYPES: Types = {
  "image/jpeg": ["jpg", "jpeg"],
  "image/png": ["png"],
  "image/gif": ["gif"],
  "image/webp": ["webp"],
  "image/heic": ["heic", "heif"],
  "image/tiff": ["tiff", "tif"],
  "image/svg+xml": ["svg"],
  "application/pdf": ["pdf"],
  "application/msword": ["doc"],
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ["docx"],
  "application/vnd.ms-excel": ["xls"],
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ["xlsx"],
  "text/plain": ["txt"],
  "text/csv": ["csv"],
  "application/dicom": ["dcm", "dicom"],
};

function byExtension(extension: string, types: Types): string | undefined {
  return Object.keys(types).find((type) => types[type]?.includes(extension));
}

/** The last extension of a name, in lower case; empty when there is none. */
export function extensionOf(name: string): string {
  return /\.([^.\s/\\]+)$/.exec(name)?.[1]?.toLowerCase() ?? "";
}

/** DICOM files often have neither extension nor type; they say what they are at byte 128. */
async function isDicom(file: Blob): Promise<boolean> {
  const mark = await file.slice(128, 132).text().catch(() => "");
  return mark === "DICM";
}

/**
 * The media type to announce: the name decides, as it does at the server; only DICOM files may do
 * without an extension. Nothing: it cannot come in.
 */
export async function typeOf(file: File, types: Types): Promise<string | undefined> {
  const extension = extensionOf(file.name);
  if (extension !== "") return byExtension(extension, types);
  return (await isDicom(file)) ? "application/dicom" : undefined;
}

/** Whether a type is among those the app lets in; all the server takes when it names none. */
export function isAccepted(
  type: string,
  accept: readonly string[] | undefined,
  types: Types = TYPES,
): boolean {
  if (!accept || accept.length === 0) return true;
  return accept.some((one) => {
    const wanted = one.trim().toLowerCase();
    if (wanted.startsWith(".")) return byExtension(wanted.slice(1), types) === type;
    if (wanted.endsWith("/*")) return type.startsWith(wanted.slice(0, -1));
    return wanted === type;
  });
}

/** What a file dialog is told to offer. */
export function dialogAccept(accept: readonly string[] | undefined, types: Types = TYPES): string {
  const taken = Object.keys(types).filter((type) => isAccepted(type, accept, types));
  const extensions = taken.flatMap((type) => (types[type] ?? []).map((e) => `.${e}`));
  return [...taken, ...extensions].join(",");
}

/** The kinds of file in a few words: `PDF, images, DICOM`. */
export function kinds(
  accept: readonly string[] | undefined,
  types: Types = TYPES,
  { family }: Pick<Texts, "family"> = TEXTS,
): string {
  const taken = Object.keys(types).filter((type) => isAccepted(type, accept, types));
  const has = (...wanted: string[]) => wanted.some((w) => taken.some((type) => type.includes(w)));
  const all: [boolean, string][] = [
    [has("pdf"), "pdf"],
    [has("image/"), "images"],
    [has("word"), "word"],
    [has("excel", "spreadsheet"), "excel"],
    [has("text/"), "text"],
    [has("dicom"), "dicom"],
    [has("vnd.age"), "sealed"],
  ];
  return all.flatMap(([there, name]) => (there ? [family(name)] : [])).join(", ");
}

const MIB = 1024 * 1024;

/** Size of the parts a file is sent in: the same for the same size, so that it can go on later. */
export function partSize(size: number): number {
  const least = Math.ceil(size / 9_000);
  return Math.max(8 * MIB, Math.ceil(least / MIB) * MIB);
}
