// Uploading from the pages: dropped or chosen, watched, found in the list.
import type { Page } from "@playwright/test";
import { still, violations } from "../../testing/axe.mjs";
import { startLine } from "../../testing/proxy.mjs";
import { freePort, startServer } from "../../testing/server.mjs";
import { complaintsOf, type Document, expect, makeWorld, OTHER, PATIENT, PASSWORD, rows, sample, sha256, signIn, test, type World } from "./fixtures";

interface Sample { name: string; type: string; bytes: Buffer }

const TYPES: Record<string, string> = { pdf: "application/pdf", png: "image/png", jpg: "image/jpeg", txt: "text/plain" };
const ending = (name: string) => name.split(".").at(-1) ?? "";
const as = (name: string, from: string): Sample => ({ name, type: TYPES[ending(name)] ?? "", bytes: sample(from) });
/** Readable text that differs all along. */
const text = (name: string, size: number): Sample => ({ name, type: "text/plain", bytes: Buffer.from(Array.from({ length: size / 20 }, (_, n) => `line ${n}\n`.padStart(20, ".")).join("")) });

const drawer = (page: Page) => page.getByRole("dialog", { name: "Upload documents" });
/** What the drawer says of all files together; it stands there once more, to be read aloud. */
const told = (page: Page, text: string) => drawer(page).getByText(text).first();
const file = (page: Page, name: string) => drawer(page).getByRole("listitem").filter({ hasText: name });

/** Drops files on what stands at a selector, as a hand does. */
async function drop(page: Page, files: Sample[], at = "h1") {
  const plain = files.map(({ name, type, bytes }) => ({ name, type, data: bytes.toString("base64") }));
  const dataTransfer = await page.evaluateHandle((all) => {
    const data = new DataTransfer();
    for (const { name, type, data: base64 } of all) {
      data.items.add(new File([Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))], name, { type, lastModified: 1 }));
    }
    return data;
  }, plain);
  for (const type of ["dragenter", "dragover", "drop"]) await page.dispatchEvent(at, type, { dataTransfer });
}

async function found(world: World, name: string): Promise<Document[]> {
  const all = await world.server.api("GET", `/api/docs?q=${name}&limit=100`, { token: world.token });
  return all.items;
}

test("several files dropped on Documents are uploaded, each as what its name says, and stand in the list", async ({ open, world }) => {
  const page = await open("/storage/documents", "test-clinician");
  await expect(rows(page)).toHaveCount(5);
  await drop(page, [as("dropped-lab-report.pdf", "referral-letter.pdf"), as("dropped-photo.png", "wound-photo.png"), as("dropped-invoice.txt", "notes.txt")]);
  await expect(drawer(page).getByRole("listitem")).toHaveCount(3);
  await expect(drawer(page).getByLabel("Category of dropped-lab-report.pdf")).toHaveValue("Lab results");
  await expect(drawer(page).getByLabel("Category of dropped-invoice.txt")).toHaveValue("Invoices");
  await drawer(page).getByLabel("Category of dropped-photo.png").click();
  await page.getByRole("option", { name: "Imaging" }).click();
  await drawer(page).getByLabel("Patient").fill(OTHER);
  await drawer(page).getByRole("button", { name: "Upload 3 files" }).click();
  await expect(told(page, "3 files uploaded")).toBeVisible();
  await expect(rows(page)).toHaveCount(8);
  const made = await found(world, "dropped-");
  expect(made.map(({ filename, category, patientId, state }) => [filename, category, patientId, state]).sort()).toEqual([
    ["dropped-invoice.txt", "invoices", OTHER, "available"],
    ["dropped-lab-report.pdf", "lab-results", OTHER, "available"],
    ["dropped-photo.png", "imaging", OTHER, "available"],
  ]);
  expect(made.find(({ filename }) => filename === "dropped-photo.png")?.sha256).toBe(sha256(sample("wound-photo.png")));
  expect(made.every(({ uploadedBy }) => uploadedBy === "test-clinician")).toBe(true);
  // A click shows what was uploaded, and leads back.
  await drawer(page).getByRole("link", { name: "dropped-photo.png" }).click();
  await expect(page.getByRole("img", { name: "dropped-photo.png" })).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("img", { name: "dropped-photo.png" })).toBeHidden();
  await drawer(page).getByRole("button", { name: "Done" }).click();
  await expect(drawer(page)).toBeHidden();
  await page.getByRole("button", { name: /^dropped-lab-report/ }).click();
  await expect(page.getByRole("dialog").getByText("dropped-lab-report.pdf").first()).toBeVisible();
  for (const { id } of made) await world.server.api("DELETE", `/api/docs/${id}?permanent=true`, { token: world.token });
});

