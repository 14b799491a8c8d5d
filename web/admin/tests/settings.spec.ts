import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { startServer } from "../../testing/server.mjs";
import { complaintsOf, expect, makeWorld, rows, signIn, test, upload } from "./fixtures";

test("a user is made with a password that is shown once and opens the door", async ({ open, world, browser }) => {
  const page = await open("/storage/settings/users");
  await page.getByRole("button", { name: "Add a user" }).click();
  await page.getByLabel("Name").fill("test-admin");
  await page.getByRole("dialog").getByRole("button", { name: "Add" }).click();
  await expect(page.getByRole("dialog")).toContainText(/taken|exists|already/);
  await expect(page.getByLabel("Name")).toHaveValue("test-admin");
  await page.getByLabel("Name").fill("test-newcomer");
  await page.getByRole("dialog").getByRole("button", { name: "Add" }).click();
  const password = await page.getByRole("dialog").locator("pre").textContent();
  await page.getByRole("button", { name: "Done" }).click();
  await expect(page.getByText("test-newcomer")).toBeVisible();
  await page.reload();
  await expect(page.getByText("test-newcomer")).toBeVisible();
  expect(await page.content()).not.toContain(password);
  const other = await browser.newContext();
  const answer = await other.request.post(`${world.server.url}/api/session`, { data: { username: "test-newcomer", password }, headers: { origin: world.server.url } });
  expect(answer.status()).toBe(204);
  await page.getByRole("button", { name: "Actions for test-newcomer" }).click();
  await page.getByRole("menuitem", { name: "Shut out" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Shut out" }).click();
  await expect(page.getByText("shut out", { exact: true })).toBeVisible();
  expect((await other.request.get(`${world.server.url}/api/session`)).status()).toBe(401);
  await other.close();
});

test("nobody takes their own password away; another one's is asked for first, and is shown until it was kept", async ({ open, world, browser }) => {
  await world.server.api("POST", "/api/users", { token: world.token, body: { name: "test-renewed", role: "staff" } });
  const page = await open("/storage/settings/users");
  await page.getByRole("button", { name: "Actions for test-admin" }).click();
  await expect(page.getByRole("menuitem", { name: "Give a new password" })).toBeDisabled();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("menu")).toHaveCount(0);
  await page.getByRole("button", { name: "Actions for test-renewed" }).click();
  await page.getByRole("menuitem", { name: "Give a new password" }).click();
  const ask = page.getByRole("dialog", { name: "Give a new password" });
  await expect(ask).toContainText("test-renewed will be signed out at once");
  await ask.getByRole("button", { name: "Give a new password" }).click();
  const shown = page.getByRole("dialog", { name: "Password of test-renewed" });
  const password = await shown.locator("pre").textContent();
  await page.keyboard.press("Escape");
  await expect(shown.locator("pre")).toHaveText(password ?? "");
  await shown.getByRole("button", { name: "Done" }).click();
  await expect(shown).toBeHidden();
  const other = await browser.newContext();
  const answer = await other.request.post(`${world.server.url}/api/session`, { data: { username: "test-renewed", password }, headers: { origin: world.server.url } });
  expect(answer.status()).toBe(204);
  await other.close();
});

test("a key is made, shown once, works, and is revoked", async ({ open, world }) => {
  const page = await open("/storage/settings/keys");
  await page.getByRole("button", { name: "Make a key" }).click();
  await page.getByLabel("What it is for").fill("test-portal");
  await page.getByRole("dialog").getByRole("button", { name: "Make" }).click();
  const key = (await page.getByRole("dialog").locator("pre").textContent()) ?? "";
  expect(key).toMatch(/^srk_/);
  await page.getByRole("button", { name: "Done" }).click();
  const list = await world.server.api("GET", "/api/docs", { headers: { "x-api-key": key } });
  expect(list.items.length).toBeGreaterThan(0);
  await page.reload();
  await expect(page.getByText("test-portal")).toBeVisible();
  expect(await page.content()).not.toContain(key);
  await page.getByRole("row", { name: /test-portal/ }).getByRole("button", { name: "Revoke" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Revoke" }).click();
  await expect(page.getByText("revoked", { exact: true })).toBeVisible();
});

test("a webhook is added, told of a test, and what it answered is shown", async ({ page, context }) => {
  const { server } = await makeWorld({ STRONGROOM_WEBHOOK_ALLOW_PRIVATE: "true" });
  const heard: string[] = [];
  const app = createServer((request, answer) => {
    request.on("data", (piece) => heard.push(String(piece)));
    request.on("end", () => answer.writeHead(204).end());
  });
  await new Promise<void>((resolve) => app.listen(0, "127.0.0.1", resolve));
  const place = app.address();
  const url = `http://127.0.0.1:${typeof place === "object" ? place?.port : 0}/hooks`;
  await signIn(context, server.url, "test-admin");
  await page.goto(`${server.url}/storage/settings/webhooks`);
  await page.getByRole("button", { name: "Add a webhook" }).click();
  await page.getByLabel("Address").fill(url);
  await page.getByRole("dialog").getByRole("button", { name: "Add" }).click();
  await expect(page.getByRole("dialog").locator("pre")).toHaveText(/^whsec_/);
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByRole("button", { name: `Actions for ${url}` }).click();
  await page.getByRole("menuitem", { name: "Send a test" }).click();
  await expect(page.getByText("webhook.test")).toBeVisible();
  await expect(page.getByText("delivered")).toBeVisible();
  expect(heard.join("")).toContain("webhook.test");
  await page.getByRole("dialog").getByRole("button", { name: "Close" }).click();
  await page.getByRole("button", { name: `Actions for ${url}` }).click();
  await page.getByRole("menuitem", { name: "Give a new secret" }).click();
  await page.getByRole("dialog", { name: "Give a new secret" }).getByRole("button", { name: "Give a new secret" }).click();
  await expect(page.getByRole("dialog").locator("pre")).toHaveText(/^whsec_/);
  await page.getByRole("button", { name: "Done" }).click();
  await page.getByRole("button", { name: `Actions for ${url}` }).click();
  await page.getByRole("menuitem", { name: "Remove" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await expect(page.getByText("No webhooks")).toBeVisible();
  app.close();
  await server.stop();
});

test("on a small screen everything that a tab of the settings offers is in sight, a failing webhook's menu, too", async ({ page, context }) => {
  const server = await startServer({ vars: { STRONGROOM_WEBHOOK_ALLOW_PRIVATE: "true" } });
  await server.user({ name: "test-admin" });
  const token = await server.token({ user: "test-setup", role: "admin" });
  // Nobody listens there.
  const hook = await server.api("POST", "/api/webhooks", { token, body: { url: "http://127.0.0.1:9/a-rather-long-address-of-its-own/hooks" } });
  await server.api("POST", `/api/webhooks/${hook.id}/test`, { token });
  await signIn(context, server.url, "test-admin");
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(`${server.url}/storage/settings/webhooks`);
  await expect(async () => {
    await page.reload();
    await expect(page.getByText("failing")).toBeVisible({ timeout: 1000 });
  }).toPass();
  await expect(page.getByText("a-rather-long-address-of-its-own/hooks")).toBeInViewport({ ratio: 1 });
  await expect(page.getByRole("button", { name: /^Actions for/ })).toBeInViewport({ ratio: 1 });
  await page.goto(`${server.url}/storage/settings/categories`);
  await expect(page.getByRole("columnheader", { name: "Waits for release" })).toBeInViewport({ ratio: 1 });
  // The line under the tabs goes on where they are pushed to the side.
  const tabs = page.getByRole("tablist");
  expect(await tabs.evaluate((list) => list.clientWidth - list.scrollWidth)).toBe(0);
  await server.stop();
});

test("the tabs of the settings are changed by a click, one after the other", async ({ open }) => {
  const page = await open("/storage/settings");
  for (const [tab, path] of [["API keys", "keys"], ["Webhooks", "webhooks"], ["Categories", "categories"], ["Storage", "storage"], ["Policy", "policy"], ["Users", "users"]] as const) {
    await page.getByRole("tab", { name: tab }).click();
    await expect(page).toHaveURL(new RegExp(`settings/${path}$`));
    await expect(page.getByRole("tabpanel")).not.toBeEmpty();
  }
});

test("the configuration and the policy in force are shown, to be read", async ({ open, world }) => {
  let page = await open("/storage/settings/storage");
  await expect(page.getByRole("row", { name: /Encrypted at rest/ })).toContainText("AES-256-GCM");
  await expect(page.getByRole("row", { name: "Address" })).toContainText(world.server.url);
  page = await open("/storage/settings/categories");
  await expect(page.getByRole("row", { name: /Lab results/ })).toContainText("lab-results");
  page = await open("/storage/settings/policy");
  await expect(page.getByRole("region", { name: "The policy in force" })).toContainText("clinic-wall");
});

test("what is in quarantine is shown and nobody can open it", async ({ page, context }) => {
  const clamd = process.env.STRONGROOM_TEST_CLAMD;
  expect(clamd, "run the tests by scripts/with-clamd").toBeTruthy();
  const { server, token } = await makeWorld({ STRONGROOM_SCANNER: "clamd", CLAMD_ADDRESS: clamd ?? "" });
  // Put together from pieces, so that no scanner takes this file for the test file.
  const signature = ["X5O!P%@AP[4\\PZX54(P^)7CC)7}$", "EICAR-STANDARD-ANTIVIRUS", "-TEST-FILE!$H+H*"].join("");
  const bad = await upload(server, token, { bytes: Buffer.from(signature), filename: "bad.txt", category: "other" });
  await signIn(context, server.url, "test-admin");
  await expect.poll(async () => (await server.api("GET", `/api/docs/${bad.id}`, { token })).state).toBe("quarantined");
  const complaints = complaintsOf(page, () => server.url);
  await page.goto(`${server.url}/storage`);
  await page.getByRole("link", { name: "1 document in quarantine" }).click();
  await expect(page.getByRole("heading", { name: "Quarantine" })).toBeVisible();
  await expect(page.getByRole("columnheader", { name: "What was found" })).toBeVisible();
  await expect(rows(page)).toContainText("Strongroom.Test.Eicar");
  await page.getByRole("button", { name: /bad.txt/ }).click();
  await expect(page.getByRole("dialog").getByText("Strongroom.Test.Eicar").first()).toBeVisible();
  await expect(page.getByRole("dialog").getByRole("button", { name: "Download" })).toBeHidden();
  await page.getByRole("dialog").getByRole("button", { name: "Scan again" }).click();
  await expect(page.getByRole("dialog").getByText("quarantined", { exact: true })).toBeVisible();
  expect(complaints).toEqual([]);
  await server.stop();
});

test("the page of the trail is at rest when nobody types", async ({ open, page: blank }) => {
  // It waits so long before it asks for what was typed.
  await blank.addInitScript(() => {
    const plain = window.setTimeout;
    const counted = (call: () => void, wait = 0, ...more: unknown[]) => {
      if (wait === 200) (window as { waits?: number }).waits = ((window as { waits?: number }).waits ?? 0) + 1;
      return plain(call, wait, ...more);
    };
    window.setTimeout = counted as typeof window.setTimeout;
  });
  const page = await open("/storage/audit");
  await expect(rows(page).first().getByRole("button")).toBeVisible();
  const waits = () => page.evaluate(() => (window as { waits?: number }).waits ?? 0);
  const before = await waits();
  await page.waitForTimeout(2000);
  expect(await waits() - before).toBeLessThanOrEqual(2);
});

test("the trail is searched, one event is shown in full, and what fits comes as CSV", async ({ open, world }) => {
  const letter = world.documents["referral-letter.pdf"];
  await world.server.api("GET", `/api/docs/${letter?.id}`, { token: world.token });
  const page = await open(`/storage/audit?targetId=${letter?.id}&action=mistyped`);
  // What is no action narrows nothing.
  await expect(rows(page).first()).toBeVisible();
  await page.getByRole("combobox", { name: "Action" }).fill("details");
  await page.getByRole("option", { name: "Read a document's details" }).click();
  await expect(page).toHaveURL(/action=document\.read/);
  await expect(rows(page).filter({ hasNotText: "Read a document's details" })).toHaveCount(0);
  await expect(page.getByRole("cell", { name: "Read a document's details" }).first()).toBeVisible();
  await rows(page).first().getByRole("button").click();
  const event = page.getByRole("dialog", { name: "One event" });
  await expect(event).toContainText("test-setup");
  await expect(event.getByText("Place in the trail")).toBeVisible();
  await expect(event).toContainText("document.read");
  await event.getByRole("button", { name: "Close" }).click();
  const coming = page.waitForEvent("download");
  await page.getByRole("button", { name: "CSV", exact: true }).click();
  const text = readFileSync(await (await coming).path(), "utf8");
  // So a spreadsheet knows which letters these are.
  expect(text[0]).toBe("\ufeff");
  const lines = text.trim().split("\r\n");
  expect(lines[0]).toMatch(/^seq,id,at,action,outcome/);
  expect(lines.length).toBeGreaterThan(1);
  expect(lines.slice(1).every((line) => line.includes(letter?.id ?? "-"))).toBe(true);
});

test("the overview tells of the newest uploads and of how everything does", async ({ open }) => {
  const page = await open("/storage");
  const health = page.getByRole("region", { name: "Health" });
  await expect(health).toContainText("SQLite");
  await expect(health).toContainText("empty");
  await expect(page.getByRole("region", { name: "Recent uploads" }).getByRole("link")).toHaveCount(5);
  await page.getByRole("region", { name: "By category" }).getByRole("link", { name: "Imaging" }).click();
  await expect(rows(page)).toHaveCount(2);
});

test("a new installation says what to do", async ({ page, context }) => {
  const server = await startServer();
  await server.user({ name: "test-admin" });
  await signIn(context, server.url, "test-admin");
  for (const [path, text] of [["documents", "No documents yet"], ["trash", "The trash is empty"], ["quarantine", "Nothing is in quarantine"], ["settings/keys", "No API keys"]]) {
    await page.goto(`${server.url}/storage/${path}`);
    await expect(page.getByText(text ?? "")).toBeVisible();
  }
  await server.stop();
});
