import { pageTests } from "../testing/playwright.mjs";

export default pageTests();
