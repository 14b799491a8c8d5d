// Folders, dropped as a hand does: every file of them is sent or shown as one that was not.
import { mkdir, rm, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { Page } from "@playwright/test";
import { expect, sample, sha256, test, text, type Uploader } from "./fixtures.js";

/** Files from the disk, all of the same time. */
async function onDisk(root: string, files: Record<string, Buffer>) {
  await rm(root, { recursive: true, force: true });
  for (const [name, bytes] of Object.entries(files)) {
    const path = join(root, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes);
    await utimes(path, 1, 1);
  }
}

/** Drops what lies at some paths; a folder comes as the browser tells it, entry by entry. */
async function dropPaths(page: Page, ...paths: string[]) {
  const browser = await page.context().newCDPSession(page);
  const box = await page.locator(".srm-drop").boundingBox();
  const at = { x: (box?.x ?? 0) + 20, y: (box?.y ?? 0) + 20 };
  const data = { items: [], files: paths, dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"] as const) {
    await browser.send("Input.dispatchDragEvent", { type, ...at, data });
  }
}

const phases = (uploader: Uploader, name: string) =>
  uploader.row(name).evaluateAll((rows) => rows.map((row) => row.getAttribute("data-phase")));

/** A DICOM file as all others in size, with bytes of its own. */
function slice(last: number): Buffer {
  const bytes = Buffer.from(sample("chest-ct.dcm", "application/dicom").bytes);
  bytes.writeUInt8(last, bytes.length - 1);
  return bytes;
}

test("two series of files of one name, size and time come whole", async ({ uploader, page }, info) => {
  const root = info.outputPath("study");
  const files: Record<string, Buffer> = {};
  for (const series of [1, 2]) {
    for (const image of [1, 2, 3]) files[`series-${series}/IM00${image}.dcm`] = slice(series * 16 + image);
  }
  await onDisk(root, files);
  await uploader.open();
  await dropPaths(page, root);
  await expect.poll(async () => (await uploader.told()).done, { timeout: 60_000 }).toHaveLength(6);
  const { done, failed } = await uploader.told();
  expect(failed).toEqual([]);
  expect(done.map(({ sha256 }) => sha256).sort()).toEqual(Object.values(files).map(sha256).sort());
  // The same folder once more is the same files: each row begins again, and none is there twice.
  await dropPaths(page, root);
  await expect.poll(async () => (await uploader.told()).done, { timeout: 60_000 }).toHaveLength(12);
  expect(await phases(uploader, "IM001.dcm")).toEqual(["done", "done"]);
});

test("what cannot be read or may not come in takes no other file of its folder with it", async ({
  uploader,
  page,
}, info) => {
  const root = info.outputPath("mixed");
  const notes = (name: string) => text(name, 100).bytes;
  await onDisk(root, {
    "a.txt": notes("a.txt"),
    "b-gone.txt": notes("b-gone.txt"),
    "c.exe": Buffer.from("MZ"),
    "deep/d.txt": notes("d.txt"),
    "deep/e-gone.txt": notes("e-gone.txt"),
    "f.txt": notes("f.txt"),
  });
  await uploader.open();
  // Some files go between the folder's list and their own turn.
  await page.evaluate(() => {
    const gone = (_: unknown, reject: (why: unknown) => void) => reject(new DOMException("", "NotFoundError"));
    const onDrop = ({ dataTransfer }: DragEvent) => {
      const folder = dataTransfer?.items[0]?.webkitGetAsEntry() as FileSystemDirectoryEntry;
      const reader = Object.getPrototypeOf(folder.createReader());
      const plain: FileSystemDirectoryReader["readEntries"] = reader.readEntries;
      reader.readEntries = function (this: FileSystemDirectoryReader, resolve: (all: unknown[]) => void) {
        plain.call(this, (all) => {
          for (const one of all) if (/gone/.test(one.name)) Object.assign(one, { file: gone });
          resolve(all);
        });
      };
    };
    window.addEventListener("drop", onDrop, { capture: true, once: true });
  });
  await dropPaths(page, root);
  for (const name of ["a.txt", "d.txt", "f.txt"]) {
    await expect(uploader.row(name)).toHaveAttribute("data-phase", "done");
  }
  await expect(uploader.row("c.exe")).toHaveAttribute("data-phase", "refused");
  for (const name of ["b-gone.txt", "e-gone.txt"]) {
    await expect(uploader.row(name)).toContainText("The file could not be read.");
  }
  const { failed } = await uploader.told();
  expect(failed.map(({ code }) => code).sort()).toEqual(["unreadable", "unreadable", "unsupported_type"]);
});

test("files that are dropped while others are being added keep to the number that may come", async ({
  uploader,
  page,
}) => {
  await uploader.open({ ticketUrl: "/ticket", maxFiles: 3 });
  const [one, two] = [
    await uploader.dataTransfer([1, 2, 3].map((n) => text(`first-${n}.txt`, 100 + n))),
    await uploader.dataTransfer([1, 2, 3].map((n) => text(`second-${n}.txt`, 200 + n))),
  ];
  await page.evaluate(
    ([one, two]) => {
      for (const dataTransfer of [one, two]) {
        const drop = new DragEvent("drop", { dataTransfer: dataTransfer ?? null, bubbles: true, cancelable: true });
        document.querySelector(".srm-uploader")?.dispatchEvent(drop);
      }
    },
    [one, two],
  );
  await expect(page.locator("[data-phase=done]")).toHaveCount(3);
  await expect(page.locator("[data-phase=refused]")).toHaveCount(3);
  const { done, failed } = await uploader.told();
  expect(done).toHaveLength(3);
  expect(failed.map(({ code }) => code)).toEqual(["too_many_files", "too_many_files", "too_many_files"]);
});
