// The page around the uploader keeps what is its own: what is pasted into its fields, dropped on its own inputs.
import type { Page } from "@playwright/test";
import { expect, letter, photo, test, type Uploader } from "./fixtures.js";

/** Puts something of the app's own beside the uploader. */
const beside = (page: Page, html: string) =>
  page.evaluate((html) => document.querySelector("main")?.insertAdjacentHTML("beforeend", html), html);

/** Pastes a picture there; whether the browser would still do what it does by itself. */
async function paste(uploader: Uploader, at: string): Promise<boolean> {
  const data = await uploader.dataTransfer([{ ...photo(), name: "image.png" }]);
  return uploader.page.locator(at).evaluate(
    (target, clipboardData) =>
      target.dispatchEvent(
        new ClipboardEvent("paste", { clipboardData, bubbles: true, composed: true, cancelable: true }),
      ),
    data,
  );
}

const EDITOR = `<div contenteditable="true" aria-label="Letter"><p>Dear <b id="inner">colleague</b></p></div>
  <select id="choice" aria-label="Choice"><option id="option">One</option></select>
  <div role="textbox" aria-label="Own"><span id="own">text</span></div>
  <textarea id="area" aria-label="Notes"></textarea>`;

test("a picture pasted into a text stays in the text, wherever in it the cursor is", async ({
  uploader,
  page,
}) => {
  await uploader.open();
  await beside(page, EDITOR);
  for (const at of ["#inner", "#option", "#own", "#area"]) {
    expect(await paste(uploader, at), at).toBe(true);
  }
  expect(await paste(uploader, "h1")).toBe(false);
  // The one that was meant for it, and no other.
  await expect.poll(async () => (await uploader.told()).done).toHaveLength(1);
  await expect(page.getByRole("listitem")).toHaveCount(1);
});

test("a paste that the app took for itself is not taken twice", async ({ uploader, page }) => {
  await uploader.open();
  await page.evaluate(() => document.body.addEventListener("paste", (event) => event.preventDefault()));
  await paste(uploader, "h1");
  await uploader.drop(letter());
  await expect.poll(async () => (await uploader.told()).done).toHaveLength(1);
  await expect(page.getByRole("listitem")).toHaveCount(1);
});

test("a file dropped on the app's own field for files goes there", async ({ uploader, page }) => {
  await uploader.open();
  await beside(page, `<label id="label">Portrait <input id="portrait" type="file" /></label>`);
  const dataTransfer = await uploader.dataTransfer([photo()]);
  const passes = (at: string, type: string) =>
    page.locator(at).evaluate(
      (target, { dataTransfer, type }) =>
        target.dispatchEvent(
          new DragEvent(type, { dataTransfer, bubbles: true, composed: true, cancelable: true }),
        ),
      { dataTransfer, type },
    );
  for (const type of ["dragover", "drop"]) {
    expect(await passes("#portrait", type), type).toBe(true);
    expect(await passes("h1", type), type).toBe(false);
  }
  await expect(page.getByRole("listitem")).toHaveCount(0);
});
