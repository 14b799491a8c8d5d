// What a file really is, by its first bytes: asked when the server found it to be something else than its name
// says, so that people can be told what it is. The server's look decides; this one only finds words.

/** A media type, or what else people have on their machines: `html`, `zip`, `video`, … */
export type Kind = string;

/** What stands where in a file. The order counts: a DICOM file may begin as a TIFF. */
const MARKS: readonly [at: number, mark: string, kind: Kind][] = [
  [128, "DICM", "application/dicom"],
  [0, "age-encryption.org/v1\n", "application/vnd.age"],
  [0, "-----BEGIN AGE ENCRYPTED FILE-----", "application/vnd.age"],
  [0, "%PDF-", "application/pdf"],
  [0, "\xff\xd8\xff", "image/jpeg"],
  [0, "\x89PNG\r\n\x1a\n", "image/png"],
  [0, "GIF8", "image/gif"],
  [8, "WEBP", "image/webp"],
  [0, "II*\0", "image/tiff"],
  [0, "MM\0*", "image/tiff"],
  [0, "BM", "bmp"],
  [0, "{\\rtf", "rtf"],
  [0, "MZ", "program"],
  [0, "\x7fELF", "program"],
  [0, "Rar!", "archive"],
  [0, "7z\xbc\xaf\x27\x1c", "archive"],
  [0, "\xff\xfe", "utf-16"],
  [0, "\xfe\xff", "utf-16"],
];

/** How a text begins that is more than text. */
const TEXTS: readonly [begins: RegExp, kind: Kind][] = [
  [/^<(!doctype html|html|head|body|script)/i, "html"],
  [/^(<\?xml[^>]*>\s*)?(<!--.*?-->\s*|<!doctype svg[^>]*>\s*)*<svg/is, "image/svg+xml"],
  [/^<\?xml/i, "xml"],
];

/** What is named in the list at the end of a ZIP. */
const IN_ZIP: readonly [name: string, kind: Kind][] = [
  ["vbaProject.bin", "macros"],
  ["word/document.xml", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"],
  ["xl/workbook.xml", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"],
  ["ppt/presentation.xml", "presentation"],
  ["META-INF/manifest.xml", "open-document"],
];

/** What the directory of an Office file from before 2007 names. */
const IN_COMPOUND: readonly [name: string, kind: Kind][] = [
  ["WordDocument", "application/msword"],
  ["Workbook", "application/vnd.ms-excel"],
  ["PowerPoint Document", "presentation"],
];

const HEAD = 4096;
const TAIL = 65_536;

async function bytesOf(file: Blob, from: number, to: number): Promise<Uint8Array> {
  return new Uint8Array(await file.slice(Math.max(0, from), to).arrayBuffer());
}

const named = (list: readonly [string, Kind][], text: string) =>
  list.find(([name]) => text.includes(name))?.[1];

/** The kind of an Office file from before 2007, by the first sector of its directory. */
async function inCompound(file: Blob, head: Uint8Array): Promise<Kind> {
  const header = new DataView(head.buffer);
  const at = (header.getUint32(48, true) + 1) * 2 ** header.getUint16(30, true);
  const names = new TextDecoder("utf-16le").decode(await bytesOf(file, at, at + HEAD));
  return named(IN_COMPOUND, names) ?? "office";
}

/** The brand of a file of the ISO family: a photo of a phone, or a film. */
function inBoxes(brand: string): Kind {
  if (/^(hei|hev|mif1|msf1)/.test(brand)) return "image/heic";
  return brand === "avif" ? "avif" : "video";
}

/** The kind of a file; nothing where it cannot be told. */
async function look(file: Blob): Promise<Kind | undefined> {
  const bytes = await bytesOf(file, 0, HEAD);
  const head = String.fromCharCode(...bytes);
  if (head.startsWith("PK")) {
    const list = await bytesOf(file, file.size - TAIL, file.size);
    return named(IN_ZIP, new TextDecoder().decode(list)) ?? "archive";
  }
  if (head.startsWith("\xd0\xcf\x11\xe0") && bytes.length >= 512) return inCompound(file, bytes);
  if (head.startsWith("ftyp", 4)) return inBoxes(head.slice(8, 12));
  const marked = MARKS.find(([at, mark]) => head.startsWith(mark, at));
  if (marked) return marked[2];
  if (head === "" || /[\0-\x08\x0e-\x1f]/.test(head)) return undefined;
  const start = head.replace(/^\xef\xbb\xbf/, "").trimStart();
  return TEXTS.find(([begins]) => begins.test(start))?.[1] ?? "text/plain";
}

/** What a file is; nothing where it cannot be told, or be read any more. */
export function seenIn(file: Blob): Promise<Kind | undefined> {
  return look(file).catch(() => undefined);
}
