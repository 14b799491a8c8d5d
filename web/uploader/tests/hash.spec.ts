// The worker that hashes: nothing is hashed that nobody waits for, and no worker outlives its page's uploader.
import { mkdir, writeFile } from "node:fs/promises";
import { expect, letter, test } from "./fixtures.js";

const MB = 1_000_000;

declare global {
  interface Window {
    /** What workers have told: by which file, and at what. */
    hashed: { id: number; done?: number; sha256?: string; error?: string }[];
  }
}

test("a file that is cancelled while it is hashed is not hashed to its end", async ({ uploader, page }, info) => {
  await page.addInitScript(() => {
    window.hashed = [];
    const Plain = window.Worker;
    window.Worker = class extends Plain {
      constructor(...given: ConstructorParameters<typeof Worker>) {
        super(...given);
        this.addEventListener("message", ({ data }) => window.hashed.push(data));
      }
    };
  });
  await mkdir(info.outputDir, { recursive: true });
  const path = info.outputPath("huge.txt");
  await writeFile(path, Buffer.alloc(600 * MB, 97));
  await uploader.open();
  await uploader.choose(path);
  await page.waitForFunction(() => window.hashed.length > 0);
  await uploader.button("Cancel", "huge.txt").click();
  await expect(uploader.row("huge.txt")).toHaveCount(0);
  await page.waitForFunction(() => window.hashed.some(({ id, error, sha256 }) => id === 1 && (error || sha256)));
  const told = (await page.evaluate(() => window.hashed)).filter(({ id }) => id === 1);
  expect(told.at(-1)?.sha256).toBe(undefined);
  expect(told.findLast(({ done }) => done !== undefined)?.done).toBeLessThan(600 * MB);
});

test("an uploader that is taken away while it waits for its ticket leaves no worker behind", async ({
  uploader,
  page,
}) => {
  let answer: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (answer = resolve));
  let asked: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (asked = resolve));
  await page.route("**/ticket", async (route) => {
    asked();
    await held;
    await route.continue();
  });
  let workers = 0;
  page.on("worker", () => (workers += 1));
  await uploader.open();
  await uploader.drop(letter());
  await begun;
  await uploader.give(null);
  await expect(page.getByText("Nothing is here.")).toBeVisible();
  const answered = page.waitForResponse("**/ticket");
  answer();
  await (await answered).finished();
  // What the page does with the answer is over before this is.
  await page.evaluate(() => fetch("/index.html").then((page) => page.text()));
  expect(workers).toBe(0);
  expect(page.workers()).toEqual([]);
});
