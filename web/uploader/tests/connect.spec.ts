// Who is uploading, said in each of the three ways; and pages that forbid much.
import { violations } from "../../testing/axe.mjs";
import { startPages } from "../../testing/pages.mjs";
import { freePort, startServer } from "../../testing/server.mjs";
import { elementPage, expect, FOLDERS, letter, photo, test, text } from "./fixtures.js";

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
  page,
  uploader,
}) => {
  const port = await freePort();
  const server = await startServer({ publicUrl: `http://127.0.0.1:${port}` });
  const pages = await startPages({ port, folders: FOLDERS, behind: server.url });
  try {
    await server.user({ name: "page-admin" });
    await page.goto(elementPage(pages.url, { category: "other" }));
    const status = await page.evaluate(async () => {
      const answer = await fetch("/api/session", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ username: "page-admin", password: "correct horse battery" }),
      });
      return answer.status;
    });
    expect(status).toBe(204);
    await uploader.choose(letter());
    await expect.poll(async () => (await uploader.told()).done).toHaveLength(1);
    expect((await uploader.told()).done).toMatchObject([{ uploadedBy: "page-admin" }]);
  } finally {
    await pages.stop();
    await server.stop();
  }
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

test("a page whose policy forbids workers, WebAssembly and inline styles can upload", async ({
  page,
  uploader,
  world,
}) => {
  const forbidden: string[] = [];
  page.on("console", (message) => {
    if (/violates|Refused/.test(message.text())) forbidden.push(message.text());
  });
  await page.goto(elementPage(world.pages.url, { "ticket-url": "/ticket", strict: "" }));
  const notes = text("strict.txt", 9_000_000);
  await uploader.choose(notes);
  await expect(uploader.row(notes.name)).toHaveAttribute("data-phase", "done");
  // The worker was tried, and nothing else.
  expect(forbidden.filter((said) => !/worker/i.test(said))).toEqual([]);
  expect(forbidden.length).toBeGreaterThan(0);
});

test("the element uploads with a ticket, tells its page, and keeps to its attributes", async ({
  page,
  uploader,
  world,
}) => {
  await page.goto(elementPage(world.pages.url, { "ticket-url": "/ticket", "max-files": "3" }));
  await uploader.choose(letter(), photo());
  await expect(page.locator(".srm-summary-text")).toHaveText("2 files uploaded");
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

test("files that begin at once share one ticket, and no name of theirs is in the console", async ({
  uploader,
  page,
}) => {
  const asked: string[] = [];
  const logged: string[] = [];
  page.on("request", (request) => {
    if (request.url().endsWith("/ticket")) asked.push(request.url());
  });
  page.on("console", (message) => logged.push(message.text()));
  await uploader.open();
  const liar = { ...photo(), name: "test-liar.pdf", type: "application/pdf" };
  await uploader.drop(letter("test-a.pdf"), letter("test-b.pdf"), letter("test-c.pdf"), liar);
  await expect.poll(async () => (await uploader.told()).done).toHaveLength(3);
  await expect(uploader.row(liar.name)).toHaveAttribute("data-phase", "failed");
  expect(asked).toHaveLength(1);
  expect(logged.filter((text) => text.includes("test-"))).toEqual([]);
});

test("when a ticket is used up another is asked for", async ({ uploader, page }) => {
  let asked = 0;
  page.on("request", (request) => {
    if (request.url().endsWith("/small-ticket")) asked += 1;
  });
  await uploader.open({ ticketUrl: "/small-ticket" });
  await uploader.drop(letter("first.pdf"));
  await expect.poll(async () => (await uploader.told()).done).toHaveLength(1);
  await uploader.drop(letter("second.pdf"), letter("third.pdf"));
  await expect.poll(async () => (await uploader.told()).done).toHaveLength(3);
  expect((await uploader.told()).failed).toEqual([]);
  expect(asked).toBe(3);
});

test("a store that hides its ETag from the page is told apart from a slow one", async ({
  uploader,
  page,
}) => {
  await page.addInitScript(() => {
    XMLHttpRequest.prototype.getResponseHeader = () => null;
  });
  await uploader.open();
  await uploader.drop(letter());
  await expect(uploader.row(letter().name)).toContainText("The server cannot do this at the moment.");
  // The operator's sentence is for the app, and no person.
  const [failed] = (await uploader.told()).failed;
  expect(failed).toMatchObject({ code: "store_unavailable" });
  expect(failed?.message).toContain("CORS rules have to expose the header ETag");
});

test("the records element shows, finds and adds documents", async ({ page, uploader, world }) => {
  await page.goto(`${world.pages.url}/element.html`);
  await page.evaluate(
    ([endpoint, token]) => {
      const element = document.createElement("strongroom-patient-records");
      element.setAttribute("endpoint", endpoint ?? "");
      element.setAttribute("patient-id", "patient-of-element");
      element.setAttribute("allow-upload", "");
      Object.assign(element, { token: async () => token });
      document.querySelector("main")?.append(element);
    },
    [world.line.url, world.clinician],
  );
  await expect(page.getByText("There are no documents yet.")).toBeVisible();
  await uploader.choose(letter(), photo());
  const name = (text: string) => page.getByRole("button", { name: text, exact: true });
  await expect(name("referral-letter.pdf")).toBeVisible();
  await expect(name("wound-photo.png")).toBeVisible();
  await page.getByRole("searchbox").fill("wound");
  await expect(name("referral-letter.pdf")).toHaveCount(0);
  await expect(name("wound-photo.png")).toBeVisible();
  await page.getByRole("combobox").selectOption("invoices");
  await expect(page.getByText("No document matches.")).toBeVisible();
  expect(await violations(page)).toEqual([]);
});
