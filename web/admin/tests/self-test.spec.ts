import { violations } from "../../testing/axe.mjs";
import { expect, makeWorld, signIn, test } from "./fixtures";

test("the self-test is told check by check, sends a file round by the browser, and leaves nothing", async ({ open, world }) => {
  test.setTimeout(120_000);
  const before = await world.server.api("GET", "/api/docs?state=available", { token: world.token });
  const page = await open("/test/s3");
  await expect(page.getByText("Nothing has been tried yet")).toBeVisible();
  await page.getByRole("button", { name: "Start" }).click();
  await expect(page.getByText("Everything works")).toBeVisible({ timeout: 90_000 });
  for (const name of ["configuration", "database", "versions", "encryption", "metadata", "listing", "presigned upload and download", "expired URL", "changed header", "large file in parts", "clean-up", "browser: upload", "browser: download", "browser: clean-up"]) {
    await expect(page.getByRole("row", { name: new RegExp(`^${name} works`) }), name).toBeVisible();
  }
  await expect(page.getByText("broken off")).toHaveCount(0);
  await expect(page.getByText("summary")).toHaveCount(0);
  const [report] = await Promise.all([page.waitForEvent("download"), page.getByRole("button", { name: "Report" }).click()]);
  expect(report.suggestedFilename()).toBe("strongroom-self-test.json");
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const width of [1440, 390]) {
      await page.setViewportSize({ width, height: 900 });
      expect.soft(await violations(page), `${colorScheme} ${width}`).toEqual([]);
      expect.soft(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0);
    }
  }
  const after = await world.server.api("GET", "/api/docs?state=available", { token: world.token });
  expect(after.items.length).toBe(before.items.length);
});

test("what does not work is said with what to do about it", async ({ page, context }) => {
  test.setTimeout(120_000);
  const { server } = await makeWorld({ STRONGROOM_SCANNER: "clamd", CLAMD_ADDRESS: "127.0.0.1:9" });
  await signIn(context, server.url, "test-admin");
  await page.goto(`${server.url}/test/s3`);
  await page.getByRole("button", { name: "Start" }).click();
  await expect(page.getByText(/1 of \d+ checks failed/)).toBeVisible({ timeout: 90_000 });
  // Which one it was is said on top of a list that is longer than a screen.
  await expect(page.getByRole("status").filter({ hasText: "checks failed" })).toContainText("scanner.");
  const scanner = page.getByRole("row", { name: /^scanner fails/ });
  await expect(scanner).toContainText("start clamd, or correct CLAMD_ADDRESS");
  await expect(page.getByRole("row", { name: /^browser: download skipped/ })).toContainText("scanning");
  await server.stop();
});

test("a self-test that ends before it is done says that it broke off", async ({ open }) => {
  const page = await open("/test/s3");
  const lines = ["configuration", "database"].map((name) => JSON.stringify({ name, verdict: "ok", seen: "made up", tookMs: 1 }));
  // The line between browser and server is cut behind the second check.
  await page.route("**/api/v2/aws/s3/test", (route) => route.fulfill({ contentType: "application/x-ndjson", body: `${lines.join("\n")}\n{"name":"sto` }));
  await page.getByRole("button", { name: "Start" }).click();
  const row = page.getByRole("row", { name: /^broken off fails/ });
  await expect(row).toContainText("look into the server's log");
  await expect(page.getByText(/^1 of \d+ checks failed/)).toBeVisible();
});
