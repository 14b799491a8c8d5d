// What every set of page tests has in common: the browser that is on the machine, no downloads.
import { basename } from "node:path";
import { defineConfig } from "@playwright/test";

const executablePath = process.env.STRONGROOM_TEST_CHROMIUM ?? "/usr/bin/chromium";

/** A Playwright configuration; `more` goes over it. */
export function pageTests(more = {}) {
  return defineConfig({
    testDir: "tests",
    // Of its own: it is emptied first, and the other part may be running.
    outputDir: `../../target/web-tests/results-${basename(process.cwd())}`,
    fullyParallel: false,
    workers: 1,
    retries: 0,
    forbidOnly: Boolean(process.env.CI),
    timeout: 60_000,
    expect: { timeout: 15_000 },
    reporter: [["list"]],
    ...more,
    use: {
      browserName: "chromium",
      locale: "en-GB",
      launchOptions: {
        executablePath,
        args: [
          "--no-sandbox",
          "--disable-quic",
          "--disable-background-networking",
          "--disable-component-update",
          "--disable-sync",
        ],
      },
      // A picture of every step costs a fifth of the whole time; what the page was is there without them.
      trace: { mode: "retain-on-failure", screenshots: false },
      ...more.use,
    },
  });
}
