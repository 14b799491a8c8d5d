// What the overview says when something needs a person, and its figures, in the reader's own language and time.
import type { Page } from "@playwright/test";
import { expect, makeWorld, rows, signIn, test } from "./fixtures";

const region = (page: Page, name: string) => page.getByRole("region", { name });

test("the overview shows growth, storage classes, a failing webhook, an ending key and what waits for the scanner", async ({ page, context }) => {
  // Nobody answers as scanner: what is uploaded waits.
  const { server, token } = await makeWorld({ STRONGROOM_WEBHOOK_ALLOW_PRIVATE: "true", STRONGROOM_SCANNER: "clamd", CLAMD_ADDRESS: "127.0.0.1:9" });
  await server.api("POST", "/api/keys", { token, body: { name: "test-ending", role: "service", expiresInDays: 3 } });
  await server.api("POST", "/api/keys", { token, body: { name: "test-lasting", role: "service", expiresInDays: 300 } });
  const hook = await server.api("POST", "/api/webhooks", { token, body: { url: "http://127.0.0.1:9/hooks" } });
  await server.api("POST", `/api/webhooks/${hook.id}/test`, { token });
  await expect.poll(async () => (await server.api("GET", `/api/webhooks/${hook.id}`, { token })).failingSince).toBeTruthy();
  await signIn(context, server.url, "test-admin");
  await page.goto(`${server.url}/storage`);
  const attention = region(page, "Needs attention");
  await expect(attention).toContainText("A webhook takes no messages: http://127.0.0.1:9/hooks");
  await expect(attention).toContainText("The API key “test-ending” ends soon");
  await expect(attention).not.toContainText("test-lasting");
  await expect(attention).toContainText("The scanner does not answer, or gave no verdict for a day: uploads wait for it");
  const health = region(page, "Health");
  await expect(health).toContainText("5 waiting");
  await expect(health).toContainText("the oldest since");
  await expect(page.getByText("New in 30 days").locator("..")).toContainText("0 in the 30 before");
  await expect(region(page, "By storage class")).toContainText("local: ");
  await attention.getByRole("link", { name: /^The scanner/ }).click();
  await expect(rows(page)).toHaveCount(5);
  await server.stop();
});

test("the overview says that upkeep is in trouble", async ({ open, page: blank }) => {
  await blank.route("**/api/config", async (route) => {
    const answer = await route.fetch();
    const config = await answer.json();
    const tasks = [{ task: "uploads", did: [], failed: 2 }];
    await route.fulfill({ response: answer, json: { ...config, upkeep: { at: new Date().toISOString(), problem: "made-up trouble", tasks } } });
  });
  const page = await open("/storage");
  const attention = region(page, "Needs attention");
  await expect(attention).toContainText("Upkeep could not be done: made-up trouble");
  await expect(attention).toContainText("Upkeep left 2 things undone (uploads)");
  await expect(region(page, "Health")).toContainText("not working");
  await attention.getByRole("link", { name: /^Upkeep could/ }).click();
  await expect(page.getByRole("region", { name: "Upkeep" })).toContainText("made-up trouble");
});

test.describe("in Berlin", () => {
  test.use({ locale: "de-DE", timezoneId: "Europe/Berlin" });

  test("times and sizes are those of the reader's language and time zone", async ({ open, world }) => {
    const letter = world.documents["referral-letter.pdf"];
    const page = await open("/storage/documents");
    const row = rows(page).filter({ hasText: "referral-letter.pdf" });
    const there = (at: string) => new Intl.DateTimeFormat("de-DE", { dateStyle: "medium", timeStyle: "short", timeZone: "Europe/Berlin" }).format(new Date(at));
    // The one beside the name is for small screens.
    await expect(row.locator("time").filter({ visible: true })).toHaveText(there(letter?.createdAt ?? ""));
    await expect(row).toContainText(/\d+ kB/);
    await page.goto(`${world.server.url}/storage`);
    // German writes a comma where English has a point.
    await expect(page.getByText("Documents kept").locator("..")).toContainText(/\d+(,\d)? [kM]B together/);
  });
});
