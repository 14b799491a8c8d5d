// Keys and files of the age command, which is not the code that is tested.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SealKey {
  identity: string;
  recipient: string;
}

export function makeKey(): SealKey {
  const said = execFileSync("age-keygen", { stdio: ["ignore", "pipe", "ignore"] }).toString();
  const identity = /AGE-SECRET-KEY-1\w+/.exec(said)?.[0] ?? "";
  const recipient = /age1\w+/.exec(said)?.[0] ?? "";
  return { identity, recipient };
}

/** What `age -d` finds in a file. */
export function opened(sealed: Buffer, { identity }: SealKey): Buffer {
  const folder = mkdtempSync(join(tmpdir(), "strongroom-seal-"));
  try {
    const key = join(folder, "key");
    writeFileSync(key, identity);
    return execFileSync("age", ["-d", "-i", key], { input: sealed, maxBuffer: 1 << 30 });
  } finally {
    rmSync(folder, { recursive: true });
  }
}
