// What axe finds in every state a page can be in, for everybody who sees it: a list of states, each with what opens it.
import type { Page } from "@playwright/test";
import { type Document, expect, makeWorld, OTHER, PATIENT, rows, sample, signIn, test, upload, type World } from "./fixtures";
import { settled, violations } from "./axe";

interface State {
  name: string;
  /** Under the server's address; `{file.name}` stands for that document's id. */
  at: string;
  who?: string;
  /** What is done there until the state is reached. */
  open?: (page: Page) => Promise<unknown>;
}

const panel = (page: Page) => page.getByRole("dialog");
const tab = (name: string) => async (page: Page) => {
  await panel(page).getByRole("tab", { name }).click();
  await expect(panel(page).getByRole("tabpanel")).toBeVisible();
};
const drawn = (name: string) => (page: Page) => expect(panel(page).getByRole("img", { name })).toBeVisible();
const asked = (item: string) => async (page: Page) => {
  await panel(page).getByRole("button", { name: "More actions" }).click();
  await page.getByRole("menuitem", { name: item }).click();
  await expect(page.getByRole("dialog", { name: item })).toBeVisible();
};
const form = (button: string) => async (page: Page) => {
  await page.getByRole("button", { name: button }).first().click();
  await expect(page.getByRole("dialog")).toBeVisible();
};
const bulk = (deed?: string) => async (page: Page) => {
  await page.getByLabel("Mark all that are shown").check();
  await expect(page.getByRole("status").filter({ hasText: "marked" })).toBeVisible();
  if (!deed) return;
  await page.getByRole("button", { name: deed }).click();
  await expect(page.getByRole("dialog")).toBeVisible();
};

const LETTER = "/storage/documents?doc={referral-letter.pdf}";

const STATES: State[] = [
  { name: "what a clinician begins with", at: "/storage", who: "test-clinician" },
  { name: "a clinician's patient", at: `/storage/patients/${PATIENT}`, who: "test-clinician" },
  { name: "a clinician's trash", at: "/storage/trash", who: "test-clinician" },
  { name: "a page that is not for a clinician", at: "/storage/audit", who: "test-clinician" },
  { name: "what staff begin with", at: "/storage", who: "test-staff" },
  { name: "staff's patients", at: "/storage/patients", who: "test-staff" },
  { name: "staff's patient", at: `/storage/patients/${OTHER}`, who: "test-staff" },
  { name: "a patient's own documents", at: "/storage/mine", who: "test-patient" },
  { name: "a document as its patient sees it", at: "/storage/mine?doc={referral-letter.pdf}", who: "test-patient", open: drawn("referral-letter.pdf, page 1") },
  { name: "what an auditor begins with", at: "/storage", who: "test-auditor" },
  { name: "one event", at: "/storage/audit", who: "test-auditor", open: async (page) => {
    await rows(page).first().getByRole("button").first().click();
    await expect(page.getByRole("dialog", { name: "One event" })).toBeVisible();
  } },
  { name: "the contract", at: "/docs" },
  { name: "the self-test before it", at: "/test/s3" },
  { name: "the details of a document", at: LETTER, open: tab("Details") },
  { name: "its versions", at: LETTER, open: tab("Versions") },
  { name: "its trail", at: LETTER, open: tab("Trail") },
  { name: "DICOM", at: "/storage/documents?doc={chest-ct.dcm}", open: drawn("chest-ct.dcm") },
  { name: "TIFF", at: "/storage/documents?doc={consent.tiff}", open: drawn("consent.tiff") },
  { name: "HEIC", at: "/storage/documents?doc={phone-photo.heic}", open: drawn("phone-photo.heic") },
  { name: "a text", at: "/storage/documents?doc={notes.txt}" },
  { name: "changing a name", at: LETTER, open: asked("Change name or category") },
  { name: "moving to another patient", at: LETTER, open: asked("Wrong patient: move") },
  { name: "a legal hold", at: LETTER, open: asked("Put under legal hold") },
  { name: "withdrawing", at: LETTER, open: asked("Withdraw from the patient") },
  { name: "throwing away", at: LETTER, open: asked("Move to the trash") },
  { name: "erasing", at: LETTER, open: asked("Erase for good") },
  { name: "many marked", at: "/storage/documents", open: bulk() },
  { name: "many to be moved", at: "/storage/documents?type=image", open: bulk("Move to another patient") },
  { name: "many to be thrown away", at: "/storage/documents?type=image", open: bulk("Move to the trash") },
  { name: "uploading", at: "/storage/documents", open: form("Upload") },
  { name: "adding to a care team", at: `/storage/patients/${PATIENT}`, open: async (page) => {
    await page.getByRole("button", { name: "Add", exact: true }).click();
    await expect(page.getByRole("dialog")).toBeVisible();
  } },
  { name: "making a key", at: "/storage/settings/keys", open: form("Make a key") },
  { name: "a webhook's messages", at: "/storage/settings/webhooks", open: async (page) => {
    await page.getByRole("button", { name: /^http:\/\/127\.0\.0\.1:9/ }).click();
    await expect(page.getByRole("dialog")).toContainText("webhook.test");
  } },
  { name: "adding a webhook", at: "/storage/settings/webhooks", open: form("Add a webhook") },
  { name: "who is signed in", at: "/storage", open: async (page) => {
    await page.getByRole("button", { name: /^Signed in as/ }).click();
    await expect(page.getByRole("menuitem", { name: "Sign out" })).toBeVisible();
  } },
];

