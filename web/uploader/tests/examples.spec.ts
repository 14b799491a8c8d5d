// The example that needs nothing but Node.js, as its README starts it.
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { freePort, startServer } from "../../testing/server.mjs";
import { expect, letter, photo, test } from "./fixtures.js";

test("the plain example uploads with a ticket that its backend asked for", async ({
  page,
  uploader,
}) => {
  const port = await freePort();
  const origin = `http://localhost:${port}`;
  const server = await startServer({ origins: [origin] });
  const app = spawn("node", ["server.mjs"], {
    cwd: fileURLToPath(new URL("../examples/plain-html", import.meta.url)),
    env: {
      ...process.env,
      STRONGROOM_URL: server.url,
      STRONGROOM_KEY: await server.serviceKey(),
      PORT: String(port),
    },
    stdio: ["ignore", "pipe", "inherit"],
  });
  try {
    // It says where it is once it listens.
    await new Promise((resolve) => app.stdout.once("data", resolve));
    await page.goto(origin);
    await uploader.choose(letter(), photo());
    await expect(page.locator(".srm-summary-text")).toHaveText("2 files uploaded");
    await expect(page.getByText(/is document [0-9a-f-]{36}\./)).toBeVisible();
    const token = await server.token({ user: "test-admin", role: "admin" });
    const { items } = await server.api("GET", "/api/docs?patientId=test-patient", { token });
    expect(items).toHaveLength(2);
    expect(items[0]).toMatchObject({ uploadedBy: "dr-test", category: "lab-results" });
  } finally {
    app.kill();
    await server.stop();
  }
});
