import { startServer } from "../../testing/server.mjs";
import { complaintsOf, expect, makeWorld, PASSWORD, rows, signIn, test } from "./fixtures";

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

test("somebody changes their password: what is wrong is said at its field, this session goes on, the others end", async ({ page, context, browser, world }) => {
  const complaints = complaintsOf(page, () => world.server.url);
  await world.server.api("POST", "/api/users", { token: world.token, body: { name: "test-changing", role: "staff", password: PASSWORD } });
  await signIn(context, world.server.url, "test-changing");
  const other = await browser.newContext();
  await signIn(other, world.server.url, "test-changing");
  await page.goto(`${world.server.url}/storage/documents`);
  await page.getByRole("button", { name: "Signed in as test-changing" }).click();
  await page.getByRole("menuitem", { name: "Change my password" }).click();
  const form = page.getByRole("dialog", { name: "Change my password" });
  const [current, fresh, again] = [0, 1, 2].map((at) => form.locator("input").nth(at));
  const change = form.getByRole("button", { name: "Change", exact: true });
  await current?.fill("a made-up guess");
  await fresh?.fill("too short");
  await expect(form.getByText("3 more")).toBeVisible();
  await fresh?.fill("another horse battery");
  await again?.fill("another horse");
  await expect(form.getByText("This is not the same")).toBeVisible();
  await expect(change).toBeDisabled();
  await again?.fill("another horse battery");
  await change.click();
  await expect(form.getByText("is not your password")).toBeVisible();
  await expect(fresh as NonNullable<typeof fresh>).toHaveValue("another horse battery");
  await current?.fill(PASSWORD);
  await change.click();
  await expect(form.getByRole("status")).toContainText("Your password is changed");
  await form.getByRole("button", { name: "Done" }).click();
  await expect(form).toBeHidden();
  await page.getByRole("link", { name: "Trash" }).click();
  await expect(page.getByRole("heading", { name: "Trash", exact: true })).toBeVisible();
  expect((await other.request.get(`${world.server.url}/api/session`)).status()).toBe(401);
  const enter = (password: string) => other.request.post(`${world.server.url}/api/session`, { data: { username: "test-changing", password }, headers: { origin: world.server.url } });
  expect((await enter(PASSWORD)).status()).toBe(401);
  expect((await enter("another horse battery")).status()).toBe(204);
  expect(complaints).toEqual([]);
  await other.close();
});

test("a sign-out that the server did not hear of is no sign-out, and is said until it is one", async ({ open, page: blank, world, context }) => {
  const ends = (url: URL) => url.pathname === "/api/session";
  const page = await open("/storage/documents");
  await expect(rows(page)).toHaveCount(5);
  await blank.route(ends, (route) => (route.request().method() === "DELETE" ? route.abort() : route.continue()));
  await page.getByRole("button", { name: "Signed in as test-admin" }).click();
  await page.getByRole("menuitem", { name: "Sign out" }).click();
  await expect(page.getByRole("heading", { name: "You are not signed out yet" })).toBeVisible();
  await expect(page.getByRole("alert")).toContainText("cannot be reached");
  await expect(page.getByText("referral-letter.pdf")).toHaveCount(0);
  expect((await context.request.get(`${world.server.url}/api/session`)).status()).toBe(200);
  // To load it again is to try again.
  await page.reload();
  await expect(page.getByRole("heading", { name: "You are not signed out yet" })).toBeVisible();
  await blank.unroute(ends);
  await page.getByRole("button", { name: "Try again" }).click();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  expect((await context.request.get(`${world.server.url}/api/session`)).status()).toBe(401);
  // Who comes next is not signed out by it.
  await signIn(context, world.server.url, "test-staff");
  await page.reload();
  await expect(page.getByRole("heading", { name: "Sign in" })).toBeVisible();
  expect((await context.request.get(`${world.server.url}/api/session`)).status()).toBe(200);
  await context.clearCookies();
});

test("after the idle time the next person is not led to where the last one was", async ({ page, context }) => {
  const { server } = await makeWorld({ STRONGROOM_SESSION_IDLE: "4" });
  await signIn(context, server.url, "test-admin");
  const enter = async (who: string) => {
    await expect(page.getByText("You were signed out because nothing was done")).toBeVisible({ timeout: 20_000 });
    await page.getByLabel("Name").fill(who);
    await page.locator("input[autocomplete=current-password]").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
  };
  await page.goto(`${server.url}/storage/documents?q=letter`);
  await expect(rows(page)).toHaveCount(1);
  await enter("test-clinician");
  await expect(page.getByRole("heading", { name: "Documents" })).toBeVisible();
  expect(page.url()).not.toContain("letter");
  await page.goto(`${server.url}/storage/documents?q=letter`);
  await expect(rows(page)).toHaveCount(1);
  await enter("test-clinician");
  await expect(page).toHaveURL(/q=letter/);
  await server.stop();
});

test("when somebody else signs in in another tab, nothing of the last one stays in this one", async ({ page, context }) => {
  const { server, documents } = await makeWorld({ STRONGROOM_CARE_TEAM: undefined });
  const complaints = complaintsOf(page, () => server.url);
  await signIn(context, server.url, "test-admin");
  await page.goto(`${server.url}/storage/documents?doc=${documents["notes.txt"]?.id}`);
  await expect(rows(page)).toHaveCount(5);
  await expect(page.getByRole("dialog", { name: "notes.txt" })).toBeVisible();
  await signIn(context, server.url, "test-clinician");
  await page.evaluate(() => window.dispatchEvent(new Event("visibilitychange")));
  await expect(page.getByRole("button", { name: "Signed in as test-clinician" })).toBeVisible();
  await expect(page.getByText("No documents yet")).toBeVisible();
  await expect(rows(page)).toHaveCount(0);
  await expect(page.getByRole("dialog")).toHaveCount(0);
  expect(page.url()).not.toContain("doc=");
  expect(complaints).toEqual([]);
  await server.stop();
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
