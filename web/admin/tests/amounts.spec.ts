// The pages with very many documents, with none, and on a slow network.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { BrowserContext, Page } from "@playwright/test";
import { startServer } from "../../testing/server.mjs";
import { expect, PASSWORD, PATIENT, rows, type Server, signIn, test } from "./fixtures";

const run = promisify(execFile);
const MANY = 100_000;
const script = fileURLToPath(new URL("../../testing/many.py", import.meta.url));

/** A server of its own, and its administrator signed in. */
async function serverWith(context: BrowserContext, fill?: (database: string) => Promise<unknown>): Promise<Server> {
  const server = await startServer(fill ? { fill } : {});
  const token = await server.token({ user: "test-setup", role: "admin" });
  await server.api("POST", "/api/users", { token, body: { name: "test-admin", role: "admin", password: PASSWORD } });
  await signIn(context, server.url, "test-admin");
  return server;
}

const widerBy = (page: Page) => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);

test("a hundred thousand documents are paged through, searched and counted", async ({ page, context }) => {
  test.setTimeout(180_000);
  const server = await serverWith(context, (database) => run("python3", [script, database, String(MANY)]));
  for (const width of [1440, 390]) {
    await page.setViewportSize({ width, height: 900 });
    await page.goto(`${server.url}/storage/documents`);
    await expect(rows(page)).toHaveCount(50);
    await page.getByRole("button", { name: "Show more" }).click();
    await expect(rows(page)).toHaveCount(100);
    expect(await widerBy(page)).toBeLessThanOrEqual(0);
    await page.goto(`${server.url}/storage/documents?q=rheumatology&sort=filename`);
    await expect(rows(page).first()).toContainText("rheumatology");
    await page.goto(`${server.url}/storage/patients/test-patient-7`);
    await expect(page.getByRole("heading", { level: 1 })).toContainText("test-patient-7");
    await expect(page.getByRole("button", { name: /visit/ }).first()).toBeVisible();
    expect(await widerBy(page)).toBeLessThanOrEqual(0);
    await page.goto(`${server.url}/storage`);
    await expect(page.getByRole("main")).toContainText("95,000");
    expect(await widerBy(page)).toBeLessThanOrEqual(0);
    await page.goto(`${server.url}/storage/audit`);
    await expect(rows(page).first()).toBeVisible();
    expect(await widerBy(page)).toBeLessThanOrEqual(0);
  }
  await server.stop();
});

/** What each page says when there is nothing to show. */
const NOTHING = {
  "": "No uploads yet",
  "/documents": "No documents yet",
  "/documents?q=nothing": "Nothing fits",
  "/patients": "No patient has documents that you may see",
  "/patients/test-nobody": "No documents that you may see",
  "/quarantine": "Nothing is in quarantine",
  "/holds": "Nothing is under legal hold",
  "/trash": "The trash is empty",
  "/audit?action=document.purge": "No events fit",
  "/settings/keys": "No API keys",
  "/settings/webhooks": "No webhooks",
};

test("each page that has nothing to show says so, and what would change that", async ({ page, context }) => {
  test.setTimeout(120_000);
  const server = await serverWith(context);
  for (const width of [1440, 390]) {
    await page.setViewportSize({ width, height: 900 });
    for (const [at, title] of Object.entries(NOTHING)) {
      await page.goto(`${server.url}/storage${at}`);
      await expect(page.getByText(title, { exact: true }), at).toBeVisible();
      expect(await widerBy(page), at).toBeLessThanOrEqual(0);
    }
  }
  await server.stop();
});

/** How far what is shown was pushed about (https://web.dev/articles/cls), by what the person did not do. */
const shifted = (page: Page) => page.evaluate(() => new Promise<number>((resolve) => {
  let all = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as (PerformanceEntry & { value: number; hadRecentInput: boolean })[]) if (!entry.hadRecentInput) all += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  // What is buffered is told in a task of its own.
  setTimeout(() => resolve(all), 100);
}));

test("on a slow network each page stands where it is while its parts come", async ({ open, page: blank }) => {
  test.setTimeout(120_000);
  let turn = 0;
  // Answers come in another order than they were asked for.
  await blank.route("**/api/**", async (route) => {
    turn += 1;
    await new Promise((resolve) => setTimeout(resolve, 300 + ((turn * 7) % 5) * 200));
    await route.continue().catch(() => undefined);
  });
  for (const width of [1440, 390]) {
    await blank.setViewportSize({ width, height: 900 });
    for (const at of ["", "/documents", `/patients/${PATIENT}`, "/audit", "/settings/users"]) {
      const page = await open(`/storage${at}`);
      await page.waitForLoadState("networkidle");
      await expect(page.getByRole("status", { name: "Loading" })).toHaveCount(0);
      expect.soft(await shifted(page), `${at} at ${width}`).toBeLessThan(0.1);
    }
  }
});
