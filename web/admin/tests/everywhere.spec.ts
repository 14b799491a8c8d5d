import type { Page } from "@playwright/test";
import { settled, violations } from "../../testing/axe.mjs";
import { startLine } from "../../testing/proxy.mjs";
import { freePort, startServer } from "../../testing/server.mjs";
import { expect, PATIENT, rows, signIn, test } from "./fixtures";

const PAGES = [
  "", "/documents", "/documents?doc=pdf", "/documents?doc=csv", "/documents?q=nothing-is-called-so", "/patients", `/patients/${PATIENT}`, "/quarantine", "/holds", "/trash", "/audit",
  "/settings/users", "/settings/keys", "/settings/webhooks", "/settings/categories", "/settings/storage", "/settings/policy", "/nowhere",
];

for (const width of [1440, 390]) {
  test(`axe finds nothing and nothing is wider than the page, ${width}`, async ({ open, page: blank, world }) => {
    test.setTimeout(180_000);
    await blank.setViewportSize({ width, height: 900 });
    for (const path of PAGES) {
      const id = path.endsWith("=pdf") ? world.documents["referral-letter.pdf"]?.id : world.documents["home-exercises.csv"]?.id;
      const page = await open(`/storage${path.replace(/doc=\w+/, `doc=${id}`)}`);
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
        await settled(page);
        expect.soft(await violations(page), `${path}, ${colorScheme}`).toEqual([]);
        expect.soft(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth), path).toBeLessThanOrEqual(0);
      }
    }
  });
}

for (const scheme of ["light", "dark"] as const) {
  test(`axe finds nothing in what is asked before somebody is signed in, and in forms, ${scheme}`, async ({ open, page: blank, world }) => {
    await blank.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    for (const path of ["/login", "/setup", "/setup#made-up"]) {
      await blank.goto(world.server.url + path);
      await settled(blank);
      expect.soft(await violations(blank), path).toEqual([]);
    }
    const page = await open("/storage/settings/users");
    await page.getByRole("button", { name: "Add a user" }).click();
    await expect(page.getByRole("dialog")).toBeVisible();
    await settled(page);
    expect.soft(await violations(page), "a form").toEqual([]);
  });
}

test("everything can be reached by keys", async ({ open }) => {
  const page = await open("/storage/documents");
  await expect(rows(page)).toHaveCount(5);
  await page.getByRole("button", { name: /referral-letter/ }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(page).not.toHaveURL(/doc=/);
});

/** Where the focus is: what it is called, and whether it can be seen. */
const focused = (page: Page) => page.evaluate(() => {
  const at = document.activeElement;
  if (!(at instanceof HTMLElement) || at === document.body) return { name: "", inNav: false, seen: true };
  const { left, right, top, bottom, width, height } = at.getBoundingClientRect();
  return {
    name: (at.getAttribute("aria-label") ?? at.textContent ?? "").trim(),
    inNav: at.closest("nav") !== null,
    seen: at.checkVisibility({ visibilityProperty: true }) && width > 0 && height > 0 && right > 0 && bottom > 0 && left < window.innerWidth && top < window.innerHeight,
  };
});

for (const width of [1440, 390]) {
  test(`the Tab key comes to what can be seen and to nothing else, ${width}`, async ({ open, page: blank }) => {
    await blank.setViewportSize({ width, height: 900 });
    const page = await open("/storage/documents");
    await expect(rows(page)).toHaveCount(5);
    const walked: { name: string; inNav: boolean; seen: boolean }[] = [];
    for (let step = 0; step < 60; step++) {
      await page.keyboard.press("Tab");
      const at = await focused(page);
      walked.push(at);
      if (at.name.startsWith("referral-letter")) break;
    }
    expect(walked[0]?.name).toBe("Skip to the page");
    expect(walked.filter(({ seen }) => !seen)).toEqual([]);
    expect(walked.at(-1)?.name).toMatch(/^referral-letter/);
    expect(walked.filter(({ inNav }) => inNav).map(({ name }) => name)).toEqual(width === 390 ? [] : ["Overview", "Documents", "Patients", "Quarantine", "Legal holds", "Trash", "Audit", "Settings", "Self-test"]);
  });
}

test("who works by keys skips the menu, and begins each page at its heading", async ({ open }) => {
  const page = await open("/storage/documents");
  await expect(rows(page)).toHaveCount(5);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  expect((await focused(page)).name).toBe("Upload");
  await expect(page).toHaveURL(/documents$/);
  await page.getByRole("link", { name: "Trash" }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Trash", exact: true })).toBeFocused();
  // A page whose script comes only now.
  await page.getByRole("link", { name: "Settings" }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Settings", exact: true })).toBeFocused();
  // Its tabs are no pages: the focus stays on them.
  await page.getByRole("tab", { name: "Users" }).focus();
  await page.keyboard.press("ArrowRight");
  await expect(page.getByRole("tab", { name: "API keys" })).toBeFocused();
});

test("on a small screen the menu opens and closes by keys, and the focus goes back to its button", async ({ open, page: blank }) => {
  await blank.setViewportSize({ width: 390, height: 844 });
  const page = await open("/storage/documents");
  await expect(rows(page)).toHaveCount(5);
  const menu = page.getByRole("button", { name: "Menu" });
  await expect(page.getByRole("link", { name: "Trash" })).not.toBeInViewport();
  await menu.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("link", { name: "Trash" })).toBeInViewport();
  for (let step = 0; step < 3; step++) await page.keyboard.press("Tab");
  expect(await focused(page)).toMatchObject({ name: "Overview", inNav: true });
  await page.keyboard.press("Escape");
  await expect(menu).toBeFocused();
  await expect(menu).toHaveAttribute("aria-expanded", "false");
  await page.keyboard.press("Enter");
  await page.getByRole("link", { name: "Trash" }).focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("heading", { name: "Trash", exact: true })).toBeFocused();
  await expect(menu).toHaveAttribute("aria-expanded", "false");
});

test("a server that cannot be reached is told of, and the page goes on when it is back", async ({ page, context }) => {
  const port = await freePort();
  const server = await startServer({ vars: { STRONGROOM_PUBLIC_URL: `http://127.0.0.1:${port}` } });
  const line = await startLine(port, server.url);
  await server.user({ name: "test-admin" });
  await signIn(context, line.url, "test-admin");
  const told = page.getByRole("main").getByRole("alert");
  await page.goto(`${line.url}/storage/documents?q=made-up`);
  await expect(page.getByText("Nothing fits")).toBeVisible();
  // What is asked for now: the answer cannot come, what was typed stays.
  line.cut();
  await page.getByLabel("Search file names").fill("made-up words");
  await expect(told).toContainText("cannot be reached", { timeout: 30_000 });
  line.mend();
  await told.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByText("Nothing fits")).toBeVisible();
  await expect(page.getByLabel("Search file names")).toHaveValue("made-up words");
  // A page whose script was not asked for before.
  line.cut();
  await page.getByRole("link", { name: "Settings" }).click();
  await expect(told).toContainText("cannot be reached", { timeout: 30_000 });
  line.mend();
  await told.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("button", { name: "Add a user" })).toBeVisible();
  await line.stop();
  await server.stop();
});

