import { readFileSync } from "node:fs";
import { execFileSync } from "node:child_process";
import type { Page } from "@playwright/test";
import { startServer } from "../../testing/server.mjs";
import { complaintsOf, type Document, expect, OTHER, PATIENT, rows, sample, sha256, signIn, test, upload } from "./fixtures";

const row = (page: Page, name: string) => rows(page).filter({ hasText: name });
const panel = (page: Page) => page.getByRole("dialog");

test("filters and search narrow the list, stand in the address and are kept on reload", async ({ open }) => {
  const page = await open("/storage/documents");
  await expect(rows(page)).toHaveCount(5);
  await page.getByLabel("Search file names").fill("knee");
  await expect(rows(page)).toHaveCount(1);
  await expect(page).toHaveURL(/q=knee/);
  await page.getByRole("button", { name: "Clear", exact: true }).click();
  await page.getByRole("combobox", { name: "Categories" }).click();
  await page.getByRole("option", { name: "Imaging" }).click();
  await expect(rows(page)).toHaveCount(2);
  await page.keyboard.press("Escape");
  await page.getByLabel("Patient").fill(OTHER);
  await expect(rows(page)).toHaveCount(1);
  await expect(page).toHaveURL(new RegExp(`category=imaging&patient=${OTHER}`));
  await page.reload();
  await expect(rows(page)).toHaveCount(1);
  await expect(row(page, "knee-xray.jpg")).toBeVisible();
  await expect(page.getByLabel("Patient")).toHaveValue(OTHER);
  await page.getByLabel("Search file names").fill("nothing-is-called-so");
  await expect(page.getByText("Nothing fits")).toBeVisible();
  await page.getByRole("button", { name: "Clear the filters" }).click();
  await expect(rows(page)).toHaveCount(5);
});

test("a type and a span of days narrow the list; a heading sorts it", async ({ open }) => {
  const page = await open("/storage/documents?type=image&from=2020-01-01");
  await expect(rows(page)).toHaveCount(2);
  await page.goto(page.url().replace("from=2020-01-01", "to=2020-01-01"));
  await expect(page.getByText("Nothing fits")).toBeVisible();
  await page.getByRole("button", { name: "Clear the filters" }).click();
  await page.getByRole("button", { name: "Name" }).click();
  await expect(page).toHaveURL(/sort=filename/);
  await expect(rows(page).first()).toContainText("home-exercises.csv");
  await expect(page.getByRole("columnheader", { name: "Name" })).toHaveAttribute("aria-sort", "ascending");
});

test("an address with a mistyped day shows what there is", async ({ open }) => {
  for (const path of ["/storage/documents?from=somewhen", "/storage/audit?to=2026-13-45T99:00"]) {
    const page = await open(path);
    await expect(rows(page).first().getByRole("button").first(), path).toBeVisible();
    await expect(page.getByRole("alert"), path).toHaveCount(0);
  }
});

test("columns can be chosen and stay chosen", async ({ open }) => {
  const page = await open("/storage/documents");
  await expect(rows(page)).toHaveCount(5);
  await page.getByRole("button", { name: "Columns" }).click();
  await page.getByRole("menuitemcheckbox", { name: "By" }).click();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("columnheader", { name: "By" })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("columnheader", { name: "By" })).toBeVisible();
});

