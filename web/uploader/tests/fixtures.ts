// What every test has: a server behind a line that can be cut, an app with pages and a ticket route, and a
// page with the component in it.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { expect, type Page, test as base } from "@playwright/test";
import type { Document } from "../src/client/index.js";
import type { FailedFile } from "../src/core/types.js";
import { makeBucket, garage } from "../../testing/bucket.mjs";
import { startPages } from "../../testing/pages.mjs";
import { startLine } from "../../testing/proxy.mjs";
import { freePort, startServer } from "../../testing/server.mjs";

export { expect };

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
export const FOLDERS = [
  here("../../../target/web-tests/uploader-page"),
  here("../../../target/web-tests/uploader-page-development"),
  here("page"),
  here("../dist"),
];

/** A file as a test gives it to the page. */
export interface Sample {
  name: string;
  type: string;
  bytes: Buffer;
}

export function sample(name: string, type: string, as = name): Sample {
  return { name: as, type, bytes: readFileSync(here(`../../../samples/${name}`)) };
}

export const letter = (as = "referral-letter.pdf") => sample("referral-letter.pdf", "application/pdf", as);
export const photo = (as = "wound-photo.png") => sample("wound-photo.png", "image/png", as);
export const scan = (as = "knee-xray.jpg") => sample("knee-xray.jpg", "image/jpeg", as);

/** Readable text of a size that differs all along. */
export function text(name: string, size: number): Sample {
  const bytes = Buffer.alloc(size, "The quick brown fox jumps over the lazy dog.\n");
  for (let at = 0; at + 16 < size; at += 65_536) bytes.write(`line ${at}\n`, at);
  return { name, type: "text/plain", bytes };
}

export const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

type Server = Awaited<ReturnType<typeof startServer>>;
type Line = Awaited<ReturnType<typeof startLine>>;
type Bucket = Awaited<ReturnType<typeof makeBucket>>;

/** Where documents are kept: sealed beside the server, or in a bucket of an S3 store. */
export type Store = "local" | "garage";

export interface World {
  server: Server;
  /** Between the browser and the server. */
  line: Line;
  /** Between the browser, the server and the bucket; the local store is behind the server's own line. */
  storeLine: Line;
  bucket?: Bucket | undefined;
  pages: { url: string };
  /** The patient that the person has open, as the app's backend knows it: `/ticket` is for this one. */
  open: { patient: string };
  /** A token of somebody who may see everything. */
  admin: string;
  /** A token of somebody who uploads. */
  clinician: string;
}

/** A page that allows its own scripts and the way to the server, and nothing else. */
function strictPolicy(port: number) {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "worker-src 'none'",
    `connect-src 'self' http://127.0.0.1:${port}`,
  ].join("; ");
}

/** A bucket of its own, on a line of its own. */
async function makeStore(origin: string) {
  const storeLine = await startLine(await freePort(), garage().endpoint);
  return { storeLine, bucket: await makeBucket({ origins: [origin], endpoint: storeLine.url }) };
}