const ASKED = (url: URL) => (url.pathname.startsWith("/api/") && url.pathname !== "/api/session") || url.pathname === "/readyz";

test("every page says that the server fails, and goes on by a button", async ({ open, page: blank }) => {
  test.setTimeout(120_000);
  const page = await open("/storage/nowhere");
  const again = blank.getByRole("button", { name: "Try again" });
  for (const path of PAGES.filter((one) => !one.includes("?") && one !== "/nowhere")) {
    // What stands before a server answers so, in its own words and not in JSON. With 503 the pages ask some more times.
    const status = path === "" ? 503 : 400;
    await blank.route(ASKED, (route) => route.fulfill({ status, contentType: "text/html", body: "<p>made-up words of a proxy" }));
    await page.goto(page.url().replace(/\/storage.*/, `/storage${path}`));
    await expect(page.getByRole("alert").first(), path).toContainText(`The server answered ${status}`);
    await expect(again.first(), path).toBeVisible();
    await blank.unroute(ASKED);
    // Two parts of a page are two questions.
    await expect(async () => {
      for (const button of await again.all()) await button.click({ timeout: 2000 });
      await expect(page.getByRole("alert").filter({ hasText: "did not work" })).toHaveCount(0, { timeout: 2000 });
    }, path).toPass({ timeout: 15_000 });
  }
});

test("an overview whose server answers 503 in JSON says so where it concerns, and its figures stay", async ({ open, page: blank }) => {
  // `/readyz` says with 503 what is not ready; something before the server says other things with it.
  const problem = { status: 503, code: "unavailable", title: "Unavailable", detail: "Made-up words of a proxy." };
  await blank.route((url) => url.pathname === "/readyz", (route) => route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify(problem) }));
  const page = await open("/storage");
  await expect(page.getByRole("region", { name: "Health" }).getByRole("alert")).toContainText("Made-up words of a proxy.", { timeout: 30_000 });
  await expect(page.getByText("Documents kept")).toBeVisible();
});