test("each type that can be shown is shown", async ({ open, world }) => {
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><script>alert(1)</script><circle cx="20" cy="20" r="9"/></svg>');
  const drawing = await upload(world.server, world.token, { bytes: svg, filename: "plan.svg", category: "imaging" });
  const at = (name: string) => `/storage/documents?doc=${(name === "plan.svg" ? drawing : world.documents[name])?.id}`;
  let page = await open(at("referral-letter.pdf"));
  const drawn = panel(page).getByRole("img", { name: "referral-letter.pdf, page 1" });
  await expect(drawn).toHaveAttribute("data-drawn", "1");
  for (const picture of ["wound-photo.png", "knee-xray.jpg", "plan.svg"]) {
    page = await open(at(picture));
    const shown = panel(page).getByRole("img", { name: picture });
    await expect(shown).toBeVisible();
    expect(await shown.evaluate((image: HTMLImageElement) => image.decode().then(() => image.naturalWidth))).toBeGreaterThan(0);
  }
  page = await open(at("notes.txt"));
  await expect(panel(page).getByRole("region", { name: "notes.txt" })).toContainText(sample("notes.txt").toString().slice(0, 20).trim());
  page = await open(at("home-exercises.csv"));
  await expect(panel(page).locator("th").first()).toHaveText(sample("home-exercises.csv").toString().split(",")[0] ?? "");
  await world.server.api("DELETE", `/api/docs/${drawing.id}?permanent=true`, { token: world.token });
});

test("a table that an older program wrote shows its letters", async ({ open, world }) => {
  const table = await upload(world.server, world.token, { bytes: Buffer.from("Name;Stra\xdfe\r\nM\xfcller;10 \x80\r\n", "latin1"), filename: "addresses.csv", category: "other" });
  const page = await open(`/storage/documents?doc=${table.id}`);
  await expect(panel(page).locator("th").nth(1)).toHaveText("Straße");
  await expect(panel(page).getByRole("cell")).toHaveText(["Müller", "10 €"]);
  await world.server.api("DELETE", `/api/docs/${table.id}?permanent=true`, { token: world.token });
});

test("a scan as fax machines pack it is drawn", async ({ open, world }) => {
  const bytes = readFileSync(new URL("fax.pdf", import.meta.url));
  const fax = await upload(world.server, world.token, { bytes, filename: "fax.pdf" });
  const page = await open(`/storage/documents?doc=${fax.id}`);
  const drawn = panel(page).getByRole("img", { name: "fax.pdf, page 1" });
  await expect(drawn).toHaveAttribute("data-drawn", "1");
  const black = await drawn.evaluate((canvas: HTMLCanvasElement) => {
    const { data } = canvas.getContext("2d")?.getImageData(0, 0, canvas.width, canvas.height) ?? { data: [] };
    return data.filter((value, at) => at % 4 === 0 && value < 64).length;
  });
  expect(black).toBeGreaterThan(1000);
  await world.server.api("DELETE", `/api/docs/${fax.id}?permanent=true`, { token: world.token });
});

test("a look is one read in the trail, and the download is the file that was uploaded", async ({ open, world }) => {
  const letter = await upload(world.server, world.token, { bytes: sample("referral-letter.pdf"), filename: "looked-at.pdf" });
  const page = await open(`/storage/documents?doc=${letter.id}`);
  await expect(panel(page).getByRole("img", { name: "looked-at.pdf, page 1" })).toHaveAttribute("data-drawn", "1");
  const trail = await world.server.api("GET", `/api/docs/${letter.id}/audit`, { token: world.token });
  expect(trail.items.filter(({ action }: { action: string }) => action === "content.read")).toHaveLength(1);
  const coming = page.waitForEvent("download");
  await panel(page).getByRole("button", { name: "Download" }).click();
  const download = await coming;
  expect(download.suggestedFilename()).toBe("looked-at.pdf");
  expect(sha256(readFileSync(await download.path()))).toBe(sha256(sample("referral-letter.pdf")));
  await panel(page).getByRole("tab", { name: "Details" }).click();
  await expect(panel(page)).toContainText(sha256(sample("referral-letter.pdf")));
  await panel(page).getByRole("tab", { name: "Trail" }).click();
  await expect(panel(page).getByText("Read a document", { exact: true }).first()).toBeVisible();
  await world.server.api("DELETE", `/api/docs/${letter.id}?permanent=true`, { token: world.token });
});

