// The main path once more, into a bucket of a real S3 store (Garage): what a store of somebody else's does
// differently shows here. The bucket is made, and opened to pages, as docs/object-stores.md says.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { Page, TestInfo } from "@playwright/test";
import { expect, letter, photo, type Sample, sentParts, sha256, test, text, type Uploader, type World } from "./fixtures.js";

const MB = 1_000_000;

test.use({ store: "garage" });

/** A large file is chosen much faster from the disk. */
async function onDisk({ name, bytes }: Sample, info: TestInfo): Promise<string> {
  const path = info.outputPath(name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  return path;
}

/** The next part to arrive, and from then on nothing more does. */
async function partArrives(page: Page, line: { hold(): void }) {
  await page.waitForEvent("requestfinished", (request) => request.method() === "PUT");
  line.hold();
}

/** The bytes of a document, by its link. */
async function download(world: World, id: string | undefined) {
  const headers = { authorization: `Bearer ${world.admin}` };
  const asked = await fetch(`${world.line.url}/api/docs/${id}/download`, { headers });
  const { url } = await asked.json();
  return Buffer.from(await (await fetch(url)).arrayBuffer());
}

/** One file of 40 MB came whole, and of its five parts none was sent twice. */
async function cameOnce(world: World, uploader: Uploader, { bytes }: Sample, parts: unknown[]) {
  // A part may be there whose answer the page never saw.
  expect(parts.length).toBeLessThanOrEqual(5);
  const { done } = await uploader.told();
  expect((await download(world, done[0]?.id)).equals(bytes)).toBe(true);
}

test("into a bucket: a small file and one of 20 MB arrive as they were, straight from the page", async ({
  uploader,
  page,
  world,
}) => {
  world.storeLine.rate = 12 * MB;
  const parts = sentParts(page);
  await uploader.open();
  const notes = text("bucket-notes.txt", 20 * MB);
  const seen = await uploader.watchProgress(notes.name);
  await uploader.drop(letter(), notes);
  await expect(page.locator(".srm-summary-text")).toHaveText("2 files uploaded");
  expect((await seen()).filter((now) => now > 0 && now < 100).length).toBeGreaterThan(1);
  const { done, failed } = await uploader.told();
  expect(failed).toEqual([]);
  // 3 parts of 8 MiB and one small file, and none of it went through the server.
  expect(parts.map((part) => new URL(part.url()).origin)).toEqual(Array(4).fill(world.storeLine.url));
  for (const file of [letter(), notes]) {
    const document = done.find(({ filename }) => filename === file.name);
    expect(document).toMatchObject({ state: "available", sha256: sha256(file.bytes) });
    expect((await download(world, document?.id)).equals(file.bytes), file.name).toBe(true);
  }
});

test("into a bucket: paused, reloaded and gone on with, nothing is sent twice", async ({
  uploader,
  page,
  world,
}, info) => {
  test.setTimeout(120_000);
  world.storeLine.rate = 12 * MB;
  const parts = sentParts(page);
  await uploader.open();
  const notes = text("bucket-paused.txt", 40 * MB);
  const path = await onDisk(notes, info);
  const row = uploader.row(notes.name);
  await uploader.choose(path);
  await expect(row).toContainText("of 40 MB");
  await uploader.button("Pause", notes.name).click();
  await expect(row).toContainText("Paused at");
  expect(parts).toEqual([]);
  const arrived = partArrives(page, world.storeLine);
  await uploader.button("Resume", notes.name).click();
  await arrived;
  await page.reload();
  world.storeLine.release();
  await expect(row).toContainText(/Interrupted at [1-9]\d* %/);
  world.storeLine.rate = 0;
  await uploader.choose(path);
  await expect(row).toHaveAttribute("data-phase", "done", { timeout: 30_000 });
  await cameOnce(world, uploader, notes, parts);
});

test("into a bucket: a part whose URL has expired on the way is signed again and sent", async ({
  uploader,
  page,
  world,
}) => {
  let signed = 0;
  let until = Number.POSITIVE_INFINITY;
  const statuses: number[] = [];
  page.on("response", (answer) => {
    if (answer.request().method() === "PUT") statuses.push(answer.status());
  });
  // What is signed first may be used for a second (the server gives an hour), and waits on the line for longer:
  // the page was asleep, or its connection was.
  await page.route(/\/s3\/multipart\/[^/]+\/1\?/, async (route) => {
    signed += 1;
    if (signed > 1) return route.continue();
    const { url, ...rest } = await (await route.fetch()).json();
    const short = new URL(url);
    short.searchParams.set("X-Amz-Expires", "1");
    world.storeLine.hold();
    until = Date.now() + 3000;
    await route.fulfill({ json: { ...rest, url: short.href } });
  });
  await uploader.open();
  await uploader.drop(letter("expired.pdf"));
  await expect.poll(() => Date.now() > until).toBe(true);
  expect(statuses).toEqual([]);
  world.storeLine.release();
  await expect(uploader.row("expired.pdf")).toHaveAttribute("data-phase", "done");
  expect(statuses).toEqual([400, 200]);
  expect(signed).toBe(2);
  expect((await uploader.told()).failed).toEqual([]);
});

test("into a bucket: after the connection was cut only what is missing is sent", async ({
  uploader,
  page,
  world,
}, info) => {
  test.setTimeout(120_000);
  world.storeLine.rate = 8 * MB;
  const parts = sentParts(page);
  await uploader.open();
  const notes = text("bucket-cut.txt", 40 * MB);
  const row = uploader.row(notes.name);
  const arrived = partArrives(page, world.storeLine);
  await uploader.choose(await onDisk(notes, info));
  await arrived;
  world.storeLine.cut();
  await expect(row).toHaveAttribute("data-phase", "failed", { timeout: 60_000 });
  // Whoever notices first, the page or the server, says it without addresses and settings.
  await expect(row).toContainText(/The connection was lost|cannot do this at the moment/);
  world.storeLine.release();
  world.storeLine.mend();
  world.storeLine.rate = 0;
  await uploader.button("Try again", notes.name).click();
  await expect(row).toHaveAttribute("data-phase", "done", { timeout: 30_000 });
  await cameOnce(world, uploader, notes, parts);
});

test("into a bucket: while the store is away people read nothing of addresses and settings", async ({
  uploader,
  world,
}) => {
  await uploader.open();
  world.storeLine.cut();
  await uploader.drop(letter("store-away.pdf"));
  const row = uploader.row("store-away.pdf");
  await expect(row).toContainText("The server cannot do this at the moment.", { timeout: 30_000 });
  const { failed } = await uploader.told();
  expect(failed).toMatchObject([{ code: "store_unavailable" }]);
  // The server itself tells only admins and services.
  expect(failed[0]?.message).toBe("The object store cannot be used now.");
  expect(await row.textContent()).not.toContain("127.0.0.1");
  world.storeLine.mend();
  await uploader.button("Try again", "store-away.pdf").click();
  await expect(row).toHaveAttribute("data-phase", "done");
});

test("into a bucket: what is refused or cancelled leaves nothing there", async ({
  uploader,
  page,
  world,
}) => {
  const before = await world.bucket?.keys();
  const parts = sentParts(page);
  await uploader.open();
  await uploader.drop(photo("bucket-liar.pdf"));
  await expect(uploader.row("bucket-liar.pdf")).toContainText("but it is a PNG picture");
  // Its bytes were there, and are gone.
  expect(parts).toHaveLength(1);
  await expect.poll(() => world.bucket?.keys()).toEqual(before);

  world.storeLine.rate = 2 * MB;
  await uploader.drop(text("bucket-cancelled.txt", 20 * MB));
  await expect(uploader.row("bucket-cancelled.txt")).toContainText("of 20 MB");
  expect(await world.bucket?.open()).toHaveLength(1);
  await uploader.button("Cancel", "bucket-cancelled.txt").click();
  world.storeLine.rate = 0;
  await expect.poll(() => world.bucket?.open()).toEqual([]);
});
