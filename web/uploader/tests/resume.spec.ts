import { createHash } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { count, eachPartOnce, expect, test, text } from "./fixtures.js";

const MB = 1_000_000;
/** A part has 8 MiB, the last one what is left. */
const [TWO_PARTS, THREE_PARTS] = [9 * MB, 17 * MB];

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
  const row = uploader.row(name);

  world.line.letParts(5);
  await uploader.open();
  await uploader.choose(path);
  // Five are there, and four wait on the line.
  await expect.poll(() => [world.line.answered().length, world.line.waits()], { timeout: 60_000 }).toEqual([5, 4]);
  await uploader.button("Pause", name).click();
  await expect(row).toContainText("Paused at");
  // What is under way when it pauses is broken off, and nothing more begins.
  await expect.poll(() => world.line.waits()).toBe(0);
  world.line.release();

  await uploader.reload();
  await expect(row).toContainText("Interrupted at 21 %. Choose the same file again");
  expect(world.line.arrived()).toHaveLength(5);
  await uploader.choose(path);
  await expect(row).toHaveAttribute("data-phase", "done", { timeout: 150_000 });

  const { done, failed } = await uploader.told();
  expect(failed).toEqual([]);
  expect(done).toMatchObject([{ filename: name, size: 200 * MB, sha256: hash }]);
  eachPartOnce(world.line, 24);
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);

  const content = await fetch(`${world.line.url}/api/docs/${done[0]?.id}/content`, {
    headers: { authorization: `Bearer ${world.admin}` },
  });
  const stored = createHash("sha256");
  const reader = content.body?.getReader();
  for (let got = await reader?.read(); got?.value; got = await reader?.read()) stored.update(got.value);
  expect(stored.digest("hex")).toBe(hash);
});

test("of two files with the same bytes each goes on under its own name", async ({ uploader, world }) => {
  const [one, two] = [text("copy-one.txt", 100_000), text("copy-two.txt", 100_000)];
  await uploader.begin(one);
  await uploader.drop(two);
  await expect(uploader.row(two.name)).toHaveAttribute("data-phase", "uploading");
  await uploader.reload();
  for (const { name } of [one, two]) await expect(uploader.row(name)).toContainText("Interrupted at");
  world.line.release();
  await uploader.drop(two);
  await expect(uploader.row(two.name)).toHaveAttribute("data-phase", "done");
  expect((await uploader.told()).done).toMatchObject([{ filename: two.name }]);
  await expect(uploader.row(one.name)).toHaveAttribute("data-phase", "interrupted");
});

test("an interrupted upload can be discarded, and nothing of it stays", async ({
  uploader,
  world,
}) => {
  const name = "discarded.txt";
  const row = await uploader.begin(text(name, TWO_PARTS), 1);
  await uploader.reload();
  await expect(row).toContainText("Interrupted at");
  await uploader.button("Discard", name).click();
  await expect(row).toHaveCount(0);
  await expect.poll(() => count(world, "pending", name)).toBe(0);
});

test("after the connection was cut an upload is tried again and sends only what is missing", async ({
  uploader,
  world,
}) => {
  await uploader.hurry();
  const notes = text("cut-off.txt", THREE_PARTS);
  const row = await uploader.begin(notes, 1);
  world.line.cut();
  await expect(row).toHaveAttribute("data-phase", "failed");
  await expect(row).toContainText(/connection/i);
  world.line.mend();
  world.line.release();
  await uploader.button("Try again", notes.name).click();
  await expect(row).toHaveAttribute("data-phase", "done", { timeout: 30_000 });
  eachPartOnce(world.line, 3);
  expect((await uploader.told()).done).toMatchObject([{ size: THREE_PARTS }]);
});

test("a short break of the connection is bridged without anybody's doing", async ({
  uploader,
  page,
  world,
}) => {
  const row = await uploader.begin(text("bridged.txt", THREE_PARTS), 1);
  const failed = page.waitForEvent("requestfailed");
  world.line.cut();
  await failed;
  world.line.mend();
  world.line.release();
  await expect(row).toHaveAttribute("data-phase", "done", { timeout: 30_000 });
  expect((await uploader.told()).failed).toEqual([]);
  eachPartOnce(world.line, 3);
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
  await uploader.reload();
  await expect(uploader.row(name)).toHaveAttribute("data-phase", "done");
  expect((await uploader.told()).done).toMatchObject([{ filename: name, state: "available" }]);
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
});
