// A real Strongroom server for the tests of the pages: started on a free port with a folder of its
// own, stopped with everything it made.
//
//   import { startServer } from "../../testing/server.mjs";
//   const server = await startServer({ origins: ["http://127.0.0.1:5999"] });
//   … server.url, server.token({ user, role }), server.api("GET", "/api/docs", { token }) …
//   await server.stop();
//
// The program is STRONGROOM_BIN, else target/debug/strongroom.
import { execFile, spawn } from "node:child_process";
import { mkdtemp, open, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);

/** How long a server may take to come up or to go, in milliseconds. */
const PATIENCE = 30_000;
/** The server ends by itself after this, whatever becomes of the tests. */
const LIFE = "30m";

export const program =
  process.env.STRONGROOM_BIN ??
  fileURLToPath(new URL("../../target/debug/strongroom", import.meta.url));

/** A port that nobody listens on now. */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/**
 * Starts a server. `origins` are the pages that may call it, `publicUrl` what browsers reach it by
 * if that is not its own address, `vars` more variables (`undefined` takes one away), `args` more arguments of
 * `serve`, `fill` what is done with the path of its database before it starts.
 *
 * @param {{
 *   origins?: string[], publicUrl?: string, vars?: Record<string, string | undefined>, args?: string[],
 *   fill?: (database: string) => Promise<unknown>,
 * }} [options]
 */
export async function startServer({ origins = [], publicUrl, vars = {}, args = [], fill } = {}) {
  const home = await mkdtemp(join(tmpdir(), "strongroom-web-test-"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const env = {
    STRONGROOM_DATA_DIR: join(home, "data"),
    STRONGROOM_LISTEN: `127.0.0.1:${port}`,
    STRONGROOM_PUBLIC_URL: publicUrl ?? url,
    STRONGROOM_CARE_TEAM: "clinic",
    ...(origins.length > 0 && { STRONGROOM_ALLOWED_ORIGINS: origins.join(",") }),
    ...vars,
  };
  if (fill) {
    // The first command makes the database.
    await run(program, ["token", "--user", "test-setup", "--role", "admin"], { cwd: home, env });
    await fill(join(home, "data", "strongroom.sqlite"));
  }
  const log = await open(join(home, "log"), "a");
  const child = spawn("timeout", [LIFE, program, "serve", ...args], {
    cwd: home,
    env,
    stdio: ["ignore", log.fd, log.fd],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const kill = () => child.kill("SIGTERM");
  process.once("exit", kill);

  const readLog = () => readFile(join(home, "log"), "utf8");
  const stop = async () => {
    process.off("exit", kill);
    kill();
    await within(ended, "the server did not stop");
    await log.close();
    await rm(home, { recursive: true, force: true });
  };
  const ready = await Promise.race([untilReady(url), ended.then(() => false)]);
  if (!ready) {
    const said = await readLog();
    await stop();
    throw new Error(`the server did not start: ${said}`);
  }
  const tell = async (input, of) => {
    const running = run(program, of, { cwd: home, env });
    // A command that asks nothing may be gone before this arrives.
    running.child.stdin.on("error", () => undefined);
    running.child.stdin.end(input);
    return (await running).stdout.trim();
  };
  const cli = (...of) => tell("", of);
  return {
    url,
    home,
    stop,
    log: readLog,
    /** Runs a command beside the server; what it prints. */
    cli,
    /**
     * A token for somebody.
     * @param {{ user?: string, role?: string, patient?: string }} [who]
     */
    token: ({ user = "test-clinician", role = "clinician", patient } = {}) =>
      cli("token", "--user", user, "--role", role, ...(patient ? ["--patient", patient] : [])),
    /** Adds somebody who signs in to the pages. */
    user: ({ name = "test-admin", role = "admin", password = "correct horse battery" } = {}) =>
      tell(`${password}\n`, ["user", "add", name, "--role", role]),
    /** A key of the role `service`, as an app's backend has it. */
    serviceKey: () => cli("key", "create", "--name", "test-app", "--role", "service"),
    /** One call as JSON; throws what the server says when it refuses. */
    api: (method, path, options) => call(url, method, path, options),
  };
}

async function call(url, method, path, { token, headers = {}, body } = {}) {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: {
      ...(token && { authorization: `Bearer ${token}` }),
      ...(body && { "content-type": "application/json" }),
      ...headers,
    },
    ...(body && { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

async function untilReady(url) {
  const deadline = Date.now() + PATIENCE;
  while (Date.now() < deadline) {
    const answer = await fetch(`${url}/readyz`).catch(() => undefined);
    if (answer?.ok) return true;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return false;
}

function within(promise, otherwise) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(otherwise)), PATIENCE);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}