/** What a page asks for from now on that would stand in the trail as a read of patients' data. */
function readsOf(page: Page): string[] {
  const reads: string[] = [];
  page.on("request", (request) => {
    const { pathname } = new URL(request.url());
    if (request.method() === "GET" && pathname.startsWith("/api/docs")) reads.push(pathname.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, "{id}"));
  });
  return reads;
}

test("a look at a picture stays one read when the document is held and downloaded, and when somebody comes back to the tab", async ({ open, world }) => {
  const photo = await upload(world.server, world.token, { bytes: sample("wound-photo.png"), filename: "looked-at.png", category: "imaging" });
  const page = await open(`/storage/documents?doc=${photo.id}`);
  await expect(panel(page).getByRole("img", { name: "looked-at.png" })).toBeVisible();
  await page.waitForLoadState("networkidle");
  const reads = readsOf(page);
  await panel(page).getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Put under legal hold" }).click();
  await page.getByRole("dialog", { name: "Put under legal hold" }).getByLabel("Why").fill("a made-up dispute");
  await page.getByRole("dialog", { name: "Put under legal hold" }).getByRole("button", { name: "Hold" }).click();
  await expect(panel(page).getByRole("img", { name: "under legal hold" })).toBeVisible();
  await page.waitForLoadState("networkidle");
  // What the hold changed is asked again, the picture is not.
  expect(reads.splice(0).toSorted()).toEqual(["/api/docs", "/api/docs/{id}"]);
  const coming = page.waitForEvent("download");
  await panel(page).getByRole("button", { name: "Download" }).click();
  expect(sha256(readFileSync(await (await coming).path()))).toBe(sha256(sample("wound-photo.png")));
  await expect(panel(page).getByRole("button", { name: "Download" })).toBeEnabled();
  await page.waitForLoadState("networkidle");
  expect(reads.splice(0)).toEqual(["/api/docs/{id}/content"]);
  // Older than what is asked again by itself.
  await page.clock.install();
  await page.clock.fastForward(120_000);
  await page.evaluate(() => window.dispatchEvent(new Event("visibilitychange")));
  await panel(page).getByRole("tab", { name: "Versions" }).click();
  await expect(panel(page).getByRole("listitem")).toHaveCount(1);
  expect(reads).toEqual(["/api/docs/{id}/versions"]);
  const trail = await world.server.api("GET", `/api/docs/${photo.id}/audit`, { token: world.token });
  expect(trail.items.filter(({ action }: { action: string }) => action === "content.read")).toHaveLength(2);
  await world.server.api("DELETE", `/api/docs/${photo.id}/hold`, { token: world.token, body: { reason: "settled" } });
  await world.server.api("DELETE", `/api/docs/${photo.id}?permanent=true`, { token: world.token });
});

test("what is thrown away lies in the trash and can be taken out again", async ({ open, world }) => {
  const page = await open(`/storage/documents?doc=${world.documents["notes.txt"]?.id}`);
  await panel(page).getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Move to the trash" }).click();
  await page.getByRole("dialog", { name: "Move to the trash" }).getByRole("button", { name: "Move to the trash" }).click();
  await expect(panel(page).getByText("in the trash", { exact: true })).toBeVisible();
  // What was its preview is no preview any more.
  await expect(panel(page).getByRole("tab", { name: "Preview" })).toHaveCount(0);
  await expect(panel(page).getByRole("tabpanel")).toContainText("In the trash since");
  await expect(panel(page).getByRole("alert")).toHaveCount(0);
  await panel(page).getByRole("button", { name: "Close" }).first().click();
  await page.getByRole("link", { name: "Trash" }).click();
  await expect(rows(page)).toHaveCount(1);
  await expect(page.getByRole("columnheader", { name: "In the trash since" })).toBeVisible();
  await expect(rows(page).locator("td").nth(-2)).toContainText(String(new Date().getFullYear()));
  await page.getByRole("button", { name: /notes.txt/ }).click();
  await panel(page).getByRole("button", { name: "Take out of the trash" }).click();
  await expect(page.getByText("The trash is empty")).toBeVisible();
});