async function makeWorld(store: Store, sealed: boolean, use: (world: World) => Promise<void>) {
  const [pagesPort, linePort] = [await freePort(), await freePort()];
  const origin = `http://127.0.0.1:${pagesPort}`;
  const { storeLine, bucket } = store === "garage" ? await makeStore(origin) : {};
  const server = await startServer({
    origins: [origin],
    publicUrl: `http://127.0.0.1:${linePort}`,
    vars: {
      ...bucket?.vars,
      STRONGROOM_MAX_BY_CATEGORY: "insurance=15kB",
      STRONGROOM_SEALED_UPLOADS: String(sealed),
    },
  });
  const line = await startLine(linePort, server.url);
  const key = await server.serviceKey();
  const open = { patient: "test-patient" };
  // An app's backend: it knows who is signed in and which patient the page is about.
  const headers = { "x-api-key": key, "x-acting-user": "dr-test", "x-acting-role": "clinician" };
  const ticket = (wish: object) =>
    server.api("POST", "/api/uppy/tickets", { headers, body: { patientId: open.patient, ...wish } });
  /** Of a backend that hands on no more than it must. */
  const bare = async (wish: object) => {
    const { companionEndpoint } = await ticket(wish);
    return { companionEndpoint };
  };
  const pages = await startPages({
    port: pagesPort,
    folders: FOLDERS,
    routes: {
      "POST /ticket": () => ticket({ category: "lab-results" }),
      "POST /ticket-of": ({ body }: { body: string }) => ticket(JSON.parse(body)),
      "POST /insurance-ticket": () => ticket({ category: "insurance" }),
      "POST /bare-ticket": () => bare({ category: "insurance" }),
      "POST /bare-large-ticket": () => bare({}),
      "POST /tiny-ticket": () => ticket({ maxSize: 10_000 }),
      "POST /bare-tiny-ticket": () => bare({ maxSize: 10_000 }),
      "POST /small-ticket": () => ticket({ maxFiles: 1 }),
    },
    headersOf: ({ searchParams }) =>
      searchParams.has("strict") ? { "content-security-policy": strictPolicy(linePort) } : {},
  });
  const admin = await server.token({ user: "test-admin", role: "admin" });
  const clinician = await server.token();
  await use({ server, line, storeLine: storeLine ?? line, bucket, pages, open, admin, clinician });
  await pages.stop();
  await line.stop();
  await server.stop();
  await storeLine?.stop();
}

/** A page without a build, with the uploader's element on it; `strict` gives the page a policy that forbids much. */
export function elementPage(pages: string, attributes: Record<string, string>) {
  return `${pages}/element.html?${new URLSearchParams({ element: "strongroom-uploader", ...attributes })}`;
}

/** What the app was told of a file that did not make it. */
interface Failed {
  code: string;
  message: string;
  file: FailedFile;
}

/** The component in a page. */
export class Uploader {
  constructor(
    readonly page: Page,
    private readonly world: World,
  ) {}

  /** With a ticket of the app's backend, where nothing else is said. */
  async open(props: Record<string, unknown> = { ticketUrl: "/ticket" }, show = "uploader", at = "/") {
    const query = new URLSearchParams({ show, props: JSON.stringify(props) });
    await this.page.goto(`${this.world.pages.url}${at}?${query}`);
    await this.page.locator(".srm").first().waitFor();
  }

  /** Gives the component other props while it stands; none take it from the page. */
  async give(props: Record<string, unknown> | null) {
    await this.page.evaluate((props) => window.give(props), props);
  }

  /** Gives the component other props besides those it has; null takes it from the page. */
  change(props: Record<string, unknown> | null) {
    return this.page.evaluate((more) => window.change(more), props);
  }

  /** Drops a file that gets no further than so many of its parts, and waits until it is there. */
  async begin(file: Sample, parts = 0, props?: Record<string, unknown>) {
    const { line } = this.world;
    line.reset();
    line.letParts(parts);
    await this.open(props);
    await this.drop(file);
    const row = this.row(file.name);
    await expect(row).toHaveAttribute("data-phase", "uploading");
    await expect.poll(() => [line.answered().length, line.waits() > 0]).toEqual([parts, true]);
    return row;
  }

  /** The page goes and comes back; what was on its way has been given up. */
  async reload() {
    await this.page.reload();
    const { line, storeLine } = this.world;
    await expect.poll(() => line.waits() + storeLine.waits()).toBe(0);
  }

  /** Pauses between tries, which are seconds, last moments; what is given half a minute and longer still has it. */
  async hurry() {
    await this.page.addInitScript(() => {
      const plain = window.setTimeout;
      const hurried = (call: () => void, wait = 0, ...more: unknown[]) =>
        plain(call, wait >= 400 && wait < 20_000 ? wait / 20 : wait, ...more);
      window.setTimeout = hurried as typeof window.setTimeout;
    });
  }

