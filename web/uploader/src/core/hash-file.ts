// SHA-256 of a file: small ones at once by the browser's own code, larger ones in pieces, so that memory
// stays small however large the file is. The pieces are hashed in plain JavaScript (WebCrypto cannot go on
// where it ended), so that pages whose policy forbids WebAssembly can use it.
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

const PIECE = 4 * 1024 * 1024;
/** Up to here a file is read whole. */
const SMALL = 32 * 1024 * 1024;

/** Lower-case hexadecimal; `onProgress` is told how many bytes are done. */
export async function hashFile(
  file: Blob,
  onProgress: (done: number) => void,
  signal?: AbortSignal,
): Promise<string> {
  // There is no WebCrypto on pages that came over plain HTTP.
  if (file.size <= SMALL && globalThis.crypto?.subtle) {
    const hash = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
    return bytesToHex(new Uint8Array(hash));
  }
  const hash = sha256.create();
  for (let at = 0; at < file.size; at += PIECE) {
    signal?.throwIfAborted();
    hash.update(new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer()));
    onProgress(Math.min(at + PIECE, file.size));
  }
  return bytesToHex(hash.digest());
}
