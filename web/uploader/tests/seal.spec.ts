// Files that are sealed in the page before they are sent, and the age command that opens them.
import type { Page, Request } from "@playwright/test";
import { eachPartOnce, elementPage, expect, letter, photo, sha256, test, text, type World } from "./fixtures.js";
import { makeKey, opened } from "./seal-key.js";

const MB = 1_000_000;
const key = makeKey();

test.use({ sealed: true });

/** The bytes of a document, as the server has them. */
async function stored(world: World, id: string | undefined): Promise<Buffer> {
  const content = await fetch(`${world.server.url}/api/docs/${id}/content`, {
    headers: { authorization: `Bearer ${world.admin}` },
  });
  return Buffer.from(await content.arrayBuffer());
}

/** Every request that announces or sends something. */
function sending(page: Page): Request[] {
  const all: Request[] = [];
  page.on("request", (request) => {
    const isTicket = request.url().endsWith("ticket");
    if (["POST", "PUT"].includes(request.method()) && !isTicket) all.push(request);
  });
  return all;
}

test("a file is sealed in the page, nothing readable arrives, and age opens it", async ({
  uploader,
  page,
  world,
}) => {
  await uploader.open({ ticketUrl: "/ticket", sealFor: key.recipient });
  await expect(page.getByText("Files are sealed in this browser")).toBeVisible();
  const notes = text("Notes of Test Patient.txt", 300_000);
  await uploader.drop(letter(), notes);
  for (const file of [letter(), notes]) {
    await expect(uploader.row(file.name)).toHaveAttribute("data-phase", "done");
    await expect(uploader.row(file.name)).toContainText("Sealed and uploaded");
  }
  const { done, failed } = await uploader.told();
  expect(failed).toEqual([]);
  for (const file of [letter(), notes]) {
    const document = done.find(({ filename }) => filename === `${file.name}.age`);
    expect(document).toMatchObject({ contentType: "application/vnd.age", state: "available" });
    const bytes = await stored(world, document?.id);
    expect(bytes.toString("latin1")).toMatch(/^age-encryption\.org\/v1\n-> X25519 /);
    expect(bytes.includes("%PDF") || bytes.includes("brown fox")).toBe(false);
    expect(document?.sha256).toBe(sha256(bytes));
    expect(opened(bytes, key).equals(file.bytes)).toBe(true);
  }
});

test("a large file is sealed once, paused, cut off, tried again, and is the same when it is opened", async ({
  uploader,
  page,
  world,
}) => {
  const notes = text("long-notes.txt", 17 * MB);
  world.line.letParts(1);
  await uploader.hurry();
  await uploader.open({ ticketUrl: "/ticket", sealFor: [key.recipient, makeKey().recipient] });
  const bar = await uploader.watchProgress(notes.name);
  await uploader.drop(notes);
  const row = uploader.row(notes.name);
  await expect(row).toHaveAttribute("data-phase", "uploading", { timeout: 60_000 });
  expect((await bar()).length).toBeGreaterThan(5);
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
  await expect.poll(() => [world.line.answered().length, world.line.waits()]).toEqual([1, 2]);
  await uploader.button("Pause", notes.name).click();
  await expect(row).toContainText("Paused at");
  await uploader.button("Resume", notes.name).click();
  await expect.poll(() => world.line.waits()).toBe(2);
  world.line.cut();
  await expect(row).toHaveAttribute("data-phase", "failed");
  world.line.mend();
  world.line.release();
  await uploader.button("Try again", notes.name).click();
  await expect(row).toHaveAttribute("data-phase", "done", { timeout: 30_000 });
  // Sealed anew it would have begun anew.
  eachPartOnce(world.line, 3);
  const [document] = (await uploader.told()).done;
  expect(opened(await stored(world, document?.id), key).equals(notes.bytes)).toBe(true);
});

test("a reload ends a sealed upload: another sealing would be other bytes", async ({
  uploader,
  page,
}) => {
  const row = await uploader.begin(text("reloaded.txt", 100_000), 0, { ticketUrl: "/ticket", sealFor: key.recipient });
  await uploader.reload();
  await page.locator(".srm").first().waitFor();
  await expect(page.getByText("Files are sealed in this browser")).toBeVisible();
  await expect(row).toHaveCount(0);
});

for (const [what, sealFor] of [
  ["an empty text", ""],
  ["no key at all", []],
  ["null", null],
  ["a key with a wrong letter", key.recipient.replace(/.$/, (last) => (last === "q" ? "p" : "q"))],
  ["the secret key", key.identity],
  ["one good and one bad key", [key.recipient, "age1nonsense"]],
  ["something else", "practice@clinic.example"],
] as const) {
  test(`where files are to be sealed for ${what}, that is said at once and nothing is sent`, async ({
    uploader,
    page,
  }) => {
    const sent = sending(page);
    const console: string[] = [];
    page.on("console", (message) => console.push(message.text()));
    await uploader.open({ ticketUrl: "/ticket", sealFor });
    await expect(page.getByRole("alert")).toContainText("the key that they are to be sealed for");
    await uploader.drop(letter());
    await expect(uploader.row(letter().name)).toHaveAttribute("data-phase", "refused");
    const { done, failed } = await uploader.told();
    expect(done).toEqual([]);
    expect(failed).toMatchObject([{ code: "wrong_seal_key", file: { name: letter().name } }]);
    expect(sent).toEqual([]);
    const shown = [...console, JSON.stringify(failed), await page.locator("main").innerText()].join();
    expect(shown).not.toContain(key.identity);
  });
}