test("on a patient's page the patient is set, and the dialog chooses files, too", async ({ open, world }) => {
  const page = await open(`/storage/patients/${PATIENT}`);
  await page.getByRole("button", { name: "Upload", exact: true }).click();
  await expect(drawer(page)).toContainText(`For patient ${PATIENT}`);
  await expect(drawer(page).getByLabel("Patient")).toHaveCount(0);
  const asked = page.waitForEvent("filechooser");
  await drawer(page).getByRole("button", { name: "Choose files" }).click();
  const { name, type, bytes } = as("chosen.pdf", "referral-letter.pdf");
  await (await asked).setFiles([{ name, mimeType: type, buffer: bytes }]);
  await expect(drawer(page).getByLabel("Category of chosen.pdf")).toHaveValue("Other");
  // What is dropped while it is open joins the others.
  await drop(page, [as("dropped-after.txt", "notes.txt")], "body");
  await drawer(page).getByRole("button", { name: "Upload 2 files" }).click();
  await expect(told(page, "2 files uploaded")).toBeVisible();
  await drawer(page).getByRole("button", { name: "Done" }).click();
  await expect(rows(page).filter({ hasText: "chosen.pdf" })).toBeVisible();
  const made = [...await found(world, "chosen"), ...await found(world, "dropped-after")];
  expect(made.map(({ patientId, category }) => [patientId, category])).toEqual([[PATIENT, "other"], [PATIENT, "other"]]);
  for (const { id } of made) await world.server.api("DELETE", `/api/docs/${id}?permanent=true`, { token: world.token });
});

test("a document of no patient is one of the clinic's", async ({ open, world }) => {
  const page = await open("/storage/documents", "test-staff");
  await drop(page, [as("house-rules.txt", "notes.txt")]);
  await drawer(page).getByRole("button", { name: "Upload 1 file" }).click();
  await expect(told(page, "1 file uploaded")).toBeVisible();
  const [made] = await found(world, "house-rules");
  expect(made).toMatchObject({ category: "other", state: "available" });
  expect(made?.patientId ?? null).toBe(null);
  await world.server.api("DELETE", `/api/docs/${made?.id}?permanent=true`, { token: world.token });
});

test("a wrong type is refused with the reason before anything is sent, and so is a file that lies, by the server", async ({ open, page: blank, world }) => {
  const sent: string[] = [];
  blank.on("request", (request) => request.url().includes("/api/uppy/") && sent.push(request.url()));
  const page = await open("/storage/documents");
  await drop(page, [{ name: "setup.exe", type: "application/x-msdownload", bytes: Buffer.from("MZ") }]);
  await expect(file(page, "setup.exe")).toContainText("This kind of file is not accepted. Accepted: PDF, images");
  await expect(drawer(page).getByRole("button", { name: /^Upload \d/ })).toHaveCount(0);
  expect(sent).toEqual([]);
  await drop(page, [{ ...as("lies.pdf", "wound-photo.png") }], "body");
  await drawer(page).getByRole("button", { name: "Upload 1 file" }).click();
  await expect(file(page, "lies.pdf")).toContainText("The file is called .pdf, but it is a PNG picture.");
  await expect(file(page, "lies.pdf")).not.toContainText("Other");
  await expect(told(page, "2 files need your attention")).toBeVisible();
  expect(await found(world, "lies")).toEqual([]);
  // The same files would be refused again, whatever they are said to be: what helps is another one in their place.
  await expect(drawer(page).getByRole("button", { name: /^Try again/ })).toHaveCount(0);
  await expect(drawer(page).getByLabel(/^Category of/)).toHaveCount(0);
  await expect(file(page, "setup.exe").getByRole("button", { name: "Choose another file: setup.exe" })).toBeVisible();
  const asked = page.waitForEvent("filechooser");
  await file(page, "lies.pdf").getByRole("button", { name: "Choose another file: lies.pdf" }).click();
  await (await asked).setFiles([{ name: "true.pdf", mimeType: "application/pdf", buffer: sample("referral-letter.pdf") }]);
  await expect(file(page, "lies.pdf")).toHaveCount(0);
  await drawer(page).getByRole("button", { name: "Upload 1 file" }).click();
  await expect(file(page, "true.pdf")).toContainText("Uploaded");
  for (const { id } of await found(world, "true")) await world.server.api("DELETE", `/api/docs/${id}?permanent=true`, { token: world.token });
});

