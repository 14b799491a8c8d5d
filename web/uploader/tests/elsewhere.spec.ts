// The page goes on to another patient while files are under way: people are told what becomes of those, without names,
// and screen readers say it.
import type { Page } from "@playwright/test";
import { expect, letter, test, text, type Uploader, type World } from "./fixtures.js";

const ON_HOLD = "1 upload begun elsewhere is on hold. Go back to where it began to go on with it.";
const ENDED = "1 file added elsewhere was not uploaded. Go back to where it was added, and add it again.";
const GOES_THERE = "1 file below was added elsewhere, and goes there, not here.";

const note = (page: Page, text: string) => page.getByRole("status").getByText(text);
const about = (world: World, entityId: string, more: object = {}) => ({
  endpoint: world.line.url,
  token: world.clinician,
  entityType: "patient",
  entityId,
  ...more,
});
const notes = (name: string) => text(name, 100_000);

/** The records of a patient, with a file of theirs under way. */
async function begin(uploader: Uploader, world: World, patientId: string, name: string) {
  world.line.letParts(0);
  const { endpoint, token } = about(world, patientId);
  await uploader.open({ endpoint, token, patientId, allowUpload: true, category: "other" }, "records");
  await uploader.drop(notes(name));
  await expect(uploader.row(name)).toHaveAttribute("data-phase", "uploading");
}

test("of an upload that another patient's page stops people are told that it is on hold, until it goes on", async ({
  uploader,
  page,
  world,
}) => {
  const [first, second] = ["patient-left-1", "patient-left-2"];
  const { name } = notes("on-hold.txt");
  const row = await uploader.begin(notes(name), 0, about(world, first));
  await expect(note(page, ON_HOLD)).toHaveCount(0);
  await uploader.change({ entityId: second });
  await expect(note(page, ON_HOLD)).toBeVisible();
  expect(await page.locator("main").innerText()).not.toContain(name);
  // The first one's page says it with the file itself.
  await uploader.change({ entityId: first });
  await expect(row).toContainText("Interrupted at");
  await expect(note(page, ON_HOLD)).toHaveCount(0);
});

test("the note goes when people go on with their work there, and with whoever signs out", async ({
  uploader,
  page,
  world,
}) => {
  await uploader.begin(notes("read.txt"), 0, about(world, "patient-read-1"));
  await uploader.change({ entityId: "patient-read-2" });
  await expect(note(page, ON_HOLD)).toBeVisible();
  world.line.release();
  await uploader.drop(letter());
  await expect(note(page, ON_HOLD)).toHaveCount(0);
  await expect(uploader.row(letter().name)).toHaveAttribute("data-phase", "done");

  await uploader.begin(notes("signed-out.txt"), 0, about(world, "patient-read-1"));
  await uploader.change({ entityId: "patient-read-2" });
  await expect(note(page, ON_HOLD)).toBeVisible();
  await page.evaluate(() => window.forgetUploads());
  await uploader.change({ entityId: "patient-read-3" });
  await expect(page.getByRole("button", { name: "Choose files" })).toBeVisible();
  await expect(page.getByText("elsewhere")).toHaveCount(0);
});

test("of an upload that cannot be gone on with people are told that it has to be added again", async ({
  uploader,
  page,
  world,
}) => {
  await uploader.begin(notes("ended.txt"), 0, about(world, "patient-ended-1", { resumable: false }));
  await uploader.change({ entityId: "patient-ended-2" });
  await expect(note(page, ENDED)).toBeVisible();
});

test("above another patient's records the same is said", async ({ uploader, page, world }) => {
  await begin(uploader, world, "patient-records-1", "of-records.txt");
  await uploader.change({ patientId: "patient-records-2" });
  await expect(note(page, ON_HOLD)).toBeVisible();
});

test("files that go on for another patient in the same list are told apart, while they are under way", async ({
  uploader,
  page,
  world,
}) => {
  await uploader.begin(notes("goes-on.txt"), 0, { patient: "patient-tickets-1" });
  await uploader.give({ patient: "patient-tickets-2" });
  await expect(note(page, GOES_THERE)).toBeVisible();
  // The same patient once more, by another function.
  await uploader.give({ patient: "patient-tickets-1" });
  await expect(note(page, GOES_THERE)).toHaveCount(0);
  await uploader.give({ patient: "patient-tickets-2" });
  await expect(note(page, GOES_THERE)).toBeVisible();
  world.line.release();
  await expect(uploader.row("goes-on.txt")).toHaveAttribute("data-phase", "done");
  await expect(note(page, GOES_THERE)).toHaveCount(0);
  expect((await uploader.told()).done).toMatchObject([{ patientId: "patient-tickets-1" }]);
});
