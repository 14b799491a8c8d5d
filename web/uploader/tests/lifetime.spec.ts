// Components come and go, twice at once in development, with other props, to other places: nothing is sent twice, nothing
// goes to another patient, and nothing stays behind.
import type { Page } from "@playwright/test";
import { count, elementPage, expect, letter, photo, test, text } from "./fixtures.js";

const DEVELOPMENT = "/development/";

/** Counts what is listened to on window and document, and the workers that run; calling it tells how many. */
async function tally(page: Page) {
  await page.addInitScript(() => {
    const listeners = new Map<string, Set<unknown>>();
    const workers = new Set<Worker>();
    const of = (type: string) => {
      if (!listeners.has(type)) listeners.set(type, new Set());
      return listeners.get(type) as Set<unknown>;
    };
    for (const target of [window, document] as EventTarget[]) {
      const { addEventListener, removeEventListener } = target;
      target.addEventListener = function (type: string, listener: never, options: never) {
        of(type).add(listener);
        addEventListener.call(this, type, listener, options);
      };
      target.removeEventListener = function (type: string, listener: never, options: never) {
        of(type).delete(listener);
        removeEventListener.call(this, type, listener, options);
      };
    }
    const Plain = window.Worker;
    window.Worker = class extends Plain {
      constructor(...of: ConstructorParameters<typeof Worker>) {
        super(...of);
        workers.add(this);
      }
      override terminate() {
        workers.delete(this);
        super.terminate();
      }
    };
    const OWN = ["paste", "dragover", "drop", "beforeunload", "online", "offline"];
    Object.assign(window, {
      tally: () => ({ listeners: OWN.map((type) => of(type).size), workers: workers.size }),
    });
  });
  return (): Promise<{ listeners: number[]; workers: number }> =>
    page.evaluate(() => (window as unknown as { tally: () => never }).tally());
}

const NONE = { listeners: [0, 0, 0, 0, 0, 0], workers: 0 };

for (const at of ["/", DEVELOPMENT]) {
  const which = at === "/" ? "production" : "development, mounted twice";

  test(`one uploader hears and sends once, in ${which}`, async ({ uploader, page }) => {
    const counted = await tally(page);
    const tickets: string[] = [];
    page.on("request", (request) => request.url().endsWith("/ticket") && tickets.push(request.url()));
    await uploader.open({ ticketUrl: "/ticket" }, "uploader", at);
    // The last two are listened to by Uppy as well.
    expect((await counted()).listeners).toEqual([1, 1, 1, 1, 2, 2]);
    await uploader.drop(letter());
    const data = await uploader.dataTransfer([{ ...photo(), name: "image.png" }]);
    await page.evaluate((clipboardData) => {
      document.body.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true }));
    }, data);
    await expect.poll(async () => (await uploader.told()).done.length).toBe(2);
    await expect(page.getByRole("listitem")).toHaveCount(2);
    expect(tickets).toHaveLength(1);
    expect((await uploader.told()).failed).toEqual([]);
  });

  test(`an uploader that goes while it sends leaves nothing behind, in ${which}`, async ({
    uploader,
    page,
    world,
  }) => {
    const counted = await tally(page);
    await uploader.open({ ticketUrl: "/ticket" }, "uploader", at);
    world.line.letParts(0);
    const notes = text(`gone-${at.length}.txt`, 100_000);
    await uploader.drop(notes);
    await expect(uploader.row(notes.name)).toHaveAttribute("data-phase", "uploading");
    expect((await counted()).workers).toBe(1);
    await uploader.change(null);
    await expect(page.locator(".srm")).toHaveCount(0);
    expect(await counted()).toEqual(NONE);
    // The browser has given up what was on its way, and nothing new begins on a free line.
    await expect.poll(() => world.line.waits()).toBe(0);
    world.line.release();
    await uploader.change({});
    await expect(uploader.row(notes.name)).toHaveAttribute("data-phase", "interrupted");
    expect(world.line.parts).toEqual([]);
    expect(await uploader.told()).toEqual({ done: [], failed: [] });
    await uploader.button("Discard", notes.name).click();
    await expect.poll(() => count(world, "pending", notes.name)).toBe(0);
  });
}

