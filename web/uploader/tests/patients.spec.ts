// A tab goes from one patient to the next, and the page holds no more than tickets: what was begun for one is never
// shown with, nor sent to, another.
import type { Page } from "@playwright/test";
import { count, eachPartOnce, elementPage, expect, letter, sha256, test, text } from "./fixtures.js";

const MB = 1_000_000;
const kept = (page: Page) => page.evaluate(() => JSON.parse(sessionStorage["strongroom.uploads"] ?? "[]"));

/** The page has asked for its ticket and the server for what it still has of it, if anything. */
async function settled(page: Page) {
  await page.waitForLoadState("networkidle");
}

test("what a reload interrupted on one patient's page is not shown on another's, and the same bytes go to the other", async ({
  uploader,
  page,
  world,
}) => {
  const name = "shared-leaflet.txt";
  const notes = text(name, 9 * MB);
  world.open.patient = "patient-page-a";
  const row = await uploader.begin(notes, 1);
  // The app's backend alone knows that the next page is about somebody else.
  world.open.patient = "patient-page-b";
  await uploader.reload();
  world.line.release();
  await settled(page);
  await expect(row).toHaveCount(0);
  expect(await count(world, "pending", name, "patient-page-a")).toBe(1);
  await uploader.drop(notes);
  await expect(row).toHaveAttribute("data-phase", "done", { timeout: 30_000 });
  const { done } = await uploader.told();
  expect(done).toMatchObject([{ patientId: "patient-page-b", sha256: sha256(notes.bytes) }]);
  expect(await count(world, "pending", name, "patient-page-a")).toBe(1);

  // Back on the first one's page it goes on where it was.
  world.open.patient = "patient-page-a";
  await uploader.reload();
  await expect(row).toContainText("Interrupted at");
  await uploader.drop(notes);
  await expect(row).toHaveAttribute("data-phase", "done", { timeout: 30_000 });
  expect((await uploader.told()).done).toMatchObject([{ patientId: "patient-page-a" }]);
  expect(await count(world, "pending", name, "patient-page-a")).toBe(0);
  expect(await count(world, "available", name, "patient-page-a")).toBe(1);
});

test("a page whose tickets come from another function sends the next file to the other patient", async ({
  uploader,
}) => {
  await uploader.open({ patient: "patient-closure-a" });
  await uploader.drop(letter());
  await expect.poll(async () => (await uploader.told()).done).toHaveLength(1);
  await uploader.give({ patient: "patient-closure-b" });
  await uploader.drop(letter());
  await expect.poll(async () => (await uploader.told()).done).toHaveLength(2);
  const { done } = await uploader.told();
  expect(done.map(({ patientId }) => patientId)).toEqual(["patient-closure-a", "patient-closure-b"]);
});

test("a file that was chosen on one patient's page goes to that patient, whenever it is started", async ({
  uploader,
  page,
}) => {
  await uploader.open({ patient: "patient-waiting-a", autoStart: false });
  await uploader.drop(letter());
  await expect(uploader.row(letter().name)).toHaveAttribute("data-phase", "waiting");
  await uploader.give({ patient: "patient-waiting-b", autoStart: false });
  await page.getByRole("button", { name: "Upload 1 file" }).click();
  await expect.poll(async () => (await uploader.told()).done).toHaveLength(1);
  expect((await uploader.told()).done).toMatchObject([{ patientId: "patient-waiting-a" }]);
});

test("an interrupted file is taken from the page as soon as the page may be about another patient", async ({
  uploader,
  page,
}) => {
  const name = "interrupted-here.txt";
  const row = await uploader.begin(text(name, 9 * MB), 1, { patient: "patient-shown-a" });
  await uploader.reload();
  await expect(row).toContainText("Interrupted at");
  await uploader.give({ patient: "patient-shown-b" });
  await expect(row).toHaveCount(0);
  await settled(page);
  await expect(row).toHaveCount(0);
  await uploader.give({ patient: "patient-shown-a" });
  await expect(row).toContainText("Interrupted at");
});

