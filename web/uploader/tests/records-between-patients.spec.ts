// One patient's records after another's in the same place: nothing of the first is shown under the second.
import type { Page, Route } from "@playwright/test";
import { expect, letter, photo, test, type Uploader, type World } from "./fixtures.js";

const [A, B] = ["patient-before", "patient-after"];

/** Documents of A, and the records of A on the page. */
async function openA(uploader: Uploader, world: World, more: object = {}) {
  const props = { endpoint: world.line.url, token: world.clinician };
  const about = { entityType: "patient", entityId: A, category: "imaging" };
  await uploader.open({ ...props, ...about });
  await uploader.drop(letter(), photo());
  await expect.poll(async () => (await uploader.told()).done).toHaveLength(2);
  await uploader.open({ ...props, patientId: A, ...more }, "records");
  await expect(uploader.row(photo().name).first()).toBeVisible();
}

/** Holds requests that match back, until they are let go. */
async function hold(page: Page, url: RegExp) {
  const held: Route[] = [];
  await page.route(url, (route) => void held.push(route));
  return {
    count: () => held.length,
    release: async () => {
      await page.unroute(url);
      // The page may have given them up.
      for (const route of held) await route.continue().catch(() => undefined);
    },
  };
}

const ofB = new RegExp(`/api/docs\\?.*patientId=${B}`);

test("while the next patient's documents are on their way none of the last one's are shown", async ({
  uploader,
  page,
  world,
}) => {
  await openA(uploader, world, { allowDelete: true });
  await page.getByRole("searchbox").fill("wound");
  await page.getByRole("combobox").selectOption("imaging");
  await expect(page.getByRole("listitem").filter({ hasText: "referral" })).toHaveCount(0);
  const b = await hold(page, ofB);
  await uploader.change({ patientId: B });
  await expect.poll(b.count).toBeGreaterThan(0);
  await expect(page.getByRole("listitem")).toHaveCount(0);
  await expect(page.getByRole("searchbox")).toHaveValue("");
  await expect(page.getByRole("combobox")).toHaveValue("");
  await b.release();
  await expect(page.getByText("There are no documents yet.")).toBeVisible();
});

test("where the next patient's documents cannot be had none of the last one's are shown", async ({
  uploader,
  page,
  world,
}) => {
  await openA(uploader, world);
  await page.route(ofB, (route) => route.abort());
  await uploader.change({ patientId: B });
  await expect(page.getByRole("alert")).toContainText("cannot be reached");
  await expect(page.getByRole("listitem")).toHaveCount(0);
});

test("a picture that is open goes with its patient, and so does what was said of a document", async ({
  uploader,
  page,
  world,
}) => {
  await openA(uploader, world, { allowDelete: true });
  await uploader.button("Delete", letter().name).first().click();
  await page.getByRole("button", { name: "Delete", exact: true }).click();
  await expect(page.getByText("referral-letter.pdf is in the trash.")).toBeAttached();
  await page.getByRole("button", { name: photo().name, exact: true }).first().click();
  await expect(page.getByRole("dialog")).toBeVisible();
  await uploader.change({ patientId: B });
  await expect(page.getByText("There are no documents yet.")).toBeVisible();
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(page.getByText("is in the trash.")).toHaveCount(0);
});

test("a picture or a page still on its way opens nothing over the next patient", async ({
  uploader,
  page,
  world,
}) => {
  await openA(uploader, world);
  const links = await hold(page, /\/download\?/);
  await page.getByRole("button", { name: photo().name, exact: true }).first().click();
  const opened = page.waitForEvent("popup");
  await page.getByRole("button", { name: letter().name, exact: true }).first().click();
  const tab = await opened;
  await expect.poll(links.count).toBe(2);
  const closed = tab.isClosed() ? undefined : tab.waitForEvent("close");
  await uploader.change({ patientId: B });
  await expect(page.getByText("There are no documents yet.")).toBeVisible();
  await links.release();
  await closed;
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(page.getByRole("alert")).toHaveCount(0);
  expect((await uploader.told()).failed).toEqual([]);
});

test("a download still on its way is not saved when the next patient is shown", async ({ uploader, page, world }) => {
  await openA(uploader, world);
  const saved: string[] = [];
  page.on("download", (download) => saved.push(download.suggestedFilename()));
  const bytes = await hold(page, /X-Amz-Signature=/);
  await uploader.button("Download", letter().name).first().click();
  await expect.poll(bytes.count).toBe(1);
  await uploader.change({ patientId: B });
  await expect(page.getByText("There are no documents yet.")).toBeVisible();
  await bytes.release();
  await page.waitForTimeout(500);
  expect(saved).toEqual([]);
  await expect(page.getByRole("alert")).toHaveCount(0);
});

test("what was found for another search is not shown where a search fails", async ({ uploader, page, world }) => {
  await openA(uploader, world);
  await page.route(/\/api\/docs\?.*q=wound/, (route) => route.abort());
  await page.getByRole("searchbox").fill("wound");
  await expect(page.getByRole("alert")).toContainText("cannot be reached");
  await expect(page.getByRole("listitem")).toHaveCount(0);
});

test("the element shows the patient that its attribute names, and nothing of the one before", async ({
  uploader,
  page,
  world,
}) => {
  await openA(uploader, world);
  await page.goto(`${world.pages.url}/element.html`);
  await page.evaluate(
    ([endpoint, token, patient]) => {
      const element = document.createElement("strongroom-patient-records");
      element.setAttribute("endpoint", endpoint ?? "");
      element.setAttribute("patient-id", patient ?? "");
      Object.assign(element, { token });
      document.querySelector("main")?.append(element);
    },
    [world.line.url, world.clinician, A],
  );
  await page.getByRole("button", { name: photo().name, exact: true }).first().click();
  await expect(page.getByRole("dialog")).toBeVisible();
  const b = await hold(page, ofB);
  await page.locator("strongroom-patient-records").evaluate((it, b) => it.setAttribute("patient-id", b), B);
  await expect.poll(b.count).toBeGreaterThan(0);
  await expect(page.getByRole("dialog")).toHaveCount(0);
  await expect(page.getByRole("listitem")).toHaveCount(0);
  await b.release();
  await expect(page.getByText("There are no documents yet.")).toBeVisible();
});
