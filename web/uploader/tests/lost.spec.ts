// Answers that are lost, lines that hang, tokens that expire, servers that fail: no document is doubled or dropped, and
// nothing that has arrived is sent twice.
import type { Page, Route } from "@playwright/test";
import { count, eachPartOnce, expect, letter, test, text, type World } from "./fixtures.js";

const MB = 1_000_000;
/** A part has 8 MiB, the last one what is left. */
const [TWO_PARTS, THREE_PARTS] = [9 * MB, 17 * MB];

/** An answer of the server, or of a proxy before it, as a page of another origin may read it. */
function failure(status: number, seconds?: number) {
  return {
    status,
    headers: {
      "access-control-allow-origin": "*",
      "access-control-expose-headers": "retry-after",
      ...(seconds !== undefined && { "retry-after": String(seconds) }),
    },
    contentType: "text/plain",
    body: "no",
  };
}

/** Calls of the page, by what they do. */
const CALLS = {
  announce: { method: "POST", path: /\/s3\/multipart$/ },
  list: { method: "GET", path: /\/s3\/multipart\/[^/]+$/ },
  sign: { method: "GET", path: /\/s3\/multipart\/[^/]+\/\d+$/ },
  part: { method: "PUT", path: /./ },
  complete: { method: "POST", path: /\/complete$/ },
} as const;
type Call = keyof typeof CALLS;

/** Answers one kind of call in the place of the line, until what comes back is called. */
async function instead(page: Page, call: Call, answer: (route: Route) => Promise<void>) {
  const { method, path } = CALLS[call];
  let isOver = false;
  await page.route(
    (url) => path.test(url.pathname),
    (route) => (isOver || route.request().method() !== method ? route.fallback() : answer(route)),
  );
  // Taking the route away would let through what hangs in it.
  return () => {
    isOver = true;
  };
}

/** The server does what it is asked, and the line is cut before its answer. */
const unheard = async (route: Route) => {
  await route.fetch();
  await route.abort("connectionreset");
};

test("a document whose making was never answered is there once, and nothing is sent again", async ({
  uploader,
  page,
  world,
}) => {
  const name = "unheard.txt";
  const row = uploader.row(name);
  await uploader.hurry();
  await uploader.open();
  const restore = await instead(page, "complete", unheard);
  await uploader.drop(text(name, TWO_PARTS));
  await expect(row).toHaveAttribute("data-phase", "failed", { timeout: 40_000 });
  expect(await count(world, "available", name)).toBe(1);
  restore();
  await uploader.button("Try again", name).click();
  await expect(row).toHaveAttribute("data-phase", "done");
  eachPartOnce(world.line, 2);
  expect(await count(world, "available", name)).toBe(1);
  expect(await count(world, "pending", name)).toBe(0);
  expect((await uploader.told()).done).toMatchObject([{ filename: name, state: "available" }]);
});

/** Every byte is there and the server has made the document, of which the page never hears. */
async function doneUnheard(page: Page, world: World, drop: () => Promise<void>, name: string) {
  const restore = await instead(page, "complete", async (route) => void (await route.fetch()));
  await drop();
  await expect.poll(() => count(world, "available", name), { timeout: 30_000 }).toBe(1);
  restore();
}

test("a document that was made while the page went is told when the page is back", async ({
  uploader,
  page,
  world,
}) => {
  const name = "made-meanwhile.txt";
  await uploader.open();
  await doneUnheard(page, world, () => uploader.drop(text(name, 100_000)), name);
  await uploader.reload();
  await expect(uploader.row(name)).toHaveAttribute("data-phase", "done");
  expect((await uploader.told()).done).toMatchObject([{ filename: name, state: "available" }]);
  expect(await count(world, "available", name)).toBe(1);
  expect(await page.evaluate(() => sessionStorage.length)).toBe(0);
});

