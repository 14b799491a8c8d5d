// The self-test on a bucket: what only shows from a browser, each with the rule that makes it so.
import { makeBucket, garage } from "../../testing/bucket.mjs";
import { freePort, startServer } from "../../testing/server.mjs";
import { expect, type Server, signIn, test } from "./fixtures";

type Bucket = Awaited<ReturnType<typeof makeBucket>>;

/** A server whose documents lie in a bucket of its own. */
async function onABucket(): Promise<{ server: Server; bucket: Bucket }> {
  const bucket = await makeBucket({ origins: [`http://127.0.0.1:${await freePort()}`], endpoint: garage().endpoint ?? "" });
  const server = await startServer({ vars: bucket.vars });
  await server.user({ name: "test-admin" });
  return { server, bucket };
}

test.describe("into a bucket", () => {
  let at: { server: Server; bucket: Bucket };
  test.beforeAll(async () => { at = await onABucket(); });
  test.afterAll(() => at.server.stop());
  test.beforeEach(async ({ page, context }) => {
    test.setTimeout(180_000);
    await signIn(context, at.server.url, "test-admin");
    await page.goto(`${at.server.url}/test/s3`);
  });

  test("the self-test finds nothing wrong where the bucket lets the pages in", async ({ page }) => {
    await at.bucket.letIn([at.server.url]);
    await page.getByRole("button", { name: "Start" }).click();
    await expect(page.getByText("Everything works")).toBeVisible({ timeout: 120_000 });
    for (const name of ["credentials", "object store", "write", "multipart", "CORS", "expired URL", "expired download URL", "browser: upload", "browser: confirm", "browser: download", "browser: clean-up"]) {
      await expect(page.getByRole("row", { name: new RegExp(`^${name} works`) }), name).toBeVisible();
    }
    expect(await at.bucket.keys()).toEqual([]);
    expect(await at.bucket.open()).toEqual([]);
    // How long each took is said on a small screen as well.
    await page.setViewportSize({ width: 390, height: 844 });
    await expect(page.getByRole("row").filter({ has: page.getByText("CORS", { exact: true }) }).getByText(/^\d+ ms$/).filter({ visible: true })).toHaveCount(1);
  });

  test("the self-test says that a bucket lets in the pages of somebody else", async ({ page }) => {
    await at.bucket.letIn(["https://app.example.com"]);
    await page.getByRole("button", { name: "Start" }).click();
    await expect(page.getByText(/2 of \d+ checks failed/)).toBeVisible({ timeout: 120_000 });
    await expect(page.getByRole("row", { name: /^CORS fails/ })).toContainText(at.server.url);
    const upload = page.getByRole("row", { name: /^browser: upload fails/ });
    await expect(upload).toContainText("the browser did not let the request through");
    await expect(upload).toContainText(`the bucket's CORS rules must allow ${at.server.url}`);
    expect(await at.bucket.open()).toEqual([]);
  });

  test("the self-test says that a bucket hides the ETag that uploads in parts need", async ({ page }) => {
    await at.bucket.letIn([at.server.url], { ExposeHeaders: [] });
    await page.getByRole("button", { name: "Start" }).click();
    await expect(page.getByText(/2 of \d+ checks failed/)).toBeVisible({ timeout: 120_000 });
    await expect(page.getByRole("row", { name: /^CORS fails/ })).toContainText("ETag is not exposed");
    const upload = page.getByRole("row", { name: /^browser: upload fails/ });
    await expect(upload).toContainText("does not show its ETag to this page");
    await expect(upload).toContainText("expose ETag");
    expect(await at.bucket.open()).toEqual([]);
  });
});
