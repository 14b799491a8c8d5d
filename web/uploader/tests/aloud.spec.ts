// What screen readers are told: every sentence that comes into the live region, in turn.
import type { Page } from "@playwright/test";
import { expect, letter, test, text } from "./fixtures.js";

/** Writes down what is added to the regions that are read aloud; calling it tells the sentences. */
async function listen(page: Page) {
  const heard = await page.evaluateHandle(() => {
    const said: string[] = [];
    new MutationObserver((changes) => {
      for (const { target, addedNodes } of changes) {
        const region = target instanceof Element && target.closest("[role=log], [role=status], [role=alert]");
        if (region) for (const node of addedNodes) said.push(node.textContent ?? "");
      }
    }).observe(document.body, { childList: true, characterData: true, subtree: true });
    return said;
  });
  return () => heard.jsonValue();
}

test("what happens is said to screen readers", async ({ uploader, page }) => {
  await uploader.open();
  const said = page.getByRole("log");
  await uploader.drop(letter());
  await expect(said).toContainText("referral-letter.pdf is uploaded.");
  await uploader.drop({ name: "setup.exe", type: "", bytes: Buffer.from("MZ") });
  await expect(said).toContainText(/setup.exe was not uploaded\. This kind of file/);
});

test("of files that end in one moment each is said, and at the end how all of them went", async ({
  uploader,
  page,
}) => {
  await uploader.open();
  const heard = await listen(page);
  const names = ["one.pdf", "two.pdf", "three.pdf"];
  await uploader.drop(...names.map((name) => letter(name)));
  await expect.poll(async () => (await heard()).at(-1)).toBe("3 files uploaded");
  const all = await heard();
  expect(all).toContain("3 files added.");
  for (const name of names) expect(all.filter((one) => one === `${name} is uploaded.`)).toHaveLength(1);
});

test("several files refused in one moment are all said, and the same again is said again", async ({
  uploader,
  page,
}) => {
  await uploader.open();
  const heard = await listen(page);
  const exe = (name: string) => ({ name, type: "", bytes: Buffer.from("MZ") });
  await uploader.drop(exe("a.exe"), exe("b.exe"), exe("c.exe"));
  await expect.poll(async () => (await heard()).length).toBe(3);
  await uploader.drop(exe("c.exe"));
  await expect.poll(async () => (await heard()).length).toBe(4);
  const names = (await heard()).map((one) => one.split(" ")[0]);
  expect(names).toEqual(["a.exe", "b.exe", "c.exe", "c.exe"]);
});

test("a pause, going on, an interruption and a lost connection are said", async ({
  uploader,
  page,
  context,
}) => {
  const notes = text("aloud.txt", 100_000);
  await uploader.begin(notes);
  const heard = await listen(page);
  const hears = (what: string) => expect.poll(async () => (await heard()).includes(what), what).toBe(true);
  await uploader.button("Pause", notes.name).click();
  await hears("aloud.txt is paused.");
  await uploader.button("Resume", notes.name).click();
  await hears("aloud.txt goes on.");
  await context.setOffline(true);
  await hears("There is no connection. Uploads go on by themselves when it is back.");
  await context.setOffline(false);
  await uploader.reload();
  await expect(page.getByRole("log")).toContainText("aloud.txt was interrupted. Choose the same file again");
});
