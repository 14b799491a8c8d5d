// SHA-256 of a file, read in pieces: memory stays small however large the file is. Pure JavaScript, so
// that pages whose policy forbids WebAssembly can use it.
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex } from "@noble/hashes/utils.js";

const PIECE = 4 * 1024 * 1024;

/** Lower-case hexadecimal; `onProgress` is told how many bytes are done. */
export async function hashFile(
  file: Blob,
  onProgress: (done: number) => void,
  signal?: AbortSignal,
): Promise<string> {
  const hash = sha256.create();
  for (let at = 0; at < file.size; at += PIECE) {
    signal?.throwIfAborted();
    hash.update(new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer()));
    onProgress(Math.min(at + PIECE, file.size));
  }
  return bytesToHex(hash.digest());
}
