// What axe finds in every state a page can be in, for everybody who sees it: a list of states, each with what opens it.
import type { Browser, BrowserContext, Page } from "@playwright/test";
import { settled, violations } from "../../testing/axe.mjs";
import { type Document, expect, makeWorld, OTHER, PATIENT, rows, sample, signIn, test, upload, type World } from "./fixtures";

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
const menu = (button: RegExp, item: string) => async (page: Page) => {
  await page.getByRole("button", { name: button }).click();
  await expect(page.getByRole("menuitem", { name: item })).toBeVisible();
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
  { name: "what may be done with a document", at: LETTER, open: menu(/^More actions/, "Erase for good") },
  { name: "what may be done with a user", at: "/storage/settings/users", open: menu(/^Actions for test-staff/, "Shut out") },
  { name: "what may be done with a webhook", at: "/storage/settings/webhooks", open: menu(/^Actions for/, "Give a new secret") },
  { name: "who is signed in", at: "/storage", open: menu(/^Signed in as/, "Sign out") },
];

/** Shown once: each look makes a key more. */
const SECRET: State = { name: "a secret", at: "/storage/settings/keys", open: async (page) => {
  await form("Make a key")(page);
  await page.getByLabel("What it is for").fill("test-axe");
  await page.getByRole("dialog").getByRole("button", { name: "Make" }).click();
  await expect(page.getByRole("dialog").locator("pre")).toHaveText(/^srk_/);
} };

/** Pictures of all of it for somebody to look at, where a folder for them is named. */
const PICTURES = process.env.STRONGROOM_TEST_PICTURES;
/** How the pages themselves look on a desk and in light is looked at elsewhere; what opens on them is built of the same. */
const SMALL = { width: 390, colorScheme: "dark" } as const;
const LOOKS = PICTURES ? [{ width: 1440, colorScheme: "light" } as const, SMALL] : [SMALL];
const FAILING = ["", "/documents", "/documents?doc={notes.txt}", "/patients", `/patients/${PATIENT}`, "/audit", "/settings/users", "/settings/webhooks", "/settings/categories", "/settings/policy"];

async function looked(page: Page, what: string) {
  await settled(page);
  if (PICTURES) await page.screenshot({ path: `${PICTURES}/${what.replace(/\W+/g, "-")}.png`, fullPage: true });
  expect.soft(await violations(page), what).toEqual([]);
  expect.soft(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth), what).toBeLessThanOrEqual(0);
}

test.describe("axe finds nothing", () => {
  let world: World;
  const ids: Record<string, string> = {};
  const contexts = new Map<string, BrowserContext>();
  const url = (at: string) => world.server.url + at.replace(/\{(.+)\}/, (_, name: string) => ids[name] ?? "missing");
  /** Everybody signs in once a look. */
  const pageOf = async (browser: Browser, who: string, { width, colorScheme }: (typeof LOOKS)[number]) => {
    const key = `${who} ${width}`;
    const context = contexts.get(key) ?? await browser.newContext({ viewport: { width, height: 900 }, colorScheme, locale: "en-GB", reducedMotion: "reduce" });
    if (!contexts.has(key)) await signIn(context, world.server.url, who);
    contexts.set(key, context);
    return context.newPage();
  };

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
  test.afterAll(async () => {
    for (const context of contexts.values()) await context.close();
    await world.server.stop();
  });

  for (const look of LOOKS) {
    const way = `${look.width} wide and ${look.colorScheme}`;
    for (const { name, at, who = "test-admin", open } of [...STATES, SECRET]) {
      test(`in ${name}, ${way}`, async ({ browser }) => {
        const page = await pageOf(browser, who, look);
        await page.goto(url(at));
        await open?.(page);
        await looked(page, `${name}, ${way}`);
        await page.close();
      });
    }

    test(`when the server fails, ${way}`, async ({ browser }) => {
      test.setTimeout(120_000);
      const page = await pageOf(browser, "test-admin", look);
      const fails = (address: URL) => (address.pathname.startsWith("/api/") && address.pathname !== "/api/session") || address.pathname === "/readyz";
      // What the pages do not ask again by themselves: what they show then is the same, and comes at once.
      await page.route(fails, (route) => route.fulfill({ status: 400, contentType: "application/problem+json", body: JSON.stringify({ status: 400, code: "made_up", title: "Made up", detail: "Made-up words.", requestId: "made-up" }) }));
      for (const at of FAILING) {
        await page.goto(url(`/storage${at}`));
        await expect(page.getByRole("alert").first(), at).toBeVisible();
        await looked(page, `${at} that fails, ${way}`);
      }
      await page.close();
    });
  }
});

test("axe finds nothing in the question whether somebody is still there", async ({ page, context }) => {
  const { server } = await makeWorld({ STRONGROOM_SESSION_IDLE: "20" });
  await signIn(context, server.url, "test-admin");
  await page.emulateMedia({ reducedMotion: "reduce" });
  await page.clock.install();
  await page.goto(`${server.url}/storage/documents`);
  await expect(rows(page).first()).toBeVisible();
  await page.clock.fastForward(16_000);
  await expect(page.getByRole("dialog")).toContainText("You will be signed out");
  expect(await violations(page)).toEqual([]);
  await server.stop();
});
