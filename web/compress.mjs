// Puts a .gz beside every asset that gets smaller by it: the server sends that one as it is.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

const folder = process.argv[2];
for (const name of await readdir(folder)) {
  if (!/\.(js|mjs|css|svg|wasm|json|md)$/.test(name)) continue;
  const bytes = await readFile(join(folder, name));
  const packed = gzipSync(bytes, { level: 9 });
  if (packed.length < bytes.length * 0.9) await writeFile(join(folder, `${name}.gz`), packed);
}