  /** Drops files as a hand does. */
  async drop(...files: Sample[]) {
    const data = await this.dataTransfer(files);
    for (const type of ["dragenter", "dragover", "drop"]) {
      await this.page.dispatchEvent(".srm-uploader", type, { dataTransfer: data });
    }
  }

  async dataTransfer(files: Sample[]) {
    // Packed, since whatever goes to the page goes through the browser's driver as a text.
    const packed = files.map(({ name, type, bytes }) => ({
      name,
      type,
      gzip: gzipSync(bytes, { level: 1 }).toString("base64"),
    }));
    return this.page.evaluateHandle(async (all) => {
      const data = new DataTransfer();
      for (const { name, type, gzip } of all) {
        const { body } = await fetch(`data:;base64,${gzip}`);
        const bytes = await new Response(body!.pipeThrough(new DecompressionStream("gzip"))).blob();
        data.items.add(new File([bytes], name, { type, lastModified: 1 }));
      }
      return data;
    }, packed);
  }

  /** Chooses files in the dialog; large ones by their path. */
  async choose(...files: (Sample | string)[]) {
    const asked = this.page.waitForEvent("filechooser");
    await this.page.getByRole("button", { name: /^Choose (a file|files)$/ }).click();
    const chooser = await asked;
    const paths = files.filter((file) => typeof file === "string");
    if (paths.length > 0) return chooser.setFiles(paths);
    const samples = files.filter((file) => typeof file !== "string");
    return chooser.setFiles(
      samples.map(({ name, type, bytes }) => ({ name, mimeType: type, buffer: bytes })),
    );
  }

  /** The row of a file. */
  row(name: string) {
    return this.page.getByRole("listitem").filter({ hasText: name });
  }

  button(action: string, name: string) {
    return this.page.getByRole("button", { name: `${action}: ${name}` });
  }

  /** Writes down every value that a file's bar shows; calling it tells them. */
  async watchProgress(name: string) {
    const values = await this.page.evaluateHandle((name) => {
      const seen: number[] = [];
      const look = () => {
        const bar = document.querySelector(`[role=progressbar][aria-label="${name}"]`);
        const now = Number(bar?.getAttribute("aria-valuenow"));
        if (bar && seen.at(-1) !== now) seen.push(now);
      };
      const all = { attributes: true, childList: true, subtree: true };
      new MutationObserver(look).observe(document.body, all);
      return seen;
    }, name);
    return () => values.jsonValue();
  }

  /** What the app was told. */
  told(): Promise<{ done: Document[]; failed: Failed[] }> {
    return this.page.evaluate(() => window.told) as never;
  }
}

export const test = base.extend<
  { uploader: Uploader },
  { world: World; store: Store; sealed: boolean }
>({
  store: ["local", { scope: "worker", option: true }],
  // Whether the server takes sealed files.
  sealed: [false, { scope: "worker", option: true }],
  world: [async ({ store, sealed }, use) => makeWorld(store, sealed, use), { scope: "worker" }],
  uploader: async ({ page, world }, use) => {
    // The browser asks before a page goes that is sending; here everybody says yes.
    page.on("dialog", (dialog) => void dialog.accept());
    await use(new Uploader(page, world));
    world.open.patient = "test-patient";
    for (const line of [world.line, world.storeLine]) line.reset();
  },
});

/** How many documents of a name the server has in a state. */
export async function count(
  world: World,
  state: string,
  name: string,
  patient = "test-patient",
): Promise<number> {
  const path = `/api/docs?patientId=${patient}&state=${state}&limit=1000`;
  const { items } = await world.server.api("GET", path, { token: world.admin });
  return items.filter(({ filename }: Document) => filename === name).length;
}

/** Of a file's parts each was answered, and went to the server once; those whose answer was lost went `twice`. */
export function eachPartOnce(line: Line, count: number, twice: number[] = []) {
  const every = Array.from({ length: count }, (_, at) => at + 1);
  expect(line.answered()).toEqual(every);
  expect(line.arrived()).toEqual([...every, ...twice].sort((a, b) => a - b));
}