test("a name is repaired, a document is moved to the right patient, held and released", async ({ open, world }) => {
  const wrong = await upload(world.server, world.token, { bytes: sample("wound-photo.png"), filename: "wrong.png", category: "imaging" });
  const page = await open(`/storage/documents?doc=${wrong.id}`);
  const ask = async (item: string) => {
    await panel(page).getByRole("button", { name: "More actions" }).click();
    await page.getByRole("menuitem", { name: item }).click();
  };
  await ask("Change name or category");
  const edit = page.getByRole("dialog", { name: "Change name or category" });
  await edit.getByLabel("File name").fill("right.png");
  await edit.getByRole("button", { name: "Save" }).click();
  await expect(panel(page).getByText("right.png").first()).toBeVisible();
  await ask("Wrong patient: move");
  const move = page.getByRole("dialog", { name: "Wrong patient" });
  await move.getByLabel("It belongs to patient").fill(OTHER);
  await move.getByLabel("Why").fill("made-up reason");
  await move.getByRole("button", { name: "Move" }).click();
  await expect(move).toBeHidden();
  await ask("Withdraw from the patient");
  const withdraw = page.getByRole("dialog", { name: "Withdraw" });
  await withdraw.getByLabel("Why").fill("not yet discussed");
  await withdraw.getByRole("button", { name: "Withdraw" }).click();
  await expect(withdraw).toBeHidden();
  await ask("Put under legal hold");
  const hold = page.getByRole("dialog", { name: "Put under legal hold" });
  await hold.getByLabel("Why").fill("a made-up dispute");
  await hold.getByRole("button", { name: "Hold" }).click();
  await expect(hold).toBeHidden();
  await panel(page).getByRole("tab", { name: "Details" }).click();
  await expect(panel(page).getByText("a made-up dispute")).toBeVisible();
  await expect(panel(page)).toContainText(OTHER);
  await panel(page).getByRole("button", { name: "Close" }).first().click();
  await page.getByRole("link", { name: "Legal holds" }).click();
  await expect(rows(page)).toHaveCount(1);
  await page.getByLabel("Mark right.png").check();
  await page.getByRole("button", { name: "Lift the legal hold" }).click();
  await page.getByRole("dialog").getByLabel("Why").fill("settled");
  await page.getByRole("dialog").getByRole("button", { name: "Lift the legal hold" }).click();
  await expect(page.getByText("Nothing is under legal hold")).toBeVisible();
  await world.server.api("DELETE", `/api/docs/${wrong.id}?permanent=true`, { token: world.token });
});

test("many are moved to another patient at once, with the reason in the trail of each", async ({ open, world }) => {
  const made = [];
  for (const n of [1, 2]) made.push(await upload(world.server, world.token, { bytes: Buffer.from(`made-up line ${n}\n`), filename: `astray-${n}.txt`, category: "other" }));
  const page = await open("/storage/documents?q=astray");
  await page.getByLabel("Mark all that are shown").check();
  await page.getByRole("button", { name: "Move to another patient" }).click();
  const move = page.getByRole("dialog", { name: "Move to another patient: 2" });
  await move.getByLabel("They belong to patient").fill(OTHER);
  await move.getByLabel("Why").fill("a made-up mistake");
  await move.getByRole("button", { name: "Move to another patient" }).click();
  await expect(move).toBeHidden();
  await expect(rows(page).getByRole("link", { name: OTHER })).toHaveCount(2);
  await expect(page.getByRole("status").filter({ hasText: "marked" })).toHaveCount(0);
  for (const { id } of made) {
    const trail = await world.server.api("GET", `/api/docs/${id}/audit`, { token: world.token });
    expect(JSON.stringify(trail.items)).toContain("a made-up mistake");
    await world.server.api("DELETE", `/api/docs/${id}?permanent=true`, { token: world.token });
  }
});