test("a file that is chosen again and was a document already is not sent again", async ({
  uploader,
  page,
  world,
}) => {
  const name = "chosen-again.txt";
  const notes = text(name, TWO_PARTS);
  await uploader.open();
  await doneUnheard(page, world, () => uploader.drop(notes), name);
  // The page cannot ask when it is back, and knows no more than that there was something.
  const asked = page.waitForResponse((answer) => answer.status() === 503);
  const restore = await instead(page, "list", (route) => route.fulfill(failure(503, 60)));
  await uploader.reload();
  await asked;
  restore();
  await uploader.drop(notes);
  await expect(uploader.row(name)).toHaveAttribute("data-phase", "done");
  eachPartOnce(world.line, 2);
  expect((await uploader.told()).done).toMatchObject([{ filename: name, state: "available" }]);
  expect(await count(world, "available", name)).toBe(1);
  expect(await count(world, "pending", name)).toBe(0);
});

test("what cannot be brought to its end after a reload can be tried again", async ({
  uploader,
  page,
  world,
}) => {
  const name = "end-later.txt";
  const row = uploader.row(name);
  await uploader.open();
  const restore = await instead(page, "complete", (route) => route.fulfill(failure(503, 60)));
  await uploader.drop(text(name, 100_000));
  await expect(row).toHaveAttribute("data-phase", "failed");
  await uploader.reload();
  await expect(row).toHaveAttribute("data-phase", "failed");
  restore();
  await uploader.button("Try again", name).click();
  await expect(row).toHaveAttribute("data-phase", "done");
  expect(await count(world, "available", name)).toBe(1);
  expect((await uploader.told()).done).toMatchObject([{ filename: name }]);
});

test("when a token is good no more on the way another goes on, and only what is missing is sent", async ({
  uploader,
  world,
}) => {
  const notes = text("expired-token.txt", THREE_PARTS);
  const connection = { endpoint: world.line.url, entityType: "patient", entityId: "test-patient" };
  const told = async () => (await uploader.told()).failed.map(({ code }) => code);
  await uploader.hurry();
  const row = await uploader.begin(notes, 1, { ...connection, token: world.clinician });
  world.line.cut();
  await expect.poll(told).toEqual(["unreachable"]);
  world.line.mend();
  await uploader.give({ ...connection, token: "no-token-any-more" });
  await uploader.button("Try again", notes.name).click();
  await expect.poll(told).toEqual(["unreachable", "invalid_credential"]);
  world.line.release();
  await uploader.give({ ...connection, token: world.clinician });
  await uploader.button("Try again", notes.name).click();
  await expect(row).toHaveAttribute("data-phase", "done", { timeout: 30_000 });
  eachPartOnce(world.line, 3);
  expect(await count(world, "abandoned", notes.name)).toBe(0);
  expect(await count(world, "pending", notes.name)).toBe(0);
});

test("a token that has ended when every part is there is followed by another, and nothing is sent again", async ({
  uploader,
  world,
}) => {
  const notes = text("expired-at-the-end.txt", TWO_PARTS);
  const connection = { endpoint: world.line.url, entityType: "patient", entityId: "test-patient" };
  const row = await uploader.begin(notes, 0, { ...connection, token: world.clinician });
  await expect.poll(() => world.line.waits()).toBe(2);
  await uploader.give({ ...connection, token: "no-token-any-more" });
  world.line.release();
  await expect(row).toHaveAttribute("data-phase", "failed");
  expect((await uploader.told()).failed).toMatchObject([{ code: "invalid_credential" }]);
  await uploader.give({ ...connection, token: world.clinician });
  await uploader.button("Try again", notes.name).click();
  await expect(row).toHaveAttribute("data-phase", "done");
  eachPartOnce(world.line, 2);
});

test("a page that comes back with an expired token forgets nothing", async ({ uploader, page, world }) => {
  const notes = text("remembered.txt", THREE_PARTS);
  const connection = { endpoint: world.line.url, entityType: "patient", entityId: "test-patient" };
  const row = await uploader.begin(notes, 1, { ...connection, token: world.clinician });
  const refused = page.waitForResponse((answer) => answer.status() === 401);
  await uploader.open({ ...connection, token: "no-token-any-more" });
  await refused;
  await expect(row).toHaveCount(0);
  await uploader.open({ ...connection, token: world.clinician });
  await expect(row).toContainText("Interrupted at");
  world.line.release();
  await uploader.drop(notes);
  await expect(row).toHaveAttribute("data-phase", "done", { timeout: 30_000 });
  eachPartOnce(world.line, 3);
});