for (const scheme of ["light", "dark"] as const) {
  test(`the words of an open menu and of a field that is wrong can be read, ${scheme}`, async ({ open, page: blank, world }) => {
    await blank.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
    await blank.goto(`${world.server.url}/setup#made-up`);
    await blank.getByLabel("Password").first().fill("short");
    await expect(blank.getByText("7 more")).toBeVisible();
    await settled(blank);
    expect.soft(await violations(blank), "a wrong field").toEqual([]);
    const page = await open(`/storage/documents?doc=${world.documents["referral-letter.pdf"]?.id}`);
    await page.getByRole("button", { name: "More actions" }).click();
    await expect(page.getByRole("menuitem", { name: "Erase for good" })).toBeVisible();
    await settled(page);
    expect.soft(await violations(page), "a menu").toEqual([]);
  });
}

test("on a small screen a search does not open the filters, and one of them that is used does", async ({ open, page: blank }) => {
  await blank.setViewportSize({ width: 390, height: 844 });
  const page = await open("/storage/documents?q=letter");
  await expect(rows(page)).toHaveCount(1);
  await expect(page.getByLabel("Search file names")).toHaveValue("letter");
  await expect(page.getByRole("button", { name: "More filters" })).toHaveAttribute("aria-expanded", "false");
  await page.goto(page.url().replace("q=letter", "category=imaging"));
  await expect(page.getByRole("button", { name: "More filters" })).toHaveAttribute("aria-expanded", "true");
});

test("a filter that is set leaves the table where it is", async ({ open, page: blank }) => {
  await blank.setViewportSize({ width: 1440, height: 900 });
  const head = async (path: string) => {
    const page = await open(path);
    await expect(rows(page).first()).toBeVisible();
    return page.locator("thead").boundingBox();
  };
  for (const [all, some] of [["/storage/documents", "?category=imaging"], ["/storage/audit", "?outcome=granted"]]) {
    expect(await head(`${all}${some}`), all).toMatchObject({ y: (await head(all ?? ""))?.y });
  }
});

test("what is being typed stays when the page behind it cannot be asked for again", async ({ open, page: blank }) => {
  const page = await open("/storage/settings/users");
  await page.getByRole("button", { name: "Add a user" }).click();
  await page.getByLabel("Name").fill("test-typed");
  await blank.route(ASKED, (route) => route.fulfill({ status: 500, contentType: "text/plain", body: "" }));
  // It could not be added, and clicking beside the form is not closing it.
  await page.getByRole("dialog").getByRole("button", { name: "Add" }).click();
  await expect(page.getByRole("dialog").getByRole("alert")).toBeVisible();
  await page.mouse.click(20, 400);
  await page.evaluate(() => window.dispatchEvent(new Event("visibilitychange")));
  await expect(page.getByLabel("Name")).toHaveValue("test-typed");
});

test("the next rows that cannot be had are said where they were asked for, and the rows stay", async ({ open, page: blank }) => {
  await blank.route(/\/api\/audit\?.*cursor=/, (route) => route.fulfill({ status: 503, contentType: "text/plain", body: "" }));
  const page = await open("/storage/audit?action=trail.read");
  const shown = rows(page);
  // A trail of more than one page: one look more than a page has rows.
  for (let look = 0; look < 101; look++) await expect(await page.request.get(`${new URL(page.url()).origin}/api/audit?limit=1`)).toBeOK();
  await page.reload();
  await expect(shown).toHaveCount(100);
  await page.getByRole("button", { name: "Show more" }).click();
  await expect(page.getByRole("alert")).toContainText("The server answered 503", { timeout: 20_000 });
  await expect(shown).toHaveCount(100);
  await blank.unroute(/\/api\/audit\?.*cursor=/);
  await page.getByRole("button", { name: "Try again" }).click();
  await expect.poll(() => shown.count()).toBeGreaterThan(100);
});

test("marking a row leaves the rows where they are; a panel that closes gives the focus back to its row", async ({ open }) => {
  const page = await open("/storage/documents");
  const row = rows(page).nth(2);
  await expect(row).toBeVisible();
  const before = await row.boundingBox();
  await page.getByLabel("Mark referral-letter.pdf").check();
  await expect(page.getByRole("status").filter({ hasText: "1 marked" })).toBeVisible();
  expect(await row.boundingBox()).toEqual(before);
  const name = page.getByRole("button", { name: /referral-letter/ });
  await name.focus();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("dialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(name).toBeFocused();
});

test("the first load is small", async ({ page, context, world }) => {
  await signIn(context, world.server.url, "test-admin");
  const sizes: Promise<number>[] = [];
  page.on("requestfinished", (request) => {
    if (new URL(request.url()).pathname.startsWith("/assets/")) sizes.push(request.sizes().then(({ responseBodySize }) => responseBodySize));
  });
  await page.goto(`${world.server.url}/storage`);
  await settled(page);
  const bytes = (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
  expect(bytes).toBeGreaterThan(50_000);
  expect(bytes).toBeLessThan(300_000);
});
