import {
  count,
  expect,
  letter,
  photo,
  type Sample,
  sample,
  scan,
  sha256,
  test,
  text,
} from "./fixtures.js";

test("several files dropped at once are uploaded, and their progress is seen", async ({
  uploader,
  world,
}) => {
  world.line.rate = 12_000_000;
  await uploader.open();
  const notes = text("long-notes.txt", 17_000_000);
  const seen = await uploader.watchProgress(notes.name);
  await uploader.drop(letter(), photo(), scan(), notes);
  await expect(uploader.page.locator(".srm-summary-text")).toHaveText("4 files uploaded");
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

const docx = (as: string) => sample("treatment-plan.docx", "application/pdf", as);
const heic = (as: string) => sample("phone-photo.heic", "image/jpeg", as);
const bytes = (name: string, text: string | Buffer) => ({ name, type: "", bytes: Buffer.from(text) });

/** As much of an Office file of before 2007 as names its kind: the header, and a directory in sector 1. */
function compound(stream: string): Buffer {
  const file = Buffer.alloc(2048);
  file.write("d0cf11e0a1b11ae1", "hex");
  file.writeUInt16LE(9, 30);
  file.writeUInt32LE(1, 48);
  file.write("Root Entry", 1024, "utf16le");
  file.write(stream, 1152, "utf16le");
  return file;
}

/** A file of each kind, its name, and what is said of it. */
const LIARS: [what: string, file: Sample, said: string][] = [
  [
    "a picture called .pdf",
    photo("wound.pdf"),
    "The file is called .pdf, but it is a PNG picture. Rename it to end in .png, or save it as a PDF.",
  ],
  [
    "a PDF called .jpg",
    letter("letter.jpg"),
    "The file is called .jpg, but it is a PDF. Rename it to end in .pdf, or save it as a JPEG picture.",
  ],
  [
    "a photo of a phone called .jpg",
    heic("phone.jpg"),
    "The file is called .jpg, but it is a HEIC picture. Rename it to end in .heic, or save it as a JPEG picture.",
  ],
  [
    "a Word document called .xlsx",
    docx("plan.xlsx"),
    "but it is a Word document (.docx). Rename it to end in .docx, or save it as an Excel file (.xlsx).",
  ],
  [
    "a Word document of before 2007 called .pdf",
    bytes("old.pdf", compound("WordDocument")),
    "but it is a Word document (.doc). Rename it to end in .doc, or save it as a PDF.",
  ],
  [
    "a document with macros called .pdf",
    bytes("macros.pdf", "PK\x03\x04 word/document.xml word/vbaProject.bin PK\x05\x06"),
    "The file is called .pdf, but it is an Office document with macros. Save it as a PDF.",
  ],
  [
    "a web page called .pdf",
    bytes("page.pdf", "<!DOCTYPE html><html><body>Please sign in</body></html>"),
    "The file is called .pdf, but it is a web page. Save it as a PDF.",
  ],
  [
    "a table called .xls",
    bytes("fees.xls", "code;fee\n1;20\n"),
    "The file is called .xls, but it is plain text. Rename it to end in .txt, or save it as an Excel file (.xls).",
  ],
  [
    "a text in UTF-16",
    bytes("notes.txt", Buffer.from("\ufeffTest notes", "utf16le")),
    "but it is text saved as UTF-16 instead of UTF-8. Save it as plain text.",
  ],
  [
    "what nobody knows called .pdf",
    bytes("unknown.pdf", Buffer.from([1, 2, 3, 4, 5])),
    "The file is called .pdf, but it is not a PDF. Save it as a PDF again, or choose another file.",
  ],
];

test("of a file that is not what it is called people read what it is and what would be right", async ({
  uploader,
}) => {
  await uploader.open();
  await uploader.drop(...LIARS.map(([, file]) => file));
  for (const [what, { name }, said] of LIARS) {
    await expect(uploader.row(name), what).toContainText(said);
    await expect(uploader.button("Try again", name)).toHaveCount(0);
  }
  // The app has the server's own words beside those that are shown.
  const { failed } = await uploader.told();
  expect(failed).toHaveLength(LIARS.length);
  for (const { code, message, file } of failed) {
    expect({ code, message }).toMatchObject({
      code: "content_mismatch",
      message: expect.stringContaining("The type is not what was announced"),
    });
    expect(file.message).toContain("The file is called .");
  }
});

test("a damaged file and one with a script in it are refused in words for people", async ({
  uploader,
}) => {
  await uploader.open();
  const cut = { ...photo("cut.png"), bytes: photo().bytes.subarray(0, 400) };
  const script = bytes("script.txt", "Test notes\n<script>alert(1)</script>\n");
  await uploader.drop(cut, script);
  await expect(uploader.row("cut.png")).toContainText("The file is damaged or incomplete.");
  await expect(uploader.row("script.txt")).toContainText("contains something that runs");
  const { failed } = await uploader.told();
  expect(failed.map(({ code }) => code)).toEqual(["content_refused", "content_refused"]);
  expect(failed.map(({ message }) => message).join()).toContain("begin a new upload");
});

test("an app's own words take the place of the uploader's", async ({ uploader }) => {
  await uploader.open({ ticketUrl: "/ticket", german: true });
  await uploader.drop(photo("wunde.pdf"));
  await expect(uploader.row("wunde.pdf")).toContainText("Die Datei heißt .pdf, ist aber ein PNG-Bild.");
});

test("cancelling leaves no open upload at the server", async ({ uploader, world }) => {
  const name = "to-be-cancelled.txt";
  const row = await uploader.begin(text(name, 100_000));
  expect(await count(world, "pending", name)).toBe(1);
  await uploader.button("Cancel", name).click();
  await expect(row).toHaveCount(0);
  await expect.poll(() => count(world, "pending", name)).toBe(0);
  expect(await count(world, "abandoned", name)).toBe(1);
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
  for (const options of [{ ticketUrl: "/ticket", maxSize: 10_000 }, { ticketUrl: "/tiny-ticket" }]) {
    await uploader.open(options);
    await uploader.drop(photo());
    await expect(uploader.row(photo().name)).toContainText("The file is too large. The limit is 10 kB.");
  }
  await uploader.open({ ticketUrl: "/bare-tiny-ticket" });
  await uploader.drop(photo());
  await expect(uploader.row(photo().name)).toContainText("files of at most 10000 bytes");
  expect(puts).toEqual([]);
});