test("what would not come in unsealed is not sealed either", async ({ uploader, page }) => {
  const sent = sending(page);
  await uploader.open({ ticketUrl: "/ticket", sealFor: key.recipient });
  const bytes = Buffer.from("MZ\x90\0 a program");
  await uploader.drop({ name: "setup.exe", type: "application/octet-stream", bytes });
  await expect(uploader.row("setup.exe")).toContainText("not accepted");
  await uploader.drop({ name: "report.pdf", type: "application/pdf", bytes });
  await expect(uploader.row("report.pdf")).toContainText("The file is called .pdf, but it is a program.");
  await uploader.drop({ name: "sealed.pdf.age", type: "", bytes: Buffer.from("age-encryption.org/v1\n") });
  await expect(uploader.row("sealed.pdf.age")).toContainText("not accepted");
  await uploader.drop({ name: "empty.txt", type: "text/plain", bytes: Buffer.alloc(0) });
  await expect(uploader.row("empty.txt")).toContainText("empty");
  expect(sent).toEqual([]);
});

test("one element seals on a page that forbids much, and sends nothing while it cannot", async ({
  page,
  world,
}) => {
  const sent = sending(page);
  await page.route("**/elements-seal.js", (route) => route.abort());
  const attributes = { "ticket-url": "/ticket", "seal-for": key.recipient };
  await page.goto(elementPage(world.pages.url, { ...attributes, strict: "" }));
  await expect(page.getByRole("alert")).toContainText("could not be sealed");
  const choose = async () => {
    const asked = page.waitForEvent("filechooser");
    await page.getByRole("button", { name: "Choose files" }).click();
    const { name, type, bytes } = photo();
    await (await asked).setFiles([{ name, mimeType: type, buffer: bytes }]);
  };
  await choose();
  const row = page.getByRole("listitem").filter({ hasText: photo().name });
  await expect(row).toHaveAttribute("data-phase", "refused");
  expect(sent).toEqual([]);

  await page.unroute("**/elements-seal.js");
  await page.reload();
  await choose();
  await expect(row).toHaveAttribute("data-phase", "done");
  await expect(page.getByRole("alert")).toHaveCount(0);
  const [document] = await page.evaluate(() => window.told.done as { id: string; filename: string }[]);
  expect(document?.filename).toBe(`${photo().name}.age`);
  expect(opened(await stored(world, document?.id), key).equals(photo().bytes)).toBe(true);
});

test("a page opens a sealed file with the key, and nothing of it with another or when it was changed", async ({
  uploader,
  page,
  world,
}) => {
  await uploader.open({ ticketUrl: "/ticket", sealFor: key.recipient });
  const notes = text("opened.txt", 300_000);
  await uploader.drop(notes);
  await expect(uploader.row(notes.name)).toHaveAttribute("data-phase", "done");
  const bytes = await stored(world, (await uploader.told()).done[0]?.id);
  const unseal = (sealed: Buffer, identity: string) =>
    page.evaluate(
      async ([base64, identity]) => {
        const path = "/elements-seal.js";
        const { unseal } = (await import(path)) as typeof import("../src/seal.js");
        const sealed = await (await fetch(`data:;base64,${base64}`)).blob();
        return unseal(sealed, identity, "text/plain").then((plain) => plain.text(), () => "nothing");
      },
      [sealed.toString("base64"), identity] as const,
    );
  expect(await unseal(bytes, key.identity)).toBe(notes.bytes.toString());
  expect(await unseal(bytes, makeKey().identity)).toBe("nothing");
  expect(await unseal(bytes.subarray(0, 200_000), key.identity)).toBe("nothing");
  const changed = Buffer.from(bytes);
  changed.writeUInt8(changed.readUInt8(250_000) ^ 1, 250_000);
  expect(await unseal(changed, key.identity)).toBe("nothing");
});

test("a patient's records show a sealed file as one, to be downloaded and not looked at", async ({
  uploader,
  page,
  world,
}) => {
  const { admin } = world;
  const name = "referral-for-records.pdf";
  const props = { patientId: "test-patient", endpoint: world.line.url, token: admin, allowUpload: true };
  await uploader.open({ ...props, sealFor: key.recipient }, "records");
  await uploader.drop(letter(name));
  const row = page.getByRole("list", { name: "Documents" }).getByRole("listitem").filter({ hasText: `${name}.age` });
  await expect(row).toContainText("Sealed file");
  await expect(row.getByRole("button")).toHaveCount(1);
  const download = page.waitForEvent("download");
  await row.getByRole("button", { name: `Download: ${name}.age` }).click();
  const path = await (await download).path();
  const { readFileSync } = await import("node:fs");
  expect(opened(readFileSync(path), key).equals(letter().bytes)).toBe(true);
});
