// The package as apps get it: packed, and installed in folders outside this workspace. What they need besides comes
// from the npm registry once and stays under target/, until an app's package.json or Node.js changes.
import { execFile, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const APPS = here("../../../target/uploader-apps");
const READY = /https?:\/\/(localhost|127\.0\.0\.1):\d+/;

/** Runs a program; what it said is in the error when it fails. */
export async function command(folder: string, program: string, args: string[], env: object = {}) {
  // Nothing of the workspace that runs the tests is to reach what runs here.
  const own = Object.entries(process.env).filter(([name]) => !/^npm_|^NODE_/.test(name));
  const all = { ...Object.fromEntries(own), NEXT_TELEMETRY_DISABLED: "1", ...env };
  try {
    return (await run(program, args, { cwd: folder, env: all, maxBuffer: 1e8 })).stdout;
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${program} ${args.join(" ")}: ${stdout}${stderr}`);
  }
}

/** The packed package, named by what is in it: npm keeps what has the same name. */
export async function pack(): Promise<string> {
  const folder = join(APPS, "packed");
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  // dist is not there: `npm pack` has to make it.
  await rm(here("../dist"), { recursive: true, force: true });
  await command(here(".."), "npm", ["pack", "--silent", "--pack-destination", folder]);
  const [made] = await readdir(folder);
  const bytes = await readFile(join(folder, made ?? ""));
  const name = join(folder, `uploader-${createHash("sha256").update(bytes).digest("hex").slice(0, 16)}.tgz`);
  await rename(join(folder, made ?? ""), name);
  return name;
}

const installed = new Map<string, Promise<string>>();

/** A folder with an app in it, with everything installed; done once for several tests. */
export function install(name: string, from: string, packed: string): Promise<string> {
  const key = `${name} ${packed}`;
  if (!installed.has(key)) installed.set(key, installAnew(name, from, packed));
  return installed.get(key) as Promise<string>;
}

async function installAnew(name: string, from: string, packed: string): Promise<string> {
  const [folder, source] = [join(APPS, name), here(from)];
  const wanted = JSON.parse(await readFile(join(source, "package.json"), "utf8"));
  delete wanted.dependencies["@strongroom/uploader"];
  const text = JSON.stringify(wanted);
  const stamp = createHash("sha256").update(process.version + text).digest("hex");
  const has = await readFile(join(folder, "made-from"), "utf8").catch(() => "");
  if (has !== stamp) {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
  }
  const skip = /\/(node_modules|\.next|package\.json)$/;
  await cp(source, folder, { recursive: true, filter: (path) => !skip.test(path) });
  await writeFile(join(folder, ".npmrc"), "package-lock=false\nfund=false\naudit=false\n");
  await writeFile(join(folder, "package.json"), text);
  if (has !== stamp) await command(folder, "npm", ["install", "--silent"]);
  await writeFile(join(folder, "made-from"), stamp);
  await command(folder, "npm", ["install", "--silent", "--prefer-offline", packed]);
  return folder;
}

/** Starts a program that says its address when it listens; answers how to end it. */
export async function start(folder: string, args: string[], env: object) {
  const child = spawn(process.execPath, args, {
    cwd: folder,
    // Without colours: they would stand in the middle of the address.
    env: { ...process.env, FORCE_COLOR: undefined, NO_COLOR: "1", NEXT_TELEMETRY_DISABLED: "1", ...env },
    stdio: ["ignore", "pipe", "inherit"],
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  await new Promise<void>((resolve, reject) => {
    child.stdout.on("data", (said: Buffer) => READY.test(String(said)) && resolve());
    child.once("exit", (code) => reject(new Error(`${args.join(" ")} ended with ${code}`)));
  });
  return async () => {
    child.kill();
    await ended;
  };
}
