// All of it by keyboard alone: keys are pressed, nothing is focused by hand, and the focus is never lost.
import type { Page } from "@playwright/test";
import { expect, letter, photo, test, text, type Sample, type Uploader } from "./fixtures.js";

/** Presses Tab until the button has the focus, as people do. */
async function tabTo(page: Page, name: string | RegExp) {
  const wanted = page.getByRole("button", { name, exact: true });
  await expect(wanted).toBeVisible();
  for (let presses = 0; presses < 30; presses += 1) {
    if (await wanted.evaluate((it) => it === (it.getRootNode() as Document).activeElement)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`${name} is not reached by Tab`);
}

async function press(page: Page, name: string | RegExp, key = "Enter") {
  await tabTo(page, name);
  await page.keyboard.press(key);
}

/** Chooses files in the dialog that a key opens. */
async function choose(uploader: Uploader, ...files: Sample[]) {
  const asked = uploader.page.waitForEvent("filechooser");
  await press(uploader.page, "Choose files");
  const all = files.map(({ name, type, bytes }) => ({ name, mimeType: type, buffer: bytes }));
  await (await asked).setFiles(all);
}

/** What has the focus, deep in whatever shadow: its class, or `nothing`. */
const focused = (page: Page) =>
  page.evaluate(() => {
    let at = document.activeElement;
    while (at?.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
    return !at || at === document.body ? "nothing" : at.className;
  });

test("everything can be done by keyboard", async ({ uploader, page, world }) => {
  await uploader.open({ ticketUrl: "/ticket", autoStart: false });
  const notes = text("by-keyboard.txt", 100_000);
  await choose(uploader, letter("left-out.pdf"), notes);
  await expect(uploader.row("left-out.pdf")).toContainText("Ready to upload");
  await page.keyboard.press("Tab");
  await expect(page.getByRole("button", { name: "Upload 2 files" })).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(uploader.button("Remove", "left-out.pdf")).toBeFocused();
  await page.keyboard.press("Enter");
  // The row is gone, and the focus is not lost with it.
  await expect(uploader.row("left-out.pdf")).toHaveCount(0);
  await expect(page.getByRole("button", { name: "Choose files" })).toBeFocused();
  world.line.letParts(0);
  await press(page, "Upload 1 file", "Space");
  await expect(page.getByRole("button", { name: "Choose files" })).toBeFocused();
  await press(page, `Pause: ${notes.name}`);
  await expect(uploader.button("Resume", notes.name)).toBeFocused();
  world.line.release();
  await page.keyboard.press("Enter");
  await expect(uploader.row(notes.name)).toHaveAttribute("data-phase", "done");
  // The button that paused is gone now; its file is where one goes on.
  await expect(uploader.row(notes.name)).toBeFocused();
  await page.keyboard.press("Tab");
  await expect(uploader.button("Dismiss", notes.name)).toBeFocused();
});

test("the focus stays near when its button has done its work", async ({ uploader, page, world }) => {
  await uploader.open({ ticketUrl: "/ticket", autoStart: false });
  world.line.letParts(0);
  await choose(uploader, text("one.txt", 100_000), text("two.txt", 200_000));
  await press(page, "Upload 2 files");
  // On what says how far all are, and not on what would cancel them.
  await expect(page.locator(".srm-summary")).toBeFocused();
  await press(page, "Cancel all");
  await expect(page.getByRole("button", { name: "Choose files" })).toBeFocused();
  world.line.release();
  await choose(uploader, letter("three.pdf"), letter("four.pdf"));
  await press(page, "Upload 2 files");
  await expect(page.getByText("2 files uploaded").first()).toBeVisible();
  await press(page, "Clear list");
  await expect(page.getByRole("button", { name: "Choose files" })).toBeFocused();
});

test("the focus is on the file that is tried again, in the element too", async ({ uploader, page, world }) => {
  await page.goto(`${world.pages.url}/element.html?element=strongroom-uploader&ticket-url=/ticket`);
  await page.route("**/ticket", (route) => route.abort());
  await choose(uploader, letter());
  await expect(uploader.row(letter().name)).toHaveAttribute("data-phase", "failed");
  await page.unroute("**/ticket");
  await press(page, `Try again: ${letter().name}`);
  await expect(uploader.row(letter().name)).toHaveAttribute("data-phase", "done");
  expect(await focused(page)).toContain("srm-file");
});

test("whoever has gone elsewhere is not called back", async ({ uploader, page, world }) => {
  await uploader.open();
  world.line.letParts(0);
  const notes = text("elsewhere.txt", 100_000);
  await choose(uploader, notes);
  await tabTo(page, `Pause: ${notes.name}`);
  await page.locator("h1").click();
  world.line.release();
  await expect(uploader.row(notes.name)).toHaveAttribute("data-phase", "done");
  expect(await focused(page)).toBe("nothing");
});

test("asking before a document goes takes the focus, Escape gives it back, and the next row has it after", async ({
  uploader,
  page,
  world,
}) => {
  const patient = "patient-by-keys";
  const props = { endpoint: world.line.url, token: world.clinician };
  await uploader.open({ ...props, entityType: "patient", entityId: patient, category: "other" });
  await uploader.drop(letter(), photo());
  await expect.poll(async () => (await uploader.told()).done).toHaveLength(2);
  await uploader.open({ ...props, patientId: patient, allowDelete: true }, "records");
  await expect(page.getByRole("listitem")).toHaveCount(2);
  const first = await page.locator(".srm-name").first().innerText();
  const other = first === letter().name ? photo().name : letter().name;

  const question = page.getByRole("group", { name: `Move this document to the trash? ${first}` });
  await press(page, `Delete: ${first}`);
  await expect(question).toBeFocused();
  await page.keyboard.press("Escape");
  await expect(question).toHaveCount(0);
  await expect(uploader.button("Delete", first)).toBeFocused();
  await page.keyboard.press("Enter");
  await press(page, "Keep it");
  await expect(question).toHaveCount(0);
  await expect(uploader.button("Delete", first)).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(question).toBeFocused();
  await press(page, "Delete");
  await expect(page.getByRole("listitem")).toHaveCount(1);
  await expect(uploader.row(other)).toBeFocused();
  await press(page, `Delete: ${other}`);
  await press(page, "Delete");
  await expect(page.getByRole("listitem")).toHaveCount(0);
  await expect(page.getByRole("searchbox")).toBeFocused();
});

test("a picture is opened and shut by keyboard, and the focus is back on its name", async ({
  uploader,
  page,
  world,
}) => {
  const patient = "patient-by-keys-2";
  const props = { endpoint: world.line.url, token: world.clinician };
  await uploader.open({ ...props, entityType: "patient", entityId: patient, category: "other" });
  await uploader.drop(photo());
  await expect.poll(async () => (await uploader.told()).done).toHaveLength(1);
  await uploader.open({ ...props, patientId: patient }, "records");
  await press(page, photo().name);
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(page.getByRole("button", { name: photo().name, exact: true })).toBeFocused();
});