test("a category that takes no file of this size is said at its field, and what is not changed is not saved", async ({ page, context }) => {
  const server = await startServer({ vars: { STRONGROOM_MAX_BY_CATEGORY: "imaging=1MB" } });
  const complaints = complaintsOf(page, () => server.url);
  await server.user({ name: "test-admin" });
  const token = await server.token({ user: "test-setup", role: "admin" });
  const large = await upload(server, token, { bytes: Buffer.from("a made-up line\n".repeat(100_000)), filename: "large.txt", category: "other" });
  await signIn(context, server.url, "test-admin");
  await page.goto(`${server.url}/storage/documents?doc=${large.id}`);
  await panel(page).getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Change name or category" }).click();
  const edit = page.getByRole("dialog", { name: "Change name or category" });
  await expect(edit.getByRole("button", { name: "Save" })).toBeDisabled();
  await edit.getByLabel("Category").click();
  await page.getByRole("option", { name: "Imaging" }).click();
  await edit.getByRole("button", { name: "Save" }).click();
  await expect(edit.getByRole("combobox", { name: "Category" })).toHaveAccessibleDescription(/takes files of at most/);
  await expect(edit.getByRole("alert")).toHaveCount(0);
  await edit.getByLabel("Category").click();
  await page.getByRole("option", { name: "Invoices" }).click();
  await edit.getByRole("button", { name: "Save" }).click();
  await expect(edit).toBeHidden();
  expect((await server.api("GET", `/api/docs/${large.id}`, { token })).category).toBe("invoices");
  expect(complaints).toEqual([]);
  await server.stop();
});

test("what the server says of a field that a form does not have is said by the form", async ({ open, page: blank, world }) => {
  await blank.route(/\/api\/docs\/[^/]+$/, (route) => (route.request().method() === "PATCH"
    ? route.fulfill({ status: 422, contentType: "application/problem+json", body: JSON.stringify({ status: 422, code: "invalid_fields", title: "Invalid", detail: "Fields are wrong.", errors: { madeUp: "must be something else" } }) })
    : route.continue()));
  const page = await open(`/storage/documents?doc=${world.documents["notes.txt"]?.id}`);
  await panel(page).getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Change name or category" }).click();
  const edit = page.getByRole("dialog", { name: "Change name or category" });
  await edit.getByLabel("File name").fill("other-notes.txt");
  await edit.getByRole("button", { name: "Save" }).click();
  await expect(edit.getByRole("alert")).toContainText("madeUp: must be something else");
});

test("a newer version is uploaded in the place of a document, which stays as the version before", async ({ open, world }) => {
  const old = await upload(world.server, world.token, { bytes: Buffer.from("made-up plan\n"), filename: "plan.txt", category: "consent-forms", patientId: OTHER });
  const page = await open(`/storage/documents?doc=${old.id}`);
  await panel(page).getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Upload a newer version" }).click();
  const drawer = page.getByRole("dialog", { name: "A newer version of plan.txt" });
  await drawer.locator("input[type=file]").setInputFiles({ name: "plan-2.txt", mimeType: "text/plain", buffer: Buffer.from("another made-up plan\n") });
  await expect(drawer.getByLabel("Category of plan-2.txt")).toHaveValue("Consent forms");
  await drawer.getByRole("button", { name: "Upload", exact: false }).last().click();
  await drawer.getByRole("link", { name: "plan-2.txt" }).click();
  await page.getByRole("tab", { name: "Versions" }).click();
  await expect(page.getByRole("tabpanel").getByRole("listitem")).toHaveText([/plan\.txt/, /plan-2\.txtcurrent/]);
  const [now] = (await world.server.api("GET", "/api/docs?q=plan-2", { token: world.token })).items as Document[];
  expect(now).toMatchObject({ supersedes: old.id, patientId: OTHER, category: "consent-forms" });
  for (const id of [now?.id, old.id]) await world.server.api("DELETE", `/api/docs/${id}?permanent=true`, { token: world.token });
});

