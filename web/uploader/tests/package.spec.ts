// The package as it is shipped: packed, installed outside this workspace, and used as the README says. Installing what
// the apps need takes a minute once; with that there the tests take about one.
import { join } from "node:path";
import { startPages } from "../../testing/pages.mjs";
import { freePort, startServer } from "../../testing/server.mjs";
import { expect, letter, test } from "./fixtures.js";
import { command, install, pack, start } from "./installed.js";

let packed: string;

test.beforeAll(async () => {
  test.setTimeout(120_000);
  packed = await pack();
});

/** A server that lets pages of one port in, and that page's address. */
async function serverFor() {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  return { port, origin, server: await startServer({ origins: [origin] }) };
}

/** Whether the page's worker hashes: one that could not be loaded would have been given up. */
const workerIn = (page: import("@playwright/test").Page) =>
  page.workers()[0]?.evaluate(() => typeof (self as unknown as Worker).onmessage);

test("the Next.js example builds with the packed package, and uploads for who is signed in alone", async ({
  page,
  uploader,
}) => {
  test.setTimeout(300_000);
  const app = await install("nextjs", "../examples/nextjs", packed);
  const next = join(app, "node_modules/next/dist/bin/next");
  await command(app, process.execPath, [next, "build"]);
  const { port, origin, server } = await serverFor();
  const env = { STRONGROOM_URL: server.url, STRONGROOM_KEY: await server.serviceKey() };
  const stop = await start(app, [next, "start", "-p", String(port)], env);
  try {
    const stranger = await fetch(`${origin}/api/ticket`, { method: "POST" });
    expect(stranger.status).toBe(401);
    await page.goto(origin);
    await uploader.choose(letter());
    await expect(page.getByText("Added: referral-letter.pdf")).toBeVisible();
    expect(await workerIn(page)).toBe("function");
    const token = await server.token({ user: "test-admin", role: "admin" });
    const { items } = await server.api("GET", "/api/docs?patientId=test-patient", { token });
    expect(items).toMatchObject([{ uploadedBy: "dr-test", category: "lab-results" }]);
  } finally {
    await stop();
    await server.stop();
  }
});

test("an app with React 18 and Vite shows it, uploads, and hashes in the worker, built and in development", async ({
  page,
  uploader,
}) => {
  test.setTimeout(300_000);
  const app = await install("vite", "app", packed);
  const vite = join(app, "node_modules/vite/bin/vite.js");
  await command(app, process.execPath, [vite, "build", "--logLevel", "error"]);
  const { port, origin, server } = await serverFor();
  const query = new URLSearchParams({ endpoint: server.url, token: await server.token() });
  const look = async (name: string) => {
    await page.goto(`${origin}/?${query}`);
    await expect(page.getByRole("button", { name: "Choose files" })).toBeVisible();
    await uploader.choose(letter(name));
    await expect.poll(async () => (await uploader.told()).done).toMatchObject([{ filename: name }]);
    expect(await workerIn(page)).toBe("function");
    expect(await page.evaluate(() => (window.told as unknown as { react: string }).react)).toMatch(/^18\./);
  };
  try {
    const pages = await startPages({ port, folders: [join(app, "dist")] });
    await look("built.pdf").finally(pages.stop);
    const stop = await start(app, [vite, "--port", String(port), "--strictPort"], {});
    await look("in-development.pdf").finally(stop);
  } finally {
    await server.stop();
  }
});

test("a server imports every entry, calls the API and draws pages that a strict policy lets through", async () => {
  test.setTimeout(300_000);
  const app = await install("vite", "app", packed);
  const server = await startServer();
  try {
    const env = { STRONGROOM_URL: server.url, STRONGROOM_KEY: await server.serviceKey() };
    const said = JSON.parse(await command(app, process.execPath, ["server-side.mjs"], env));
    expect(said).toMatchObject({ types: 15, refused: 404, seals: ["function", "function"] });
    expect(said.uploader).toContain("Choose files");
    expect(said.records).toContain("Search by file name");
    // An inline style would be refused by `style-src 'self'`.
    expect(said.uploader + said.records).not.toContain("style=");
  } finally {
    await server.stop();
  }
});

test("its types are found by every way of looking modules up", async () => {
  test.setTimeout(300_000);
  const app = await install("vite", "app", packed);
  const tsc = join(app, "node_modules/typescript/bin/tsc");
  const strict = ["types.ts", "--noEmit", "--strict", "--target", "es2022", "--lib", "es2023,dom,dom.iterable"];
  const ways = [
    ["esnext", "bundler"],
    ["nodenext", "nodenext"],
    ["esnext", "node10"],
  ] as const;
  await Promise.all(
    ways.map(([module, resolution]) =>
      command(app, process.execPath, [tsc, ...strict, "--module", module, "--moduleResolution", resolution]),
    ),
  );
});
