// The main path once more, into a bucket of a real S3 store (Garage): what a store of somebody else's does
// differently shows here. The bucket is made, and opened to pages, as docs/object-stores.md says.
import { mkdir, writeFile } from "node:fs/promises";
import { dirname } from "node:path";
import type { TestInfo } from "@playwright/test";
import { eachPartOnce, expect, letter, photo, type Sample, sha256, test, text, type Uploader, type World } from "./fixtures.js";

const MB = 1_000_000;

test.use({ store: "garage" });

/** A large file is chosen much faster from the disk. */
async function onDisk({ name, bytes }: Sample, info: TestInfo): Promise<string> {
  const path = info.outputPath(name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  return path;
}

/** The bytes of a document, by its link. */
async function download(world: World, id: string | undefined) {
  const headers = { authorization: `Bearer ${world.admin}` };
  const asked = await fetch(`${world.line.url}/api/docs/${id}/download`, { headers });
  const { url } = await asked.json();
  return Buffer.from(await (await fetch(url)).arrayBuffer());
}

/** One file came whole, and each of its three parts once. */
async function cameOnce(world: World, uploader: Uploader, { bytes }: Sample) {
  eachPartOnce(world.storeLine, 3);
  const { done } = await uploader.told();
  expect((await download(world, done[0]?.id)).equals(bytes)).toBe(true);
}

test("into a bucket: a small file and one of three parts arrive as they were, straight from the page", async ({
  uploader,
  page,
  world,
}) => {
  const origins = new Set<string>();
  page.on("request", (one) => one.method() === "PUT" && origins.add(new URL(one.url()).origin));
  world.storeLine.rate = 12 * MB;
  await uploader.open();
  const notes = text("bucket-notes.txt", 17 * MB);
  const seen = await uploader.watchProgress(notes.name);
  await uploader.drop(letter(), notes);
  await expect(page.locator(".srm-summary-text")).toHaveText("2 files uploaded");
  expect((await seen()).filter((now) => now > 0 && now < 100).length).toBeGreaterThan(1);
  const { done, failed } = await uploader.told();
  expect(failed).toEqual([]);
  // Three parts and the one of the small file, and none of it went through the server.
  expect(world.storeLine.arrived()).toEqual([1, 1, 2, 3]);
  expect([...origins]).toEqual([world.storeLine.url]);
  for (const file of [letter(), notes]) {
    const document = done.find(({ filename }) => filename === file.name);
    expect(document).toMatchObject({ state: "available", sha256: sha256(file.bytes) });
    expect((await download(world, document?.id)).equals(file.bytes), file.name).toBe(true);
  }
});

test("into a bucket: paused, reloaded and gone on with, nothing is sent twice", async ({
  uploader,
  world,
}, info) => {
  world.storeLine.letParts(0);
  await uploader.open();
  const notes = text("bucket-paused.txt", 17 * MB);
  const path = await onDisk(notes, info);
  const row = uploader.row(notes.name);
  await uploader.choose(path);
  await expect(row).toContainText("of 17 MB");
  await expect.poll(() => world.storeLine.waits()).toBe(3);
  await uploader.button("Pause", notes.name).click();
  await expect(row).toContainText("Paused at");
  await expect.poll(() => world.storeLine.waits()).toBe(0);
  await uploader.button("Resume", notes.name).click();
  await expect.poll(() => world.storeLine.waits()).toBe(3);
  world.storeLine.letParts(1);
  await expect.poll(() => world.storeLine.answered()).toHaveLength(1);
  await uploader.reload();
  world.storeLine.release();
  await expect(row).toContainText(/Interrupted at [1-9]\d* %/);
  await uploader.choose(path);
  await expect(row).toHaveAttribute("data-phase", "done", { timeout: 30_000 });
  await cameOnce(world, uploader, notes);
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
  world,
}, info) => {
  world.storeLine.letParts(1);
  await uploader.hurry();
  await uploader.open();
  const notes = text("bucket-cut.txt", 17 * MB);
  const row = uploader.row(notes.name);
  await uploader.choose(await onDisk(notes, info));
  await expect.poll(() => [world.storeLine.answered().length, world.storeLine.waits()]).toEqual([1, 2]);
  world.storeLine.cut();
  await expect(row).toHaveAttribute("data-phase", "failed");
  // Whoever notices first, the page or the server, says it without addresses and settings.
  await expect(row).toContainText(/The connection was lost|cannot do this at the moment/);
  world.storeLine.mend();
  world.storeLine.release();
  await uploader.button("Try again", notes.name).click();
  await expect(row).toHaveAttribute("data-phase", "done", { timeout: 30_000 });
  await cameOnce(world, uploader, notes);
});

test("into a bucket: while the store is away people read nothing of addresses and settings", async ({
  uploader,
  world,
}) => {
  await uploader.hurry();
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
  // The server may take its time to believe that the store is back: people try again until it does.
  await expect(async () => {
    const again = uploader.button("Try again", "store-away.pdf");
    if (await again.isVisible()) await again.click();
    await expect(row).toHaveAttribute("data-phase", "done", { timeout: 3_000 });
  }).toPass({ timeout: 45_000 });
});

test("into a bucket: what is refused or cancelled leaves nothing there", async ({
  uploader,
  world,
}) => {
  const before = await world.bucket?.keys();
  await uploader.open();
  await uploader.drop(photo("bucket-liar.pdf"));
  await expect(uploader.row("bucket-liar.pdf")).toContainText("but it is a PNG picture");
  // Its bytes were there, and are gone.
  eachPartOnce(world.storeLine, 1);
  await expect.poll(() => world.bucket?.keys()).toEqual(before);

  world.storeLine.letParts(0);
  await uploader.drop(text("bucket-cancelled.txt", 100_000));
  await expect(uploader.row("bucket-cancelled.txt")).toContainText("of 100 kB");
  expect(await world.bucket?.open()).toHaveLength(1);
  await uploader.button("Cancel", "bucket-cancelled.txt").click();
  await expect.poll(() => world.bucket?.open()).toEqual([]);
});