test("what was asked of one version does not stay open when another comes in its place", async ({ open, world }) => {
  const old = await upload(world.server, world.token, { bytes: Buffer.from("made-up rules\n"), filename: "rules.txt", category: "other" });
  const now = await upload(world.server, world.token, { bytes: Buffer.from("newer made-up rules\n"), filename: "rules-2.txt", category: "other", supersedes: old.id });
  const page = await open(`/storage/documents?doc=${old.id}`);
  await panel(page).getByRole("tab", { name: "Versions" }).click();
  await panel(page).getByRole("button", { name: "rules-2.txt" }).click();
  await expect(panel(page).getByRole("region", { name: "rules-2.txt" })).toContainText("newer made-up rules");
  await panel(page).getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: "Change name or category" }).click();
  await expect(page.getByRole("dialog", { name: "Change name or category" }).getByLabel("File name")).toHaveValue("rules-2.txt");
  await page.goBack();
  await expect(page).toHaveURL(new RegExp(old.id));
  await expect(panel(page).getByRole("region", { name: "rules.txt" })).toContainText("made-up rules");
  await expect(panel(page)).toHaveCount(1);
  await expect(page.getByRole("dialog", { name: "rules.txt" })).toBeVisible();
  for (const { id } of [now, old]) await world.server.api("DELETE", `/api/docs/${id}?permanent=true`, { token: world.token });
});

test("what is marked comes as one ZIP of the same bytes, each read in the trail", async ({ open, world, page: blank }, info) => {
  // A file dialog of the system cannot be answered here; then the ZIP is made in memory.
  await blank.addInitScript(() => { delete (window as { showSaveFilePicker?: unknown }).showSaveFilePicker; });
  const names = ["referral-letter.pdf", "wound-photo.png"];
  const page = await open("/storage/documents");
  for (const name of names) await page.getByLabel(`Mark ${name}`).check();
  await expect(page.getByRole("status").filter({ hasText: "2 marked" })).toBeVisible();
  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download (ZIP)" }).click();
  const file = info.outputPath("documents.zip");
  await (await coming).saveAs(file);
  for (const name of names) {
    // Python's reader is stricter than most.
    const bytes = execFileSync("python3", ["-c", "import sys,zipfile; sys.stdout.buffer.write(zipfile.ZipFile(sys.argv[1]).read(sys.argv[2]))", file, name], { maxBuffer: 1e8 });
    expect(sha256(bytes)).toBe(sha256(sample(name)));
    const trail = await world.server.api("GET", `/api/docs/${world.documents[name]?.id}/audit`, { token: world.token });
    expect(trail.items[0].action).toBe("content.read");
  }
});

