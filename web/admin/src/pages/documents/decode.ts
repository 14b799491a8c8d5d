/** The bytes of a text as letters. Most are UTF-8; what is not was mostly written by a program of Windows. */
const MARKS: [string, number[]][] = [["utf-16le", [0xff, 0xfe]], ["utf-16be", [0xfe, 0xff]]];

/** `cut`: the last letter may be there by half. */
export function decode(bytes: ArrayBuffer, cut = false): string {
  const first = new Uint8Array(bytes);
  const [marked] = MARKS.find(([, mark]) => mark.every((byte, at) => first[at] === byte)) ?? [];
  if (marked) return new TextDecoder(marked).decode(bytes);
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: cut });
  } catch {
    return new TextDecoder("windows-1252").decode(bytes);
  }
}
