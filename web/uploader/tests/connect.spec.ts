// Who is uploading, said in each of the three ways; and pages that forbid much.
import { expect, letter, photo, test, text } from "./fixtures.js";

test("with a token the document is that person's", async ({ uploader, world }) => {
  const props = { endpoint: world.line.url, token: world.clinician, category: "imaging" };
  await uploader.open({ ...props, entityType: "patient", entityId: "patient-by-token" });
  await uploader.drop(letter());
  await expect.poll(async () => (await uploader.told()).done).toHaveLength(1);
  expect((await uploader.told()).done).toMatchObject([
    { patientId: "patient-by-token", category: "imaging", uploadedBy: "test-clinician" },
  ]);
});

test("a document of an appointment belongs to the appointment", async ({ uploader, world }) => {
  const props = { endpoint: world.line.url, token: world.clinician, category: "invoices" };
  await uploader.open({ ...props, entityType: "appointment", entityId: "appointment-7" });
  await uploader.drop(letter());
  await expect.poll(async () => (await uploader.told()).done).toHaveLength(1);
  const [done] = (await uploader.told()).done;
  expect(done).toMatchObject({ entityType: "appointment", entityId: "appointment-7" });
  expect(done?.patientId).toBeUndefined();
});

test("a page of the server's own origin needs no more than its cookie", async ({
  uploader,
  page,
  world,
}) => {
  await world.server.user({ name: "page-admin" });
  await page.route(`${world.line.url}/__page/**`, async (route) => {
    const path = new URL(route.request().url()).pathname.replace("/__page", "");
    await route.fulfill({ response: await route.fetch({ url: `${world.pages.url}${path}` }) });
  });
  await page.goto(`${world.line.url}/healthz`);
  await page.evaluate(() =>
    fetch("/api/session", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ username: "page-admin", password: "correct horse battery" }),
    }),
  );
  await page.goto(`${world.line.url}/__page/cookie.html`);
  await uploader.choose(letter());
  await expect.poll(async () => (await uploader.told()).done).toHaveLength(1);
  expect((await uploader.told()).done).toMatchObject([{ uploadedBy: "page-admin" }]);
});

test("without leave to upload the page says so and can try again", async ({ uploader, world }) => {
  await uploader.open({ endpoint: world.line.url, token: "no-token-at-all" });
  await uploader.drop(letter());
  const row = uploader.row(letter().name);
  await expect(row).toHaveAttribute("data-phase", "failed");
  await expect(uploader.button("Try again", letter().name)).toBeVisible();
  expect((await uploader.told()).failed).toMatchObject([{ code: "invalid_credential" }]);
});

test("a file the app's server gives no ticket for shows why", async ({ uploader }) => {
  await uploader.open({ ticketUrl: "/no-such-ticket" });
  await uploader.drop(letter());
  await expect(uploader.row(letter().name)).toContainText("The server answered 404");
});

test("a page whose policy forbids workers, WebAssembly and inline scripts can upload", async ({
  page,
  uploader,
  world,
}) => {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "worker-src 'none'",
    `connect-src 'self' ${world.line.url}`,
  ].join("; ");
  await page.route(`${world.pages.url}/element.html`, async (route) => {
    const response = await route.fetch();
    const headers = { ...response.headers(), "content-security-policy": policy };
    await route.fulfill({ response, headers });
  });
  await page.goto(`${world.pages.url}/element.html`);
  const notes = text("strict.txt", 9_000_000);
  await uploader.choose(notes);
  await expect(uploader.row(notes.name)).toHaveAttribute("data-phase", "done");
});

test("the element uploads with a ticket, tells its page, and keeps to its attributes", async ({
  page,
  uploader,
  world,
}) => {
  await page.goto(`${world.pages.url}/element.html`);
  await uploader.choose(letter(), photo());
  await expect(page.getByText("2 files uploaded")).toBeVisible();
  const { done } = await uploader.told();
  expect(done.map(({ filename }) => filename).sort()).toEqual([
    "referral-letter.pdf",
    "wound-photo.png",
  ]);
  await uploader.choose(letter("third.pdf"), letter("fourth.pdf"));
  await expect(uploader.row("fourth.pdf")).toContainText("Only 3 files can be added.");
  await expect(uploader.row("third.pdf")).toHaveAttribute("data-phase", "done");
  expect((await uploader.told()).failed).toEqual(["too_many_files"]);
});
