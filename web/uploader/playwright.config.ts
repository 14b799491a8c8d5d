import { pageTests } from "../testing/playwright.mjs";

export default pageTests({ globalSetup: "./tests/setup.ts" });
