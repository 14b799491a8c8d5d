// The trail on paper: what the browser prints is read again, page by page.
import type { Page } from "@playwright/test";
import { getDocument } from "pdfjs-dist/legacy/build/pdf.mjs";
import { expect, rows, test, upload, type World } from "./fixtures";

/** What a browser's print dialog would show, as the text of each page; and how often a dialog was asked for. */
async function printed(page: Page) {
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  const { promise } = getDocument({ data: new Uint8Array(await page.pdf({ format: "A4", printBackground: true })), verbosity: 0 });
  const pdf = await promise;
  const pages: string[] = [];
  for (let n = 1; n <= pdf.numPages; n++) {
    const { items } = await (await pdf.getPage(n)).getTextContent();
    pages.push(items.map((item) => ("str" in item ? item.str : "")).join(" ").replace(/\s+/g, " "));
  }
  await page.emulateMedia({ media: null });
  return { pages, dialogs: await page.evaluate(() => (window as unknown as { dialogs: number }).dialogs) };
}

/** The dialog itself cannot be answered here. */
async function countDialogs(page: Page) {
  await page.addInitScript(() => {
    const counting = window as unknown as { dialogs: number };
    counting.dialogs = 0;
    window.print = () => { counting.dialogs++; };
  });
}

/** So many events of somebody, each a look at one document. */
async function look(world: World, user: string, times: number) {
  const token = await world.server.token({ user, role: "admin" });
  const id = world.documents["referral-letter.pdf"]?.id;
  for (let done = 0; done < times;) {
    const now = Math.min(20, times - done);
    await Promise.all(Array.from({ length: now }, () => world.server.api("GET", `/api/docs/${id}`, { token })));
    done += now;
  }
  return id ?? "";
}

const print = (page: Page) => page.getByRole("button", { name: "Print or save as PDF" });
const on = (text: string, what: RegExp) => text.match(what)?.length ?? 0;

test("three events of somebody whose name is in another script come on one page, with who asked for them and why these", async ({ open, page: blank, world }) => {
  await countDialogs(blank);
  const id = await look(world, "Тест Врач", 3);
  const page = await open(`/storage/audit?actor=${encodeURIComponent("Тест Врач")}&from=2020-01-01T00:00`);
  await expect(rows(page)).toHaveCount(3);
  await print(page).click();
  await expect(page).toHaveTitle(/^Audit report \d{4}-\d\d-\d\d$/);
  const { pages: [text = "", ...more], dialogs } = await printed(page);
  expect(dialogs).toBe(1);
  expect(more).toEqual([]);
  for (const said of ["Audit report", "Clinic", "from 2020-01-01 00:00:00 to now", "Who: Тест Врач", "by test-admin (admin)", "Page 1 of 1"]) expect(text).toContain(said);
  expect(text).toMatch(/Events 3 \(no\. \d+ to \d+ of the trail/);
  expect(on(text, /document\.read/g)).toBe(3);
  expect(text.replaceAll(" ", "")).toContain(id);
  // Nothing of the page around it.
  expect(text).not.toMatch(/Settings|Legal holds|Clear/);
  // With the dialog closed the page is as it was.
  await expect(page.locator(".report")).toHaveCount(0);
  await expect(page).toHaveTitle("Audit - Strongroom");
});

test("thousands of events come with the table's head on every page, and none is missing", async ({ open, page: blank, world }) => {
  test.setTimeout(180_000);
  await countDialogs(blank);
  await look(world, "test-many", 2500);
  const page = await open("/storage/audit?actor=test-many");
  await print(page).click();
  await expect(page.locator(".report")).toHaveCount(1, { timeout: 60_000 });
  const { pages, dialogs } = await printed(page);
  expect(dialogs).toBe(1);
  expect(pages.length).toBeGreaterThan(20);
  pages.forEach((text, at) => {
    expect(text).toContain(`Page ${at + 1} of ${pages.length}`);
    expect(text).toMatch(/No\. When Who Action Outcome Patient On/);
  });
  expect(pages[0]).toContain("Events 2,500 (");
  expect(on(pages.join(" "), /document\.read/g)).toBe(2500);
});

test("that nothing happened can be printed, too", async ({ open, page: blank }) => {
  await countDialogs(blank);
  const page = await open("/storage/audit?actor=test-nobody");
  await expect(page.getByText("No events fit")).toBeVisible();
  await print(page).click();
  await expect(page.locator(".report")).toHaveCount(1);
  const { pages, dialogs } = await printed(page);
  expect(dialogs).toBe(1);
  expect(pages).toHaveLength(1);
  expect(pages[0]).toContain("Events 0");
  expect(pages[0]).toContain("No event fits.");
});

test("a report is black on white where the page is dark", async ({ open, page: blank }) => {
  await countDialogs(blank);
  await blank.emulateMedia({ colorScheme: "dark" });
  const page = await open("/storage/audit?actor=test-nobody");
  await print(page).click();
  await expect(page.locator(".report")).toHaveCount(1);
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  const colours = await page.evaluate(() => [document.documentElement, document.body, document.querySelector(".report table, .report p")].map((one) => {
    const { backgroundColor, color } = getComputedStyle(one ?? document.body);
    return `${color} on ${backgroundColor}`;
  }));
  expect(colours.at(-1)).toMatch(/^rgb\(0, 0, 0\)/);
  expect(colours.slice(0, 2).every((colour) => colour.endsWith("on rgb(255, 255, 255)"))).toBe(true);
});

test("what happened to one document comes as CSV and on paper", async ({ open, page: blank, world }) => {
  await countDialogs(blank);
  const made = await upload(world.server, world.token, { bytes: Buffer.from("made-up words\n"), filename: "Тест Пациент.txt", category: "other" });
  const page = await open(`/storage/documents?doc=${made.id}`);
  await page.getByRole("tab", { name: "Trail" }).click();
  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name: "CSV", exact: true }).click();
  expect((await coming).suggestedFilename()).toMatch(/^trail-of-a-document-\d{4}-\d\d-\d\d\.csv$/);
  await print(page).click();
  await expect(page.locator(".report")).toHaveCount(1);
  const { pages: [text = ""], dialogs } = await printed(page);
  expect(dialogs).toBe(1);
  for (const said of ["Trail of a document", "Тест Пациент.txt", made.id, "upload.begin", "Page 1 of 1"]) expect(text).toContain(said);
  await expect(page.getByRole("dialog")).toBeVisible();
  await world.server.api("DELETE", `/api/docs/${made.id}?permanent=true`, { token: world.token });
});

test("gathering can be stopped, and says when the server gave it up", async ({ open, page: blank, world }) => {
  await countDialogs(blank);
  const page = await open("/storage/audit");
  await expect(rows(page).first()).toBeVisible();
  let answer: () => void = () => undefined;
  const held = new Promise<void>((resolve) => { answer = resolve; });
  await page.route(/\/api\/audit\?.*limit=1000/, async (route) => { await held; await route.abort().catch(() => undefined); });
  await print(page).click();
  await page.getByRole("button", { name: "Stop" }).click();
  await expect(print(page)).toBeEnabled();
  await expect(page.getByRole("alert")).toHaveCount(0);
  await print(page).click();
  answer();
  await expect(page.getByRole("alert")).toContainText("cannot be reached");
  expect(await page.evaluate(() => (window as unknown as { dialogs: number }).dialogs)).toBe(0);
  expect(world.server.url).toBeTruthy();
});