test("the same bytes that an app describes as another patient's are another upload", async ({
  uploader,
  page,
  world,
}) => {
  const name = "described.txt";
  const begin = (patientId: string) =>
    page.evaluate(
      async ([endpoint, token, name, patientId]) => {
        const uploads = new window.Uploads({ endpoint, token, autoStart: false });
        window.uploads = uploads;
        const bytes = new Uint8Array(9_000_000).fill(97);
        await uploads.add([new File([bytes], name as string, { lastModified: 1 })]);
        const { id } = uploads.snapshot().items.find(({ phase }) => phase === "waiting") ?? { id: "" };
        uploads.describe(id, { patientId: patientId as string });
        uploads.start();
      },
      [world.line.url, world.admin, name, patientId] as const,
    );
  const phase = () => page.evaluate(() => window.uploads.snapshot().items.map(({ phase }) => phase));
  await uploader.open();
  world.line.letParts(1);
  await begin("patient-about-a");
  await expect.poll(phase).toEqual(["uploading"]);
  await expect.poll(() => [world.line.answered().length, world.line.waits()]).toEqual([1, 1]);
  expect(await kept(page)).toHaveLength(1);
  await uploader.reload();
  const ofFirst = world.line.parts;
  world.line.reset();
  await begin("patient-about-b");
  await expect.poll(() => count(world, "available", name, "patient-about-b"), { timeout: 30_000 }).toBe(1);
  expect(await count(world, "pending", name, "patient-about-a")).toBe(1);
  expect(await count(world, "available", name, "patient-about-a")).toBe(0);
  // Described as the first one's it goes on with what that one has.
  await uploader.reload();
  world.line.parts = ofFirst;
  await begin("patient-about-a");
  await expect.poll(() => count(world, "available", name, "patient-about-a"), { timeout: 30_000 }).toBe(1);
  eachPartOnce(world.line, 2);
});

test("a ticket that does not say what it is for leaves nothing to go on with", async ({ uploader, page }) => {
  await uploader.begin(text("nothing-kept.txt", 100_000), 0, { ticketUrl: "/bare-large-ticket" });
  expect(await kept(page)).toEqual([]);
});

test("signing out takes every name from the tab", async ({ uploader, page }) => {
  const name = "before-signing-out.txt";
  const row = await uploader.begin(text(name, 9 * MB), 1);
  await uploader.reload();
  await expect(row).toContainText("Interrupted at");
  await page.evaluate(() => window.forgetUploads());
  await expect(row).toHaveCount(0);
  expect(await page.evaluate(() => JSON.stringify(sessionStorage))).not.toContain("before-signing-out");
  await uploader.reload();
  await settled(page);
  await expect(row).toHaveCount(0);
});

test("signing out on a plain page takes every name from the tab, and from the element that shows it", async ({
  uploader,
  page,
  world,
}) => {
  const name = "before-signing-out-plainly.txt";
  world.line.letParts(0);
  await page.goto(elementPage(world.pages.url, { "ticket-url": "/ticket" }));
  await uploader.choose(text(name, 100_000));
  await expect(uploader.row(name)).toHaveAttribute("data-phase", "uploading");
  await uploader.reload();
  await expect(uploader.row(name)).toContainText("Interrupted at");
  await page.evaluate(async () => {
    // By the address that the page's own script has it from.
    const path = "/elements.js";
    const { forgetUploads } = (await import(path)) as typeof import("../src/elements.js");
    forgetUploads();
  });
  await expect(uploader.row(name)).toHaveCount(0);
  expect(await page.evaluate(() => JSON.stringify(sessionStorage))).not.toContain("before-signing-out");
});

for (const [what, half] of [
  ["a patient without an id", { entityType: "patient" }],
  ["a patient whose id is empty", { entityType: "patient", entityId: "" }],
  ["a patient whose id is null", { entityType: "patient", entityId: null }],
  ["an appointment whose id is blank", { entityType: "appointment", entityId: " " }],
  ["an id of nobody knows what", { entityId: "patient-7" }],
] as const) {
  test(`for ${what} nothing is sent, until it is whole`, async ({ uploader, page, world }) => {
    const connection = { endpoint: world.line.url, token: world.clinician };
    const sent: string[] = [];
    page.on("request", (request) => request.method() === "POST" && sent.push(request.url()));
    await uploader.open({ ...connection, ...half });
    await expect(page.getByRole("alert")).toContainText("it is not known whose they are");
    await uploader.drop(letter());
    await expect(uploader.row(letter().name)).toHaveAttribute("data-phase", "refused");
    expect((await uploader.told()).failed).toMatchObject([{ code: "no_entity" }]);
    expect(sent).toEqual([]);
    await uploader.give({ ...connection, entityType: "patient", entityId: "patient-come-late" });
    await expect(page.getByRole("alert")).toHaveCount(0);
    await uploader.drop(letter());
    await expect.poll(async () => (await uploader.told()).done).toHaveLength(1);
    expect((await uploader.told()).done).toMatchObject([{ patientId: "patient-come-late" }]);
  });
}