test("the drawer says what may come in and how large, and a file too large for its category goes as another", async ({ page, context }) => {
  const server = await startServer({ vars: { STRONGROOM_MAX_UPLOAD: "60MB", STRONGROOM_MAX_BY_CATEGORY: "imaging=1MB" } });
  const complaints = complaintsOf(page, () => server.url);
  await server.user({ name: "test-admin", password: PASSWORD });
  await signIn(context, server.url, "test-admin");
  await page.goto(`${server.url}/storage/documents`);
  await page.getByRole("button", { name: "Upload", exact: true }).click();
  await expect(drawer(page)).toContainText("PDF, images, Word, Excel, text, DICOM");
  await expect(drawer(page)).toContainText("Up to 60 MB each");
  await drop(page, [text("x-ray-notes.txt", 2_000_000)], "body");
  await drawer(page).getByLabel("Category of x-ray-notes.txt").click();
  await page.getByRole("option", { name: "Imaging" }).click();
  await drawer(page).getByRole("button", { name: "Upload 1 file" }).click();
  await expect(file(page, "x-ray-notes.txt")).toContainText("The file is too large. The limit is 1 MB.");
  await expect(file(page, "x-ray-notes.txt")).toContainText("Choose another category");
  await expect(drawer(page).getByRole("button", { name: /^Try again/ })).toHaveCount(0);
  await drawer(page).getByLabel("Category of x-ray-notes.txt").click();
  await page.getByRole("option", { name: "Other" }).click();
  await drawer(page).getByRole("button", { name: "Try again: x-ray-notes.txt" }).click();
  await expect(told(page, "1 file uploaded")).toBeVisible();
  expect(complaints).toEqual([]);
  await server.stop();
});

test("what a role may not upload is refused in the server's words, and goes as something else", async ({ open, world }) => {
  const page = await open("/storage/documents", "test-staff");
  await drop(page, [as("lab-order.txt", "notes.txt")]);
  await expect(drawer(page).getByLabel("Category of lab-order.txt")).toHaveValue("Lab results");
  await drawer(page).getByLabel("Patient").fill(PATIENT);
  await drawer(page).getByRole("button", { name: "Upload 1 file" }).click();
  await expect(file(page, "lab-order.txt")).toHaveAttribute("data-phase", "failed");
  await expect(file(page, "lab-order.txt")).toContainText("Choose another category or patient to try again");
  await expect(drawer(page).getByRole("button", { name: /^Try again/ })).toHaveCount(0);
  await drawer(page).getByLabel("Category of lab-order.txt").click();
  await page.getByRole("option", { name: "Intake forms" }).click();
  await drawer(page).getByRole("button", { name: "Try again: lab-order.txt" }).click();
  await expect(told(page, "1 file uploaded")).toBeVisible();
  const [made] = await found(world, "lab-order");
  expect(made).toMatchObject({ category: "intake-forms", patientId: PATIENT });
  await world.server.api("DELETE", `/api/docs/${made?.id}?permanent=true`, { token: world.token });
});

test("what failed on the way goes to whom it was sent, whoever the field names by then", async ({ open, page: blank, world }) => {
  const line = (url: URL) => url.pathname.startsWith("/api/uppy/");
  await blank.route(line, (route) => route.abort());
  const page = await open("/storage/documents");
  await drop(page, [as("cut-off.txt", "notes.txt")]);
  await drawer(page).getByLabel("Patient").fill(PATIENT);
  await drawer(page).getByRole("button", { name: "Upload 1 file" }).click();
  await expect(file(page, "cut-off.txt")).toHaveAttribute("data-phase", "failed");
  await expect(file(page, "cut-off.txt")).toContainText(PATIENT);
  await drawer(page).getByLabel("Patient").fill(OTHER);
  await drawer(page).getByLabel("Category of cut-off.txt").click();
  await page.getByRole("option", { name: "Invoices" }).click();
  await expect(file(page, "cut-off.txt")).toContainText(PATIENT);
  await blank.unroute(line);
  await drawer(page).getByRole("button", { name: "Try again: cut-off.txt" }).click();
  await expect(told(page, "1 file uploaded")).toBeVisible();
  await expect(file(page, "cut-off.txt")).toContainText(`Invoices, ${PATIENT}`);
  const [made] = await found(world, "cut-off");
  expect(made).toMatchObject({ patientId: PATIENT, category: "invoices" });
  await world.server.api("DELETE", `/api/docs/${made?.id}?permanent=true`, { token: world.token });
});

