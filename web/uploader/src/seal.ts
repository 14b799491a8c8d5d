// Sealing files in the browser and opening them again, in age's format (c2sp.org/age): for public keys, as a
// stream, so that memory stays small however large a file is. The cryptography is age's own library; only pages that
// came over HTTPS (or from this machine) can seal, because browsers keep their keys from others.
import { Decrypter, Encrypter } from "age-encryption";

/** The media type of what is sealed (IANA). */
const TYPE = "application/vnd.age";
/** A piece of a file that is worked on before the page gets its turn, in bytes. */
const PIECE = 256 * 1024;

/** A public key, `age1…`, or several: each of them opens the file. */
export type Recipients = string | readonly string[];

/** That what should seal is no public key. It never says what it is instead: that may be a secret. */
export class WrongKeyError extends Error {
  override readonly name = "WrongKeyError";
}

/** What seals for these; an error where one of them is no public key, or there is none. */
function encrypterOf(recipients: Recipients): Encrypter {
  const encrypter = new Encrypter();
  const all = typeof recipients === "string" ? [recipients] : [...(recipients ?? [])];
  try {
    if (all.length === 0) throw new Error("no key");
    for (const one of all) encrypter.addRecipient(String(one).trim());
  } catch {
    throw new WrongKeyError("This is no public key of age: it begins with age1, as age-keygen prints it.");
  }
  return encrypter;
}

/** Throws a `WrongKeyError` where nothing could be sealed for these. */
export function checkRecipients(recipients: Recipients): void {
  encrypterOf(recipients);
}

/** A file's bytes in pieces; between two of them the page is not held up. */
function piecesOf(
  file: Blob,
  onProgress: (done: number) => void,
  signal: AbortSignal | undefined,
): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream<Uint8Array>({
    async pull(out) {
      signal?.throwIfAborted();
      const bytes = new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer());
      at += bytes.length;
      if (bytes.length > 0) out.enqueue(bytes);
      if (at >= file.size || bytes.length === 0) out.close();
      onProgress(at);
    },
  });
}

const blobOf = (bytes: ReadableStream, type: string) =>
  new Response(bytes, { headers: { "content-type": type } }).blob();

/** Seals a file. `onProgress` is told how many bytes are done. */
export async function seal(
  file: Blob,
  recipients: Recipients,
  more: { onProgress?: (done: number) => void; signal?: AbortSignal } = {},
): Promise<Blob> {
  const encrypter = encrypterOf(recipients);
  const pieces = piecesOf(file, more.onProgress ?? (() => undefined), more.signal);
  return blobOf(await encrypter.encrypt(pieces), TYPE);
}

/**
 * Opens a sealed file with an identity (`AGE-SECRET-KEY-1…`, or an X25519 `CryptoKey`). All of it or an error: what was
 * changed, cut or sealed for another key is never given out in part. `type` becomes the type of what comes out.
 */
export async function unseal(
  sealed: Blob,
  identity: string | CryptoKey,
  type = "application/octet-stream",
): Promise<Blob> {
  const decrypter = new Decrypter();
  decrypter.addIdentity(typeof identity === "string" ? identity.trim() : identity);
  return blobOf(await decrypter.decrypt(piecesOf(sealed, () => undefined, undefined)), type);
}
