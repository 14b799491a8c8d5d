// Colours that an app decides: its accent, light or dark. Every state of the components is in layout.spec.ts.
import { violations } from "../../testing/axe.mjs";
import { elementPage, expect, letter, test } from "./fixtures.js";

test.describe("an accent of the app's own", () => {
  test.use({ colorScheme: "dark" });

  test("can be read in the dark too", async ({ uploader, page }) => {
    await uploader.open();
    await page.addStyleTag({ content: ":root { --strongroom-accent: #00695c }" });
    await uploader.drop(letter("one.pdf"), letter("two.pdf"));
    await expect(page.getByRole("button", { name: "Clear list" })).toBeVisible();
    expect(await violations(uploader.page)).toEqual([]);
  });
});

for (const [system, theme, colour] of [
  ["light", "dark", "rgb(231, 235, 241)"],
  ["dark", "light", "rgb(27, 36, 48)"],
] as const) {
  test.describe(`where the system is ${system}`, () => {
    test.use({ colorScheme: system });

    test(`the page's own data-theme="${theme}" decides`, async ({ uploader, page }) => {
      await uploader.open();
      const shown = page.locator(".srm-uploader");
      await expect(shown).not.toHaveCSS("color", colour);
      await page.evaluate((theme) => (document.body.dataset.theme = theme), theme);
      await expect(shown).toHaveCSS("color", colour);
    });
  });
}

test.describe("on a page that has no dark", () => {
  test.use({ colorScheme: "dark" });

  test("the element is light where it is told so, around it or on itself, and follows when that changes", async ({
    page,
    world,
  }) => {
    await page.goto(elementPage(world.pages.url, { "ticket-url": "/ticket", "data-theme": "light" }));
    const shown = page.locator(".srm-uploader");
    await expect(shown).toHaveCSS("color", "rgb(27, 36, 48)");
    const element = page.locator("strongroom-uploader");
    await element.evaluate((it) => it.removeAttribute("data-theme"));
    await expect(shown).toHaveCSS("color", "rgb(231, 235, 241)");
    await element.evaluate((it) => {
      document.body.dataset.theme = "light";
      document.body.append(it);
    });
    await expect(shown).toHaveCSS("color", "rgb(27, 36, 48)");
  });
});