test("while files are on their way in, no document offers to be replaced in their place", async ({ open, world }) => {
  const page = await open("/storage/documents");
  await drop(page, [as("kept-open.txt", "notes.txt")]);
  await drawer(page).getByRole("button", { name: "Upload 1 file" }).click();
  await drawer(page).getByRole("link", { name: "kept-open.txt" }).click();
  const panel = page.getByRole("dialog", { name: "kept-open.txt" });
  const replace = page.getByRole("menuitem", { name: "Upload a newer version" });
  await panel.getByRole("button", { name: "More actions" }).click();
  await expect(replace).toBeDisabled();
  await page.keyboard.press("Escape");
  await panel.getByRole("button", { name: "Close" }).click();
  await drawer(page).getByRole("button", { name: "Done" }).click();
  await page.getByRole("button", { name: /^kept-open/ }).click();
  await panel.getByRole("button", { name: "More actions" }).click();
  await expect(replace).toBeEnabled();
  for (const { id } of await found(world, "kept-open")) await world.server.api("DELETE", `/api/docs/${id}?permanent=true`, { token: world.token });
});

test("a patient hands something in under My documents", async ({ open, world }) => {
  const page = await open("/storage/mine", "test-patient");
  await expect(page.getByRole("heading", { name: "My documents" })).toBeVisible();
  await drop(page, [as("insurance-card.png", "wound-photo.png")]);
  await expect(drawer(page)).toContainText(`For patient ${PATIENT}`);
  await expect(drawer(page).getByLabel("Category of insurance-card.png")).toHaveValue("Insurance");
  await drawer(page).getByRole("button", { name: "Upload 1 file" }).click();
  await expect(told(page, "1 file uploaded")).toBeVisible();
  await drawer(page).getByRole("link", { name: "insurance-card.png" }).click();
  await expect(page.getByRole("img", { name: "insurance-card.png" })).toBeVisible();
  await page.keyboard.press("Escape");
  await drawer(page).getByRole("button", { name: "Done" }).click();
  await expect(rows(page).filter({ hasText: "insurance-card.png" })).toBeVisible();
  const [made] = await found(world, "insurance-card");
  expect(made).toMatchObject({ patientId: PATIENT, category: "insurance", uploadedBy: "test-patient" });
  await world.server.api("DELETE", `/api/docs/${made?.id}?permanent=true`, { token: world.token });
});

test("an auditor is offered no upload, and a file dropped where nobody takes it does not take the page away", async ({ open }) => {
  const page = await open("/storage/audit", "test-auditor");
  await expect(page.getByRole("heading", { name: "Audit" })).toBeVisible();
  await expect(page.getByRole("button", { name: "Upload", exact: true })).toHaveCount(0);
  const stays = await page.evaluate(() => {
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File(["made up"], "stray.txt"));
    return !document.body.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
  });
  expect(stays).toBe(true);
  await expect(drawer(page)).toHaveCount(0);
});