test("a patient's records are listed once and their picture opens, in development, mounted twice", async ({
  uploader,
  page,
  world,
}) => {
  const props = { endpoint: world.line.url, token: world.clinician };
  const about = { entityType: "patient", entityId: "patient-twice", category: "other" };
  await uploader.open({ ...props, ...about });
  await uploader.drop(photo());
  await expect.poll(async () => (await uploader.told()).done).toHaveLength(1);
  await uploader.open({ ...props, patientId: "patient-twice" }, "records", DEVELOPMENT);
  await expect(page.getByRole("listitem")).toHaveCount(1);
  await page.getByRole("button", { name: photo().name, exact: true }).click();
  await expect(page.getByRole("dialog").getByRole("img")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("dialog")).toHaveCount(0);
});

test("with another patient while it sends, nothing goes to that one, and the first one's goes on when shown again", async ({
  uploader,
  page,
  world,
}) => {
  const [first, second] = ["patient-midway-1", "patient-midway-2"];
  const props = { endpoint: world.line.url, token: world.clinician, category: "other", entityType: "patient" };
  const notes = text("midway.txt", 17_000_000);
  await uploader.begin(notes, 1, { ...props, entityId: first });
  await uploader.drop(text("waits.txt", 100_000));
  await uploader.change({ entityId: second });
  await expect(page.getByRole("listitem")).toHaveCount(0);
  world.line.release();
  await uploader.drop(letter());
  await expect.poll(async () => (await uploader.told()).done).toMatchObject([{ patientId: second }]);
  const of = async (patient: string, state: string) => {
    const path = `/api/docs?patientId=${patient}&state=${state}`;
    const { items } = await world.server.api("GET", path, { token: world.admin });
    return items.map(({ filename }: { filename: string }) => filename);
  };
  expect(await of(second, "pending")).toEqual([]);
  expect(await of(second, "available")).toEqual(["referral-letter.pdf"]);

  await uploader.change({ entityId: first });
  await expect(uploader.row(notes.name)).toContainText("Choose the same file again");
  await expect(page.getByText("referral-letter.pdf")).toHaveCount(0);
  await uploader.drop(notes);
  await expect(uploader.row(notes.name)).toHaveAttribute("data-phase", "done");
  expect(await of(first, "available")).toEqual([notes.name]);
  expect((await uploader.told()).failed).toEqual([]);
});

test("new callbacks and another token are used by what is under way", async ({ uploader, world }) => {
  const props = { endpoint: world.line.url, category: "other", entityType: "patient", entityId: "patient-tokens" };
  const notes = text("token.txt", 100_000);
  await uploader.begin(notes, 0, { ...props, token: world.clinician });
  await uploader.change({ token: world.admin });
  world.line.release();
  await expect(uploader.row(notes.name)).toHaveAttribute("data-phase", "done");
  await uploader.drop(letter());
  await expect.poll(async () => (await uploader.told()).done).toHaveLength(2);
  const [, second] = (await uploader.told()).done;
  expect(second).toMatchObject({ uploadedBy: "test-admin" });
});

test("the element goes on sending when it is moved, and stops when it is taken away", async ({
  uploader,
  page,
  world,
}) => {
  const counted = await tally(page);
  await page.goto(elementPage(world.pages.url, { "ticket-url": "/ticket" }));
  world.line.letParts(0);
  const notes = text("moved.txt", 100_000);
  await uploader.choose(notes);
  await expect(uploader.row(notes.name)).toHaveAttribute("data-phase", "uploading");
  await page.evaluate(() => {
    const place = document.body.appendChild(document.createElement("section"));
    place.append(document.querySelector("strongroom-uploader") as Element);
  });
  world.line.release();
  await expect(uploader.row(notes.name)).toHaveAttribute("data-phase", "done");
  expect((await uploader.told()).done).toHaveLength(1);
  await page.evaluate(() => document.querySelector("strongroom-uploader")?.remove());
  await expect.poll(counted).toEqual(NONE);
});