/** Shown once, so each look makes a key more: at one size alone. */
const SECRET: State = { name: "a secret", at: "/storage/settings/keys", open: async (page) => {
  await form("Make a key")(page);
  await page.getByLabel("What it is for").fill("test-axe");
  await page.getByRole("dialog").getByRole("button", { name: "Make" }).click();
  await expect(page.getByRole("dialog").locator("pre")).toHaveText(/^srk_/);
} };

/** In both colours; the state is reached once. */
async function inBoth(page: Page, what: string) {
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await settled(page);
    expect.soft(await violations(page), `${what}, ${colorScheme}`).toEqual([]);
  }
  expect.soft(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth), what).toBeLessThanOrEqual(0);
}

test.describe("every state", () => {
  let world: World;
  const ids: Record<string, string> = {};
  const url = (at: string) => world.server.url + at.replace(/\{(.+)\}/, (_, name: string) => ids[name] ?? "missing");

  test.beforeAll(async () => {
    world = await makeWorld({ STRONGROOM_WEBHOOK_ALLOW_PRIVATE: "true" });
    const { server, token, documents } = world;
    for (const [filename, category] of [["chest-ct.dcm", "imaging"], ["consent.tiff", "consent-forms"], ["phone-photo.heic", "imaging"]] as const) {
      documents[filename] = await upload(server, token, { bytes: sample(filename), filename, category });
    }
    for (const [name, { id }] of Object.entries<Document>(documents)) ids[name] = id;
    // Nobody listens there.
    const hook = await server.api("POST", "/api/webhooks", { token, body: { url: "http://127.0.0.1:9/hooks" } });
    await server.api("POST", `/api/webhooks/${hook.id}/test`, { token });
  });
  test.afterAll(() => world.server.stop());

  for (const width of [1440, 390]) {
    for (const { name, at, who = "test-admin", open } of width === 390 ? STATES : [...STATES, SECRET]) {
      test(`axe finds nothing in ${name}, ${width}`, async ({ page, context }) => {
        await page.setViewportSize({ width, height: 900 });
        await signIn(context, world.server.url, who);
        await page.goto(url(at));
        await open?.(page);
        await inBoth(page, name);
      });
    }
  }

  test("axe finds nothing in the pages when the server fails", async ({ page, context }) => {
    test.setTimeout(180_000);
    await signIn(context, world.server.url, "test-admin");
    const fails = (address: URL) => (address.pathname.startsWith("/api/") && address.pathname !== "/api/session") || address.pathname === "/readyz";
    await page.route(fails, (route) => route.fulfill({ status: 503, contentType: "application/problem+json", body: JSON.stringify({ status: 503, code: "unavailable", title: "Unavailable", detail: "Made-up words.", requestId: "made-up" }) }));
    for (const at of ["", "/documents", "/documents?doc={notes.txt}", "/patients", `/patients/${PATIENT}`, "/trash", "/audit", "/settings/users", "/settings/keys", "/settings/webhooks", "/settings/categories", "/settings/storage", "/settings/policy"]) {
      await page.goto(url(`/storage${at}`));
      await expect(page.getByRole("alert").first(), at).toBeVisible({ timeout: 30_000 });
      await inBoth(page, `${at} that fails`);
    }
  });
});

test("axe finds nothing in the question whether somebody is still there", async ({ page, context }) => {
  const { server } = await makeWorld({ STRONGROOM_SESSION_IDLE: "20" });
  await signIn(context, server.url, "test-admin");
  await page.goto(`${server.url}/storage/documents`);
  await expect(page.getByRole("dialog")).toContainText("You will be signed out", { timeout: 30_000 });
  await page.emulateMedia({ reducedMotion: "reduce" });
  expect(await violations(page)).toEqual([]);
  await server.stop();
});
