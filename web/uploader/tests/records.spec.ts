import type { Route } from "@playwright/test";
import { expect, letter, photo, scan, test } from "./fixtures.js";

const patient = "patient-of-records";

test("a patient's records are listed, searched, looked at, downloaded and deleted", async ({
  uploader,
  page,
  world,
}) => {
  const props = { endpoint: world.line.url, token: world.clinician };
  const about = { entityType: "patient", entityId: patient, category: "imaging" };
  await uploader.open({ ...props, ...about });
  await uploader.drop(letter(), photo());
  await expect.poll(async () => (await uploader.told()).done).toHaveLength(2);

  await uploader.open({ ...props, patientId: patient, allowDelete: true }, "records");
  await expect(uploader.row("referral-letter.pdf")).toContainText("Imaging · 2.3 kB");
  await expect(page.getByRole("listitem")).toHaveCount(2);

  await page.getByRole("searchbox").fill("wound");
  await expect(page.getByRole("listitem")).toHaveCount(1);
  await page.getByRole("button", { name: "wound-photo.png", exact: true }).click();
  const picture = page.getByRole("dialog").getByRole("img", { name: "wound-photo.png" });
  await expect(picture).toBeVisible();
  await expect
    .poll(() => picture.evaluate((img) => (img as HTMLImageElement).naturalWidth))
    .toBeGreaterThan(0);
  await page.getByRole("button", { name: "Close" }).click();
  await page.getByRole("searchbox").fill("");

  const opened = page.waitForEvent("popup");
  await page.getByRole("button", { name: "referral-letter.pdf", exact: true }).click();
  const tab = await opened;
  await tab.waitForURL(/X-Amz-Signature=/);
  expect(await tab.evaluate(() => window.opener)).toBe(null);
  await tab.close();

  const got = page.waitForEvent("download");
  await uploader.button("Download", "referral-letter.pdf").click();
  const saved = await got;
  // The link itself names no more than an id.
  expect(saved.suggestedFilename()).toBe("referral-letter.pdf");
  const file = await saved.createReadStream();
  const pieces: Buffer[] = [];
  for await (const piece of file) pieces.push(piece as Buffer);
  expect(Buffer.concat(pieces).equals(letter().bytes)).toBe(true);

  await uploader.button("Delete", "referral-letter.pdf").click();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(uploader.row("referral-letter.pdf")).toHaveCount(0);
  await expect(page.getByText("referral-letter.pdf is in the trash.")).toBeAttached();
});

test("where the page may not read what a link leads to it is downloaded all the same, under its id", async ({
  uploader,
  page,
  world,
}) => {
  const props = { endpoint: world.line.url, token: world.clinician };
  await uploader.open({ ...props, entityType: "patient", entityId: "patient-of-links", category: "other" });
  await uploader.drop(letter());
  await expect.poll(async () => (await uploader.told()).done).toHaveLength(1);
  const id = (await uploader.told()).done[0]?.id;
  await uploader.open({ ...props, patientId: "patient-of-links" }, "records");
  // As a bucket does whose CORS rules do not know the page.
  await page.route(/X-Amz-Signature=/, (route) =>
    route.request().resourceType() === "fetch" ? route.abort() : route.continue(),
  );
  const got = page.waitForEvent("download");
  await uploader.button("Download", "referral-letter.pdf").click();
  expect((await got).suggestedFilename()).toBe(`${id}.pdf`);
  await expect(page.getByRole("alert")).toHaveCount(0);
});

test("a document that is deleted while people search leaves what they search for", async ({
  uploader,
  page,
  world,
}) => {
  const props = { endpoint: world.line.url, token: world.clinician };
  await uploader.open({ ...props, entityType: "patient", entityId: "patient-of-searches", category: "imaging" });
  await uploader.drop(letter(), photo(), scan());
  await expect.poll(async () => (await uploader.told()).done).toHaveLength(3);
  await uploader.open({ ...props, patientId: "patient-of-searches", allowDelete: true }, "records");
  await expect(page.getByRole("listitem")).toHaveCount(3);
  const held: Route[] = [];
  await page.route(/\/api\/docs\/[^/]+$/, (route) =>
    route.request().method() === "DELETE" ? void held.push(route) : route.continue(),
  );
  await uploader.button("Delete", "referral-letter.pdf").click();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await expect.poll(() => held.length).toBe(1);
  await page.getByRole("searchbox").fill("wound");
  await expect(page.getByRole("listitem")).toHaveCount(1);
  const again = page.waitForResponse(/\/api\/docs\?/);
  await held[0]?.continue();
  expect(new URL((await again).url()).searchParams.get("q")).toBe("wound");
  await expect(page.getByText("referral-letter.pdf is in the trash.")).toBeAttached();
  await expect(page.getByRole("listitem")).toHaveCount(1);
  await expect(uploader.row("wound-photo.png")).toBeVisible();
});

test("what is added from the records is shown there at once", async ({ uploader, page, world }) => {
  const props = { endpoint: world.line.url, token: world.clinician, patientId: "patient-of-additions" };
  await uploader.open({ ...props, allowUpload: true, category: "other" }, "records");
  await expect(page.getByText("There are no documents yet.")).toBeVisible();
  await uploader.drop(letter());
  await expect(page.getByRole("button", { name: "referral-letter.pdf", exact: true })).toBeVisible();
});

test("records that may not be seen are not shown, in the server's words", async ({ uploader, page, world }) => {
  const token = await world.server.token({ user: "p", role: "patient", patient: "somebody-else" });
  await uploader.open({ endpoint: world.line.url, token, patientId: patient }, "records");
  await expect(page.getByRole("alert")).toContainText("nothing here under this name");
  await expect(page.getByRole("listitem")).toHaveCount(0);
});

test("when the server cannot be reached the records say so and can be asked for again", async ({
  uploader,
  page,
  world,
}) => {
  world.line.cut();
  const props = { endpoint: world.line.url, token: world.clinician, patientId: "patient-without" };
  await uploader.open(props, "records");
  await expect(page.getByRole("alert")).toContainText("cannot be reached");
  world.line.mend();
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("alert")).toHaveCount(0);
  await expect(page.getByText("There are no documents yet.")).toBeVisible();
});
