import { documents, expect, letter, photo, scan, sha256, test, text } from "./fixtures.js";

test("several files dropped at once are uploaded, and their progress is seen", async ({
  uploader,
  world,
}) => {
  world.line.rate = 12_000_000;
  await uploader.open();
  const notes = text("long-notes.txt", 20_000_000);
  const seen = await uploader.watchProgress(notes.name);
  await uploader.drop(letter(), photo(), scan(), notes);
  await expect(uploader.page.getByText("4 files uploaded")).toBeVisible();
  expect((await seen()).filter((now) => now > 0 && now < 100).length).toBeGreaterThan(1);
  const { done, failed } = await uploader.told();
  expect(failed).toEqual([]);
  expect(done.map(({ filename }) => filename).sort()).toEqual(
    ["knee-xray.jpg", "long-notes.txt", "referral-letter.pdf", "wound-photo.png"].sort(),
  );
  for (const one of done) {
    expect(one).toMatchObject({ state: "available", patientId: "test-patient", category: "lab-results" });
  }
  const sent = done.find(({ filename }) => filename === notes.name);
  expect(sent?.sha256).toBe(sha256(notes.bytes));
  expect(sent?.uploadedBy).toBe("dr-test");
});

test("a type that may not come in is refused before anything is sent", async ({ uploader, page }) => {
  await uploader.open();
  const calls: string[] = [];
  page.on("request", (request) => calls.push(request.url()));
  await uploader.drop({ name: "setup.exe", type: "application/x-msdownload", bytes: Buffer.from("MZ") });
  await expect(uploader.row("setup.exe")).toContainText("This kind of file is not accepted");
  expect(calls.filter((url) => !url.startsWith("data:"))).toEqual([]);
  expect((await uploader.told()).failed).toMatchObject([{ code: "unsupported_type" }]);
});

test("a file that lies about its type is refused by the server, in the server's words", async ({
  uploader,
}) => {
  await uploader.open();
  await uploader.drop({ ...photo(), name: "wound-photo.pdf", type: "application/pdf" });
  const row = uploader.row("wound-photo.pdf");
  await expect(row).toHaveAttribute("data-phase", "failed");
  const { failed } = await uploader.told();
  expect(failed).toMatchObject([{ code: "content_mismatch" }]);
  await expect(row).toContainText(failed[0]?.message ?? "?");
  await expect(uploader.button("Try again", "wound-photo.pdf")).toHaveCount(0);
});

test("cancelling leaves no open upload at the server", async ({ uploader, world }) => {
  world.line.rate = 2_000_000;
  await uploader.open();
  await uploader.drop(text("to-be-cancelled.txt", 12_000_000));
  await expect(uploader.row("to-be-cancelled.txt")).toContainText("of 12 MB");
  const name = "to-be-cancelled.txt";
  const inState = async (state: string) =>
    (await documents(world, state)).filter(({ filename }) => filename === name);
  expect(await inState("pending")).toHaveLength(1);
  await uploader.button("Cancel", "to-be-cancelled.txt").click();
  await expect(uploader.row("to-be-cancelled.txt")).toHaveCount(0);
  world.line.rate = 0;
  await expect.poll(() => inState("pending")).toHaveLength(0);
  expect(await inState("abandoned")).toHaveLength(1);
});

test("what is pasted is uploaded, under a name of its own", async ({ uploader, page }) => {
  await uploader.open();
  const data = await uploader.dataTransfer([{ ...photo(), name: "image.png" }]);
  await page.evaluate((clipboardData) => {
    document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
  }, data);
  await expect(page.getByText(/^pasted-\d{8}-\d{6}\.png$/)).toBeVisible();
  await expect.poll(async () => (await uploader.told()).done).toHaveLength(1);
});

test("a file dropped beside the uploader does not take the page away", async ({ uploader, page }) => {
  await uploader.open();
  const dataTransfer = await uploader.dataTransfer([letter()]);
  const taken = await page.evaluate((data) => {
    const drop = new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true });
    return document.body.dispatchEvent(drop);
  }, dataTransfer);
  expect(taken).toBe(false);
  await expect(page.getByRole("listitem")).toHaveCount(0);
});

test("a file that is too large is refused before its first byte, by the page or by the server", async ({
  uploader,
  page,
}) => {
  const puts: string[] = [];
  page.on("request", (request) => request.method() === "PUT" && puts.push(request.url()));
  await uploader.open({ ticketUrl: "/ticket", maxSize: 10_000 });
  await uploader.drop(photo());
  await expect(uploader.row(photo().name)).toContainText("The file is too large. The limit is 10 kB.");
  await uploader.open({ ticketUrl: "/tiny-ticket" });
  await uploader.drop(photo());
  await expect(uploader.row(photo().name)).toContainText("files of at most 10000 bytes");
  expect(puts).toEqual([]);
});