test("an upload is paused, goes on, and is asked for before it is ended", async ({ page, context }) => {
  const port = await freePort();
  const server = await startServer({ vars: { STRONGROOM_PUBLIC_URL: `http://127.0.0.1:${port}` } });
  const line = await startLine(port, server.url);
  const complaints = complaintsOf(page, () => line.url);
  await server.user({ name: "test-admin", password: PASSWORD });
  const token = await server.token({ user: "test-admin", role: "admin" });
  const inState = async (state: string) => (await server.api("GET", `/api/docs?state=${state}`, { token })).items.map(({ filename }: Document) => filename);
  await signIn(context, line.url, "test-admin");
  await page.goto(`${line.url}/storage/documents`);
  await expect(page.getByText("Drop files anywhere on this page")).toBeVisible();
  line.rate = 4_000_000;
  await drop(page, [text("long.txt", 12_000_000)]);
  await drawer(page).getByRole("button", { name: "Upload 1 file" }).click();
  const bar = file(page, "long.txt").getByRole("progressbar", { name: "long.txt" });
  const value = async () => Number(await bar.getAttribute("aria-valuenow"));
  await expect(file(page, "long.txt")).toContainText("of 12 MB");
  await expect.poll(value).toBeGreaterThan(5);
  await drawer(page).getByRole("button", { name: "Pause: long.txt" }).click();
  await expect(file(page, "long.txt")).toContainText("Paused at");
  const rests = await value();
  expect(rests).toBeLessThan(100);
  await drawer(page).getByRole("button", { name: "Resume: long.txt" }).click();
  await expect.poll(value).toBeGreaterThan(rests);
  // To close asks; who goes on loses nothing.
  await page.keyboard.press("Escape");
  const ask = page.getByRole("dialog", { name: "Stop the uploads?" });
  await ask.getByRole("button", { name: "Cancel" }).click();
  await expect(ask).toBeHidden();
  line.rate = 0;
  await expect(told(page, "1 file uploaded")).toBeVisible();
  line.rate = 2_000_000;
  await drop(page, [text("given-up.txt", 11_000_000)], "body");
  await drawer(page).getByRole("button", { name: "Upload 1 file" }).click();
  await expect(file(page, "given-up.txt")).toContainText("of 11 MB");
  expect(await inState("pending")).toEqual(["given-up.txt"]);
  await drawer(page).getByRole("button", { name: "Close" }).click();
  await ask.getByRole("button", { name: "Stop and close" }).click();
  await expect(drawer(page)).toHaveCount(0);
  line.rate = 0;
  await expect.poll(() => inState("abandoned")).toEqual(["given-up.txt"]);
  await expect(rows(page)).toHaveCount(1);
  // Nothing of it stays in the tab for the next person.
  expect(await page.evaluate(() => sessionStorage.getItem("strongroom.uploads"))).toBe(null);
  expect(complaints).toEqual([]);
  await line.stop();
  await server.stop();
});

for (const scheme of ["light", "dark"] as const) {
  for (const width of [1440, 390]) {
    test(`axe finds nothing in the open drawer and it fits, ${scheme}, ${width}`, async ({ open, page: blank, world }) => {
      await blank.setViewportSize({ width, height: 900 });
      await blank.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      const page = await open("/storage/documents");
      const look = async (what: string) => {
        await still(page);
        expect.soft(await violations(page), what).toEqual([]);
        expect.soft(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth), what).toBeLessThanOrEqual(0);
      };
      await page.getByRole("button", { name: "Upload", exact: true }).click();
      await expect(drawer(page).getByLabel("Patient")).toBeVisible();
      await look("empty");
      await drop(page, [as("axe-lab-report-with-a-rather-long-name-of-its-own.pdf", "referral-letter.pdf"), as("axe-photo.png", "wound-photo.png"), { name: "setup.exe", type: "", bytes: Buffer.from("MZ") }], "body");
      await expect(drawer(page).getByLabel("Category of axe-photo.png")).toHaveValue("Other");
      await look("chosen");
      await drawer(page).getByLabel("Patient").fill(OTHER);
      await drawer(page).getByRole("button", { name: "Upload 2 files" }).click();
      await expect(told(page, "2 files uploaded")).toBeVisible();
      await look("done");
      for (const { id } of await found(world, "axe-")) await world.server.api("DELETE", `/api/docs/${id}?permanent=true`, { token: world.token });
    });
  }
}

test("who waits for a file to arrive is not signed out meanwhile, and is when it has", async ({ page, context }) => {
  const idle = 60;
  const { server } = await makeWorld({ STRONGROOM_SESSION_IDLE: String(idle) });
  await signIn(context, server.url, "test-admin");
  let go: () => void = () => undefined;
  const gone = new Promise<void>((resolve) => { go = resolve; });
  await page.route((url) => url.pathname.startsWith("/strongroom/"), async (route) => {
    await gone;
    await route.continue();
  });
  await page.clock.install();
  await page.goto(`${server.url}/storage/documents`);
  await page.getByRole("button", { name: "Upload", exact: true }).click();
  await page.locator("input[type=file]").setInputFiles({ name: "slow.txt", mimeType: "text/plain", buffer: Buffer.from("a made-up line\n") });
  await page.getByRole("button", { name: "Upload 1 file" }).click();
  const file = page.locator('li[data-phase="uploading"]');
  await expect(file).toBeVisible();
  // The page's clock goes on, and nobody does anything.
  await page.clock.fastForward(1000 * (idle + 5));
  await page.clock.runFor(2000);
  await expect(file).toBeVisible();
  go();
  await expect(page.getByRole("link", { name: "slow.txt" })).toBeVisible();
  await page.clock.fastForward(1000 * (idle + 5));
  await expect(page.getByText("You were signed out because nothing was done")).toBeVisible();
  await server.stop();
});
