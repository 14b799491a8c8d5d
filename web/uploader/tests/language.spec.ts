// An app in another language: every text is a word of a made-up one, and no English is left in any state.
import type { Page } from "@playwright/test";
import { expect, letter, photo, test, text, type Sample, type Uploader } from "./fixtures.js";

/** Everything that is seen or read aloud, of the component alone. */
const everything = (page: Page) =>
  page.evaluate(() => {
    const found: string[] = [];
    const look = (node: Node) => {
      if (node.nodeType === Node.TEXT_NODE) found.push(node.textContent ?? "");
      if (!(node instanceof Element)) return;
      for (const name of ["aria-label", "title", "placeholder", "alt"]) {
        const text = node.getAttribute(name);
        if (text) found.push(text);
      }
    };
    for (const root of document.querySelectorAll(".srm")) {
      look(root);
      const all = document.createTreeWalker(root, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
      while (all.nextNode()) look(all.currentNode);
    }
    return found;
  });

/** What is left without the made-up words, endings of names and what stands for numbers. */
async function english({ page }: Uploader) {
  const left = (await everything(page)).map((one) =>
    one.replace(/«\w+»/g, "").replace(/\.(pdf|png|txt|exe|age)\b/g, ""),
  );
  // The glyph of a file shows the ending alone.
  return left.filter((one) => /[a-z]/i.test(one) && !/^(pdf|png|txt|exe)$/.test(one));
}

const says = (uploader: Uploader, name: string, what: string) =>
  expect(uploader.row(name)).toContainText(`«${what}»`);
const named = (file: Sample, name: string): Sample => ({ ...file, name });
const foreign = { foreign: true };

test("in another language no English is left in the uploader, whatever becomes of the files", async ({
  uploader,
  page,
  context,
  world,
}) => {
  await page.clock.install();
  await uploader.open({ ticketUrl: "/ticket", maxFiles: 8, ...foreign });
  expect(await english(uploader), "empty").toEqual([]);
  await uploader.drop(
    named(letter(), "письмо.pdf"),
    named(photo(), "рана.pdf"),
    { name: "пусто.txt", type: "text/plain", bytes: Buffer.alloc(0) },
    { name: "программа.exe", type: "", bytes: Buffer.from("MZ") },
    { name: "скрипт.txt", type: "", bytes: Buffer.from("Test\n<script>alert(1)</script>\n") },
  );
  await says(uploader, "письмо.pdf", "done");
  await says(uploader, "рана.pdf", "isOther");
  await says(uploader, "пусто.txt", "empty");
  await says(uploader, "программа.exe", "wrongType");
  await says(uploader, "скрипт.txt", "refused");
  expect(await english(uploader), "ended").toEqual([]);

  // So much that more than a quarter of a minute is left, which is when it is said.
  world.line.rate = 2_000_000;
  const [slow, other] = [text("долго.txt", 50_000_000), text("ещё.txt", 100_000)];
  await uploader.drop(slow, other);
  await says(uploader, slow.name, "uploading");
  // The page's clock runs ahead of the line: the line's buffers take much at once, which counts for ten seconds.
  const isSlow = async () => {
    await page.clock.fastForward(3_000);
    return (await uploader.row(slow.name).textContent())?.includes("«left»");
  };
  await expect.poll(isSlow, { intervals: [200], timeout: 30_000 }).toBe(true);
  await page.getByRole("button", { name: `«of» «pause» ${slow.name}` }).click();
  await says(uploader, slow.name, "paused");
  expect(await english(uploader), "under way").toEqual([]);
  await context.setOffline(true);
  await expect(page.getByText("«offline»")).toBeVisible();
  expect(await english(uploader), "offline").toEqual([]);
  await context.setOffline(false);
  await uploader.reload();
  await says(uploader, slow.name, "interrupted");
  expect(await english(uploader), "interrupted").toEqual([]);
});

test("in another language no English is left in what the server, the store and the line refuse", async ({
  uploader,
  page,
  world,
}) => {
  const failed = async (name: string, word: string) => {
    await uploader.drop(named(letter(), name));
    await says(uploader, name, word);
    expect(await english(uploader), word).toEqual([]);
  };
  await uploader.hurry();
  // Nobody gives a ticket; a ticket that takes less than this; a token that is none; nobody there.
  await uploader.open({ ticketUrl: "/no-such-ticket", ...foreign });
  await failed("билет.pdf", "answered");
  await uploader.open({ ticketUrl: "/bare-tiny-ticket", ...foreign });
  await uploader.drop(named(photo(), "велико.png"));
  await says(uploader, "велико.png", "error");
  expect(await english(uploader), "too large").toEqual([]);
  await uploader.open({ endpoint: world.line.url, token: "none", ...foreign });
  await failed("кто.pdf", "error");
  await uploader.open({ ticketUrl: "/ticket", sealFor: "none", ...foreign });
  await expect(page.getByText("«wrongSealKey»").first()).toBeAttached();
  expect(await english(uploader), "seal").toEqual([]);
  await uploader.open({ ticketUrl: "/ticket", ...foreign });
  await page.route("**/api/uppy/**", (route) => route.abort());
  await uploader.drop(named(letter(), "где.pdf"));
  await expect(uploader.row("где.pdf")).toContainText("«unreachable»");
  expect(await english(uploader), "unreachable").toEqual([]);
});

test("in another language no English is left in what is said of another patient's files", async ({
  uploader,
  page,
  world,
}) => {
  const about = { endpoint: world.line.url, token: world.clinician, entityType: "patient", ...foreign };
  const file = text("чужое.txt", 100_000);
  await uploader.begin(file, 0, { ...about, entityId: "patient-of-note-1" });
  await uploader.change({ entityId: "patient-of-note-2" });
  await expect(page.getByText("«leftWaiting» 1")).toBeVisible();
  expect(await english(uploader), "on hold").toEqual([]);
  await uploader.begin(file, 0, { ...about, entityId: "patient-of-note-3", resumable: false });
  await uploader.change({ entityId: "patient-of-note-4" });
  await expect(page.getByText("«leftEnded» 1")).toBeVisible();
  expect(await english(uploader), "ended").toEqual([]);
  await uploader.begin(file, 0, { patient: "patient-of-note-5", ...foreign });
  await uploader.give({ patient: "patient-of-note-6" });
  await expect(page.getByText(/goesElsewhere|1 file below/)).toBeVisible();
});

test("what a store says to its operator is told to the app, and not to people", async ({ uploader, page }) => {
  const said = "The bucket arn:of:somebody does not exist, ask its administrator.";
  await page.route(/X-Amz-Signature/, (route) =>
    route.fulfill({
      status: 409,
      headers: { "access-control-allow-origin": "*" },
      contentType: "application/xml",
      body: `<Error><Code>NoSuchBucket</Code><Message>${said}</Message></Error>`,
    }),
  );
  await uploader.hurry();
  await uploader.open();
  await uploader.drop(letter());
  await expect(uploader.row(letter().name)).toContainText("The server cannot do this at the moment.");
  const [failed] = (await uploader.told()).failed;
  expect(failed?.message).toBe(said);
  expect(failed?.file.message).not.toContain("bucket");
});

test("in another language no English is left in the records", async ({ uploader, page, world }) => {
  const patient = "patient-abroad";
  const props = { endpoint: world.line.url, token: world.clinician };
  await uploader.open({ ...props, entityType: "patient", entityId: patient, category: "other" });
  await uploader.drop(named(letter(), "письмо.pdf"), named(photo(), "рана.png"));
  await expect.poll(async () => (await uploader.told()).done).toHaveLength(2);
  const records = { ...props, patientId: patient, allowDelete: true, allowUpload: true, ...foreign };
  await uploader.open(records, "records");
  await expect(page.getByText("«categoryName»").last()).toBeVisible();
  // Sizes and dates are in the language that was asked for.
  await expect(uploader.row("письмо.pdf")).toContainText(/[٠-٩]٫[٠-٩]/);
  await page.getByRole("button", { name: "«of» «delete» письмо.pdf" }).click();
  await expect(page.getByText("«sure»")).toBeVisible();
  expect(await english(uploader), "asked").toEqual([]);
  await page.getByRole("button", { name: "«delete»", exact: true }).click();
  await expect(uploader.row("письмо.pdf")).toHaveCount(0);
  await page.getByRole("button", { name: "рана.png", exact: true }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
  expect(await english(uploader), "viewed").toEqual([]);
  await page.keyboard.press("Escape");
  await page.getByRole("searchbox").fill("нет");
  await expect(page.getByText("«recordsNone»")).toBeVisible();
  world.line.cut();
  await page.getByRole("searchbox").fill("да");
  await expect(page.getByRole("alert")).toContainText("«unreachable»");
  expect(await english(uploader), "cut off").toEqual([]);
  world.line.mend();
  await uploader.open({ ...records, token: "none" }, "records");
  await expect(page.getByRole("alert")).toContainText("«error»");
  expect(await english(uploader), "refused").toEqual([]);
});