test("many are thrown away and taken out again at once, and what cannot be done is said by name", async ({ open, world }) => {
  const made = [];
  for (const n of [1, 2, 3]) made.push(await upload(world.server, world.token, { bytes: sample("notes.txt"), filename: `bulk-${n}.txt`, category: "other" }));
  const page = await open("/storage/documents?q=bulk");
  await page.getByLabel("Mark all that are shown").check();
  await page.getByRole("button", { name: "Move to the trash" }).click();
  // Somebody else was faster with one of them.
  await world.server.api("DELETE", `/api/docs/${made[1]?.id}?permanent=true`, { token: world.token });
  await page.getByRole("dialog").getByRole("button", { name: "Move to the trash" }).click();
  await expect(page.getByRole("alert")).toContainText("bulk-2.txt");
  await page.goto(`${world.server.url}/storage/trash?q=bulk`);
  await page.getByLabel("Mark all that are shown").check();
  await page.getByRole("button", { name: "Take out of the trash" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Take out of the trash" }).click();
  await expect(page.getByText("Nothing fits")).toBeVisible();
  for (const { id } of [made[0], made[2]].filter((one) => one !== undefined)) await world.server.api("DELETE", `/api/docs/${id}?permanent=true`, { token: world.token });
});

test("who narrows the list has marked nothing in it, and is told what an action is about by name", async ({ open }) => {
  const page = await open("/storage/documents");
  const marked = page.getByRole("status").filter({ hasText: "marked" });
  for (const name of ["notes.txt", "knee-xray.jpg"]) await page.getByLabel(`Mark ${name}`).check();
  await expect(marked).toContainText("2 marked");
  await page.getByLabel("Search file names").fill("notes");
  await expect(rows(page)).toHaveCount(1);
  await expect(marked).toHaveCount(0);
  await page.getByRole("button", { name: "Clear", exact: true }).click();
  await expect(rows(page)).toHaveCount(5);
  await expect(marked).toHaveCount(0);
  for (const name of ["notes.txt", "knee-xray.jpg"]) await page.getByLabel(`Mark ${name}`).check();
  await page.getByRole("button", { name: "Move to the trash" }).click();
  const asked = page.getByRole("dialog", { name: "Move to the trash: 2" });
  await expect(asked.getByRole("listitem")).toHaveText([`notes.txt, ${OTHER}`, `knee-xray.jpg, ${OTHER}`]);
  await asked.getByRole("button", { name: "Cancel" }).click();
  await page.getByRole("button", { name: "Put under legal hold" }).click();
  await expect(page.getByRole("dialog", { name: "Put under legal hold: 2" }).getByRole("listitem")).toHaveCount(2);
});

test("what could not be done to some is said in the form, which keeps what was typed for another try", async ({ open, page: blank, world }) => {
  const made: Document[] = [];
  for (const n of [1, 2]) made.push(await upload(world.server, world.token, { bytes: Buffer.from(`made-up line ${n}\n`), filename: `stays-${n}.txt`, category: "other" }));
  const failing = (url: URL) => url.pathname === `/api/docs/${made[1]?.id}/hold`;
  await blank.route(failing, (route) => route.fulfill({ status: 503, contentType: "text/plain", body: "" }));
  const page = await open("/storage/documents?q=stays");
  await page.getByLabel("Mark all that are shown").check();
  await page.getByRole("button", { name: "Put under legal hold" }).click();
  const hold = page.getByRole("dialog", { name: "Put under legal hold" });
  await hold.getByLabel("Why").fill("a made-up dispute");
  await hold.getByRole("button", { name: "Put under legal hold" }).click();
  await expect(hold.getByRole("alert")).toContainText("stays-2.txt: The server answered 503.");
  await expect(hold.getByRole("alert")).not.toContainText("stays-1.txt");
  await expect(hold.getByLabel("Why")).toHaveValue("a made-up dispute");
  // Closed, it is still said.
  await hold.getByRole("button", { name: "Cancel" }).click();
  await expect(page.getByRole("alert")).toContainText("stays-2.txt");
  await expect(page.getByRole("status").filter({ hasText: "1 marked" })).toBeVisible();
  await page.getByRole("button", { name: "Put under legal hold" }).click();
  await blank.unroute(failing);
  await hold.getByLabel("Why").fill("a made-up dispute");
  await hold.getByRole("button", { name: "Put under legal hold" }).click();
  await expect(hold).toBeHidden();
  for (const { id } of made) {
    expect((await world.server.api("GET", `/api/docs/${id}`, { token: world.token })).onHold).toBe(true);
    await world.server.api("DELETE", `/api/docs/${id}/hold`, { token: world.token, body: { reason: "settled" } });
    await world.server.api("DELETE", `/api/docs/${id}?permanent=true`, { token: world.token });
  }
});

test("a patient's page shows their documents by category and by time, and their care team", async ({ open }) => {
  const page = await open("/storage/patients");
  await page.getByLabel("Patient's id").fill(PATIENT);
  await page.getByRole("button", { name: "Open" }).click();
  await expect(page.getByRole("heading", { name: PATIENT })).toBeVisible();
  await expect(page.getByRole("heading", { name: /Imaging/ })).toBeVisible();
  await expect(page.getByText("3 shown")).toBeVisible();
  await page.getByText("By time").click();
  await expect(page).toHaveURL(/by=time/);
  await page.getByRole("button", { name: "Add" }).click();
  await page.getByLabel("Who").fill("test-clinician");
  await page.getByRole("dialog").getByRole("button", { name: "Add" }).click();
  await expect(page.getByRole("button", { name: "Take test-clinician out" })).toBeVisible();
  await page.getByRole("button", { name: "Take test-clinician out" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Take out" }).click();
  await expect(page.getByText("Nobody yet")).toBeVisible();
});

test("what comes later of a patient of many documents stands below, and moves nothing", async ({ open, page: blank }) => {
  // As many as a page of the API holds are many to make: its pages are made smaller.
  await blank.route(/\/api\/docs\?/, (route) => route.continue({ url: route.request().url().replace("limit=200", "limit=2") }));
  const page = await open(`/storage/patients/${PATIENT}`);
  await expect(rows(page).filter({ has: page.getByRole("button") })).toHaveCount(2);
  const headings = page.getByRole("table").getByRole("heading", { level: 2 });
  expect((await headings.allTextContents()).every((text) => !/\d/.test(text))).toBe(true);
  await expect(page.getByText("2 shown", { exact: true })).toBeVisible();
  const before = await page.getByRole("row").allTextContents();
  await page.getByRole("button", { name: "Show more" }).click();
  await expect(page.getByText("3 shown, which is all")).toBeVisible();
  expect((await page.getByRole("row").allTextContents()).slice(0, before.length)).toEqual(before);
  await expect(headings.last()).toHaveText("Medical records, older");
});

test("the next rows of a long list come when they are asked for", async ({ open, world }) => {
  const made = [];
  for (let n = 0; n < 55; n++) made.push(await upload(world.server, world.token, { bytes: Buffer.from(`made-up line ${n}\n`), filename: `many-${n}.txt`, category: "other" }));
  const page = await open("/storage/documents?q=many");
  await expect(rows(page)).toHaveCount(50);
  await page.getByRole("button", { name: "Show more" }).click();
  await expect(rows(page)).toHaveCount(55);
  await expect(page.getByText("55 shown, which is all")).toBeVisible();
  for (const { id } of made) await world.server.api("DELETE", `/api/docs/${id}?permanent=true`, { token: world.token });
});

test("what only the server can draw is drawn: HEIC, TIFF, and DICOM with its greys chosen", async ({ open, world }) => {
  const width = (image: HTMLImageElement) => image.naturalWidth;
  for (const filename of ["phone-photo.heic", "consent.tiff", "chest-ct.dcm"]) {
    const made = await upload(world.server, world.token, { bytes: sample(filename), filename, category: "imaging" });
    const page = await open(`/storage/documents?doc=${made.id}`);
    const image = panel(page).getByRole("img", { name: filename });
    await expect.poll(() => image.evaluate(width), { message: filename, timeout: 30_000 }).toBeGreaterThan(0);
    if (filename.endsWith(".dcm")) {
      const before = await image.getAttribute("src");
      await panel(page).getByLabel("Window centre").fill("300");
      await expect(image).not.toHaveAttribute("src", before ?? "");
      await expect(panel(page)).toContainText("not for diagnosis");
      await panel(page).getByRole("button", { name: "As in the file" }).click();
      await expect(panel(page).getByRole("button", { name: "As in the file" })).toHaveCount(0);
    }
    const trail = await world.server.api("GET", `/api/docs/${made.id}/audit`, { token: world.token });
    expect(trail.items.filter(({ action }: { action: string }) => action === "preview.read").length).toBeGreaterThan(0);
    await world.server.api("DELETE", `/api/docs/${made.id}?permanent=true`, { token: world.token });
  }
});