test("a part whose line stands still is given up after a minute and sent anew", async ({
  uploader,
  page,
  world,
}) => {
  await page.clock.install();
  const row = await uploader.begin(text("stalled.txt", THREE_PARTS), 1);
  const given = page.waitForEvent("requestfailed", (request) => request.method() === "PUT");
  await page.clock.fastForward(125_000);
  await given;
  world.line.release();
  await expect(row).toHaveAttribute("data-phase", "done", { timeout: 30_000 });
  expect((await uploader.told()).failed).toEqual([]);
  eachPartOnce(world.line, 3);
});

test("a part whose answer is lost is sent once more, and no other is", async ({ uploader, world }) => {
  const row = await uploader.begin(text("answer-lost.txt", THREE_PARTS));
  world.line.losing = 1;
  world.line.letParts(1);
  await expect.poll(() => world.line.losing).toBe(0);
  const [lost] = world.line.arrived();
  world.line.release();
  await expect(row).toHaveAttribute("data-phase", "done", { timeout: 30_000 });
  expect((await uploader.told()).failed).toEqual([]);
  eachPartOnce(world.line, 3, lost === undefined ? [] : [lost]);
});

for (const call of ["announce", "list", "sign", "complete"] as const) {
  test(`a call that is never answered (${call}) is given up and asked again`, async ({ uploader, page }) => {
    await page.clock.install();
    await uploader.open();
    let asked: () => void = () => undefined;
    const begun = new Promise<void>((resolve) => (asked = resolve));
    const restore = await instead(page, call, async () => asked());
    await uploader.drop(letter(`hangs-at-${call}.pdf`));
    await begun;
    const failed = page.waitForEvent("requestfailed");
    restore();
    // The server may take its time to look into a large file.
    await page.clock.fastForward(call === "complete" ? 601_000 : 31_000);
    await failed;
    await expect(uploader.row(`hangs-at-${call}.pdf`)).toHaveAttribute("data-phase", "done");
    expect((await uploader.told()).failed).toEqual([]);
  });
}

for (const kind of ["announce", "list", "sign", "part", "complete"] as const) {
  test(`a server that answers ${kind} once with 500, 503 or 429 leaves one whole document`, async ({
    uploader,
    page,
    world,
  }) => {
    await uploader.hurry();
    await uploader.open();
    const refuse: ReturnType<typeof failure>[] = [];
    await instead(page, kind, async (route) => {
      const refusal = refuse.pop();
      return refusal ? route.fulfill(refusal) : route.fallback();
    });
    for (const [status, seconds] of [[500], [503], [429, 1]] as const) {
      const name = `fails-${kind}-${status}.txt`;
      const row = uploader.row(name);
      world.line.reset();
      refuse.push(failure(status, seconds));
      // Each of a size of its own: they are no copies of each other.
      await uploader.drop(text(name, 100_000 + status));
      // An error of the server itself is for people to see, except where the part is simply sent once more.
      if (status === 500 && kind !== "part" && kind !== "sign") {
        await expect(row).toHaveAttribute("data-phase", "failed");
        await uploader.button("Try again", name).click();
      }
      await expect(row).toHaveAttribute("data-phase", "done", { timeout: 30_000 });
      expect(refuse).toEqual([]);
      expect(await count(world, "available", name)).toBe(1);
      expect(await count(world, "pending", name)).toBe(0);
      // The one that was refused never reached the line.
      eachPartOnce(world.line, 1);
    }
  });
}

test("without a connection an upload waits, and goes on by itself when it is back", async ({
  uploader,
  page,
  world,
  context,
}) => {
  const name = "went-offline.txt";
  const row = await uploader.begin(text(name, THREE_PARTS), 1);
  await context.setOffline(true);
  await expect(page.getByText("There is no connection.")).toBeVisible();
  world.line.cut();
  world.line.mend();
  world.line.release();
  await context.setOffline(false);
  await expect(row).toHaveAttribute("data-phase", "done", { timeout: 60_000 });
  eachPartOnce(world.line, 3);
  expect(await count(world, "available", name)).toBe(1);
  expect(await count(world, "pending", name)).toBe(0);
});
