// The pages' Content-Security-Policy allows what they show and nothing more: a browser that keeps it draws everything.
import { expect, test, upload } from "./fixtures";

/** One green point. */
const POINT = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M/wHwAEBgIApD5fRAAAAABJRU5ErkJggg==";

test("an SVG draws the picture inside it, and what would be loaded from elsewhere is not", async ({ open, world }) => {
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="40" height="40"><image href="data:image/png;base64,${POINT}" width="40" height="40"/><image href="https://elsewhere.example/x.png" width="9" height="9"/></svg>`;
  const drawing = await upload(world.server, world.token, { bytes: Buffer.from(svg), filename: "inside.svg", category: "imaging" });
  const page = await open(`/storage/documents?doc=${drawing.id}`);
  const shown = page.getByRole("dialog").getByRole("img", { name: "inside.svg" });
  await expect(shown).toBeVisible();
  const opaque = await shown.evaluate(async (image: HTMLImageElement) => {
    await image.decode();
    const canvas = document.createElement("canvas").getContext("2d");
    canvas?.drawImage(image, 0, 0);
    return canvas?.getImageData(20, 20, 1, 1).data[3];
  });
  expect(opaque).toBeGreaterThan(0);
  await world.server.api("DELETE", `/api/docs/${drawing.id}?permanent=true`, { token: world.token });
});

test("a page that would run or frame something of its own is kept from it", async ({ page, world }) => {
  await page.goto(`${world.server.url}/login`);
  const blocked = await page.evaluate(() => new Promise<string[]>((resolve) => {
    const found: string[] = [];
    document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => {
      found.push(effectiveDirective);
      if (found.length === 3) resolve(found.toSorted());
    });
    const add = (name: string, more: Record<string, string>) => document.body.append(Object.assign(document.createElement(name), more));
    add("script", { textContent: "globalThis.ran = true" });
    add("iframe", { src: "/docs" });
    add("img", { src: "https://elsewhere.example/x.png" });
  }));
  expect(blocked).toEqual(["frame-src", "img-src", "script-src-elem"]);
  expect(await page.evaluate(() => "ran" in globalThis)).toBe(false);
});

test("the contract is drawn as it is meant to be, by the one style that its policy names", async ({ open }) => {
  const page = await open("/docs");
  await expect(page.getByRole("navigation")).toHaveCSS("position", "sticky");
});
