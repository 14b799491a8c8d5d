// What the server takes is told before a file is chosen, and kept to before the first byte.
import type { Page } from "@playwright/test";
import { expect, letter, photo, test } from "./fixtures.js";

/** The calls of a page to the server and the store. */
function calls(page: Page) {
  const seen: string[] = [];
  page.on("request", (request) => {
    const { pathname } = new URL(request.url());
    const toServer = request.method() !== "OPTIONS" && /^\/(api|patients)/.test(pathname);
    if (toServer) seen.push(`${request.method()} ${pathname}`);
  });
  return seen;
}

const about = { entityType: "patient", entityId: "patient-of-limits" };

test("the hint says what may come in and how large, by category, and is kept to before anything is sent", async ({
  uploader,
  page,
  world,
}) => {
  const seen = calls(page);
  const connection = { endpoint: world.line.url, token: world.clinician, ...about };
  await uploader.open({ ...connection, category: "imaging" });
  await expect(page.getByText("PDF, images, Word, Excel, text, DICOM · up to 5 GB each")).toBeVisible();
  await uploader.open({ ...connection, category: "insurance" });
  await expect(page.getByText("DICOM · up to 15 kB each")).toBeVisible();
  await uploader.drop(photo());
  const row = uploader.row(photo().name);
  await expect(row).toContainText("The file is too large. The limit is 15 kB.");
  await expect(row).toHaveAttribute("data-phase", "refused");
  expect((await uploader.told()).failed).toMatchObject([{ code: "file_too_large" }]);
  await uploader.drop(letter("one.pdf"), letter("two.pdf"));
  await expect.poll(async () => (await uploader.told()).done).toHaveLength(2);
  // Asked once for each of the two pages, and nothing was announced but the two letters.
  const of = (call: string) => seen.filter((one) => one === call);
  expect(of("GET /api/docs/limits")).toHaveLength(2);
  expect(of("POST /api/uppy/s3/multipart")).toHaveLength(2);
});

test("a file that is chosen before the limits are there waits for them, not for its refusal", async ({
  uploader,
  page,
  world,
}) => {
  const seen = calls(page);
  let tell: () => void = () => undefined;
  const told = new Promise<void>((resolve) => (tell = resolve));
  await page.route("**/api/docs/limits", async (route) => {
    await told;
    await route.continue();
  });
  await uploader.open({ endpoint: world.line.url, token: world.clinician, ...about, category: "insurance" });
  await uploader.drop(photo());
  const row = uploader.row(photo().name);
  await expect(row).toHaveAttribute("data-phase", "checking");
  tell();
  await expect(row).toContainText("The file is too large. The limit is 15 kB.");
  expect(seen.filter((one) => one.startsWith("POST"))).toEqual([]);
});

test("where the limits cannot be had uploads go on, and the server's own refusal stands", async ({
  uploader,
  page,
  world,
}) => {
  await page.route("**/api/docs/limits", (route) => route.abort());
  await uploader.open({ endpoint: world.line.url, token: world.clinician, ...about, category: "insurance" });
  await expect(page.getByText(/DICOM$/)).toBeVisible();
  await uploader.drop(letter(), photo());
  await expect(uploader.row(letter().name)).toHaveAttribute("data-phase", "done");
  await expect(uploader.row(photo().name)).toContainText("The file is too large.");
  expect((await uploader.told()).failed).toMatchObject([{ code: "file_too_large" }]);
});

test("behind a ticket, which brings the limits along, they hold too", async ({ uploader, page }) => {
  const seen = calls(page);
  await uploader.open({ ticketUrl: "/insurance-ticket", category: "insurance" });
  await expect(page.getByText(/DICOM$/)).toBeVisible();
  await uploader.drop(photo());
  await expect(uploader.row(photo().name)).toContainText("The file is too large. The limit is 15 kB.");
  await expect(page.getByText("DICOM · up to 15 kB each")).toBeVisible();
  expect(seen).toEqual([]);
  await uploader.drop(letter());
  await expect(uploader.row(letter().name)).toHaveAttribute("data-phase", "done");
});

test("behind a ticket that says nothing of limits the server refuses", async ({ uploader, page }) => {
  await uploader.open({ ticketUrl: "/bare-ticket", category: "insurance" });
  await uploader.drop(letter(), photo());
  await expect(uploader.row(letter().name)).toHaveAttribute("data-phase", "done");
  await expect(uploader.row(photo().name)).toContainText("The file is too large.");
  await expect(page.getByText(/DICOM$/)).toBeVisible();
});
