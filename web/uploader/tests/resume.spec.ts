import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { count, expect, sentParts, test, text } from "./fixtures.js";

const MB = 1_000_000;

/** A text of 200 MB in which no two lines are the same. */
async function large(path: string): Promise<string> {
  const hash = createHash("sha256");
  const out = createWriteStream(path);
  for (let piece = 0; piece < 200; piece += 1) {
    const lines: string[] = [];
    for (let line = 0; line < 10_000; line += 1) {
      lines.push(`${piece}.${line} `.padEnd(99, "abcdefghij"));
    }
    const bytes = `${lines.join("\n")}\n`;
    hash.update(bytes);
    if (!out.write(bytes)) await new Promise<void>((resolve) => out.once("drain", () => resolve()));
  }
  await new Promise<void>((resolve) => out.end(() => resolve()));
  return hash.digest("hex");
}

test("a file of 200 MB is paused, survives a reload, goes on and arrives whole", async ({
  uploader,
  page,
  world,
}, info) => {
  test.setTimeout(240_000);
  const path = join(info.outputDir, "long-record.txt");
  await mkdir(info.outputDir, { recursive: true });
  const hash = await large(path);
  const name = "long-record.txt";
  const parts = sentParts(page);

  world.line.rate = 25 * MB;
  await uploader.open();
  await uploader.choose(path);
  const bar = page.getByRole("progressbar", { name });
  await expect(uploader.row(name)).toHaveAttribute("data-phase", "uploading", { timeout: 60_000 });
  await expect.poll(() => parts.length, { timeout: 60_000 }).toBeGreaterThan(4);
  await uploader.button("Pause", name).click();
  await expect(uploader.row(name)).toContainText("Paused at");
  // What is under way when it pauses is broken off, and nothing more begins.
  const atPause = await bar.getAttribute("aria-valuenow");
  const sent = parts.length;

  await page.reload();
  const row = uploader.row(name);
  await expect(row).toContainText(/Interrupted at \d+ %\. Choose the same file again/);
  expect(parts.length).toBe(sent);
  expect(Number(atPause)).toBeLessThan(100);
  world.line.rate = 0;
  await uploader.choose(path);
  await expect(row).toHaveAttribute("data-phase", "done", { timeout: 150_000 });

  const { done, failed } = await uploader.told();
  expect(failed).toEqual([]);
  expect(done).toMatchObject([{ filename: name, size: 200 * MB, sha256: hash }]);
  // 24 parts of 8 MiB: what was there before the reload is not sent again. Of the four that the pause broke off
  // some may have been there before the page was told so.
  expect(parts.length).toBeLessThanOrEqual(24);
  expect(parts.length).toBeGreaterThanOrEqual(20);
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);

  const content = await fetch(`${world.line.url}/api/docs/${done[0]?.id}/content`, {
    headers: { authorization: `Bearer ${world.admin}` },
  });
  const stored = createHash("sha256");
  const reader = content.body?.getReader();
  for (let got = await reader?.read(); got?.value; got = await reader?.read()) stored.update(got.value);
  expect(stored.digest("hex")).toBe(hash);
});

test("an interrupted upload can be discarded, and nothing of it stays", async ({
  uploader,
  page,
  world,
}) => {
  const name = "discarded.txt";
  const row = await uploader.begin(text(name, 20 * MB), 6 * MB);
  await page.reload();
  world.line.rate = 0;
  await expect(row).toContainText("Interrupted at");
  await uploader.button("Discard", name).click();
  await expect(row).toHaveCount(0);
  await expect.poll(() => count(world, "pending", name)).toBe(0);
});

test("after the connection was cut an upload is tried again and sends only what is missing", async ({
  uploader,
  page,
  world,
}) => {
  test.setTimeout(120_000);
  world.line.rate = 8 * MB;
  await uploader.open();
  const notes = text("cut-off.txt", 40 * MB);
  const parts = sentParts(page);
  await uploader.drop(notes);
  await expect.poll(() => parts.length, { timeout: 30_000 }).toBeGreaterThan(0);
  world.line.cut();
  const row = uploader.row(notes.name);
  await expect(row).toHaveAttribute("data-phase", "failed", { timeout: 60_000 });
  await expect(row).toContainText(/connection/i);
  const before = parts.length;
  world.line.mend();
  world.line.rate = 0;
  await uploader.button("Try again", notes.name).click();
  await expect(row).toHaveAttribute("data-phase", "done", { timeout: 30_000 });
  expect(before).toBeGreaterThan(0);
  expect(parts.length).toBe(5);
  expect((await uploader.told()).done).toMatchObject([{ size: 40 * MB }]);
});

test("a short break of the connection is bridged without anybody's doing", async ({
  uploader,
  page,
  world,
}) => {
  const row = await uploader.begin(text("bridged.txt", 24 * MB), 8 * MB);
  const failed = page.waitForEvent("requestfailed");
  world.line.cut();
  await failed;
  world.line.mend();
  world.line.rate = 0;
  await expect(row).toHaveAttribute("data-phase", "done", { timeout: 30_000 });
  expect((await uploader.told()).failed).toEqual([]);
});

test("what was interrupted with every byte there comes to its end by itself", async ({
  uploader,
  page,
}) => {
  await uploader.open();
  // The page goes between the last part and the word that it was the last.
  await page.evaluate(() => {
    const plain = window.fetch;
    window.fetch = (asked, ...rest) =>
      asked instanceof Request && asked.url.includes("/complete")
        ? new Promise(() => undefined)
        : plain(asked, ...rest);
  });
  const { name, ...rest } = text("all-there.txt", 100_000);
  await uploader.drop({ name, ...rest });
  await expect(uploader.row(name)).toHaveAttribute("data-phase", "finishing");
  await page.reload();
  await expect(uploader.row(name)).toHaveAttribute("data-phase", "done");
  expect((await uploader.told()).done).toMatchObject([{ filename: name, state: "available" }]);
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
});
