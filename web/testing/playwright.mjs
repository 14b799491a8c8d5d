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
      // A trace of every step takes its time: where one is wanted, `--trace retain-on-failure`.
      trace: "off",
      ...more.use,
    },
  });
}
