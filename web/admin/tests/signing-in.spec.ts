import { startServer } from "../../testing/server.mjs";
import { complaintsOf, expect, makeWorld, PASSWORD, signIn, test } from "./fixtures";

test("the first administrator is made by the link that the server prints, and only once", async ({ page }) => {
  const server = await startServer();
  const complaints = complaintsOf(page, () => server.url);
  const link = (await server.log()).match(/http:\S+\/setup#\S+/)?.[0] ?? "";
  await page.goto(link);
  await page.getByLabel("Name").fill("test-first");
  await page.locator("input[autocomplete=new-password]").first().fill("too short");
  await expect(page.getByText("3 more")).toBeVisible();
  await page.locator("input[autocomplete=new-password]").first().fill(PASSWORD);
  await page.getByLabel("The same again").fill(PASSWORD);
  await page.getByRole("button", { name: "Make the administrator" }).click();
  await expect(page.getByRole("heading", { name: "Overview" })).toBeVisible();
  await expect(page.getByText("No uploads yet")).toBeVisible();
  await page.goto("about:blank");
  await page.goto(link);
  await page.getByLabel("Name").fill("test-second");
  await page.locator("input[autocomplete=new-password]").first().fill(PASSWORD);
  await page.getByLabel("The same again").fill(PASSWORD);
  await page.getByRole("button", { name: "Make the administrator" }).click();
  await expect(page.getByRole("alert")).toBeVisible();
  expect(complaints.filter((text) => !text.includes("about:blank"))).toEqual([]);
  await server.stop();
});

test("a wrong password is said and keeps the name; signing in leads back to where one wanted to go; signing out ends it", async ({ page, world }) => {
  await page.goto(`${world.server.url}/storage/audit?action=document.read`);
  await page.getByLabel("Name").fill("test-admin");
  await page.locator("input[autocomplete=current-password]").fill("wrong");
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("alert")).toContainText("password");
  await expect(page.getByLabel("Name")).toHaveValue("test-admin");
  await page.locator("input[autocomplete=current-password]").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page).toHaveURL(/audit\?action=document\.read$/);
  await page.getByRole("button", { name: "Signed in as test-admin" }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  await page.goto(`${world.server.url}/storage`);
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
});

test("who has left is signed out after the idle time, by a page that said so before", async ({ page, context }) => {
  const { server } = await makeWorld({ STRONGROOM_SESSION_IDLE: "8" });
  await signIn(context, server.url, "test-admin");
  await page.goto(`${server.url}/storage/documents`);
  await expect(page.getByText("5 shown")).toBeVisible();
  await expect(page.getByRole("dialog")).toContainText("You will be signed out");
  await page.getByRole("button", { name: "Stay signed in" }).click();
  await expect(page.getByRole("dialog")).toBeHidden();
  await expect(page.getByText("5 shown")).toBeVisible();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible({ timeout: 20_000 });
  await expect(page.getByText("You were signed out because nothing was done")).toBeVisible();
  const answer = await context.request.get(`${server.url}/api/session`);
  expect(answer.status()).toBe(401);
  await server.stop();
});

test("who reads and moves without a call keeps the session", async ({ page, context }) => {
  const { server } = await makeWorld({ STRONGROOM_SESSION_IDLE: "6" });
  await signIn(context, server.url, "test-admin");
  await page.goto(`${server.url}/storage/documents`);
  await expect(page.getByText("5 shown")).toBeVisible();
  let kept = 0;
  page.on("request", (request) => { if (request.url().endsWith("/api/session")) kept++; });
  // Two idle times long, a movement now and then.
  for (const end = Date.now() + 12_000; Date.now() < end;) {
    await page.mouse.move(300 + Math.random() * 200, 300);
    await page.waitForTimeout(700);
  }
  expect(kept).toBeGreaterThan(1);
  await page.getByRole("link", { name: "Trash" }).click();
  await expect(page.getByText("The trash is empty")).toBeVisible();
  await server.stop();
});
