// How it looks on a phone and on a desk, light and dark: nothing sticks out, nothing is cut off, axe finds nothing. Each
// state leaves a picture under target/web-tests for whoever wants to look.
import type { TestInfo } from "@playwright/test";
import { violations } from "../../testing/axe.mjs";
import { expect, letter, photo, scan, test, text, type Uploader } from "./fixtures.js";

const LONG =
  "Befundbericht_und_Überweisung_der_radiologischen_Gemeinschaftspraxis_am_Stadtpark_zweite_unterschriebene_Fassung";

/** What of the component is outside the page, or a button that cannot be hit. */
const outside = ({ page }: Uploader) =>
  page.evaluate(() => {
    const found: string[] = [];
    const width = document.documentElement.clientWidth;
    const look = (scope: Document | ShadowRoot) => {
      for (const host of scope.querySelectorAll("strongroom-uploader, strongroom-patient-records")) {
        if (host.shadowRoot) look(host.shadowRoot);
      }
      for (const one of scope.querySelectorAll<HTMLElement>(".srm :is(button, p, span, li, input, select, img)")) {
        const { left, right, width: own, height } = one.getBoundingClientRect();
        if (one.closest(".srm-hidden") || own === 0) continue;
        if (left < -0.5 || right > width + 0.5) found.push(`outside: ${one.outerHTML.slice(0, 120)}`);
        if (one.tagName === "BUTTON" && height < 24) found.push(`too small to hit: ${one.outerHTML.slice(0, 120)}`);
      }
    };
    look(document);
    return found;
  });

async function looksRight(uploader: Uploader, info: TestInfo, state: string) {
  const { page } = uploader;
  for (const colorScheme of ["light", "dark"] as const) {
    // Nothing is looked at while it changes.
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.screenshot({ path: info.outputPath(`${state}-${colorScheme}.png`) });
    // In the dark nothing but the colours is different.
    const rules = colorScheme === "dark" ? ["color-contrast"] : undefined;
    expect(await violations(page, rules), `${state}, ${colorScheme}`).toEqual([]);
  }
  const width = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  expect(width, `${state}: the page can be scrolled sideways`).toBeLessThanOrEqual(0);
  expect(await outside(uploader), state).toEqual([]);
}

const SCREENS = [
  ["on a phone", { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true }],
  ["on a desk", { viewport: { width: 1440, height: 900 } }],
] as const;

for (const [where, screen] of SCREENS) {
  test.describe(where, () => {
    test.use({ ...screen, colorScheme: "light" });
    test.setTimeout(120_000);

    test(`the uploader looks right ${where}, light and dark`, async ({ uploader, page, context, world }, info) => {
      await uploader.open();
      const photograph = page.getByRole("button", { name: "Take a photo" });
      await (where === "on a phone" ? expect(photograph).toBeVisible() : expect(photograph).toBeHidden());
      await looksRight(uploader, info, "empty");
      await uploader.drop(
        letter(`${LONG}.pdf`),
        photo(`${LONG}_Bild.pdf`),
        { name: `${LONG}.exe`, type: "", bytes: Buffer.from("MZ") },
      );
      await expect(uploader.row(`${LONG}.pdf`)).toHaveAttribute("data-phase", "done");
      await expect(uploader.row(`${LONG}_Bild.pdf`)).toHaveAttribute("data-phase", "failed");
      await looksRight(uploader, info, "ended");
      world.line.letParts(0);
      const slow = text(`${LONG}.txt`, 200_000);
      await uploader.drop(slow, text("second.txt", 100_000));
      await expect(uploader.row(slow.name)).toHaveAttribute("data-phase", "uploading");
      await expect(uploader.row("second.txt")).toHaveAttribute("data-phase", "uploading");
      await uploader.button("Pause", "second.txt").click();
      await expect(page.getByRole("button", { name: "Pause all" })).toBeVisible();
      await context.setOffline(true);
      await expect(page.getByText("There is no connection.")).toBeVisible();
      await looksRight(uploader, info, "under-way-paused-and-offline");
      await context.setOffline(false);
      await page.reload();
      await expect(uploader.row(slow.name)).toHaveAttribute("data-phase", "interrupted");
      await looksRight(uploader, info, "interrupted");
      await uploader.button("Discard", slow.name).click();
      await uploader.open({ ticketUrl: "/ticket", sealFor: "no-key" });
      await expect(page.getByRole("alert")).toBeVisible();
      await looksRight(uploader, info, "problem");
    });

    test(`the records look right ${where}, light and dark`, async ({ uploader, page, world }, info) => {
      const patient = `patient-${where}`.replaceAll(" ", "-");
      const props = { endpoint: world.line.url, token: world.clinician };
      const about = { entityType: "patient", entityId: patient, category: "medical-records" };
      await uploader.open({ ...props, ...about });
      await uploader.drop(letter(`${LONG}.pdf`), scan(`${LONG}.jpg`), photo());
      await expect.poll(async () => (await uploader.told()).done).toHaveLength(3);
      const records = { ...props, patientId: patient, allowDelete: true, allowUpload: true };
      await uploader.open(records, "records");
      await uploader.button("Delete", `${LONG}.pdf`).click();
      await expect(page.getByText("Move this document to the trash?")).toBeVisible();
      await looksRight(uploader, info, "records");
      await page.getByRole("button", { name: `${LONG}.jpg`, exact: true }).click();
      const picture = page.getByRole("dialog").getByRole("img");
      await expect.poll(() => picture.evaluate((it) => (it as HTMLImageElement).naturalWidth)).toBeGreaterThan(0);
      await looksRight(uploader, info, "viewer");
      // Where its picture cannot be had it says so.
      await page.keyboard.press("Escape");
      await page.route(/X-Amz-Signature/, (route) => route.abort());
      await page.getByRole("button", { name: photo().name, exact: true }).click();
      await expect(page.getByRole("dialog")).toContainText("The picture cannot be shown here.");
      await looksRight(uploader, info, "viewer-without-picture");
      await page.unroute(/X-Amz-Signature/);
      world.line.cut();
      await uploader.open(records, "records");
      await expect(page.getByRole("alert")).toContainText("cannot be reached");
      await looksRight(uploader, info, "records-cut-off");
    });

    test(`the element looks right ${where}, light and dark`, async ({ uploader, page, world }, info) => {
      await page.goto(`${world.pages.url}/element.html?element=strongroom-uploader&ticket-url=/ticket`);
      await uploader.choose(letter(`${LONG}.pdf`), photo(`${LONG}_Bild.pdf`));
      await expect(uploader.row(`${LONG}.pdf`)).toHaveAttribute("data-phase", "done");
      await expect(uploader.row(`${LONG}_Bild.pdf`)).toHaveAttribute("data-phase", "failed");
      await looksRight(uploader, info, "element");
    });
  });
}
