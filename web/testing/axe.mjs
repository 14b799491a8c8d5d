// What axe finds in a page that has come to rest.
import AxeBuilder from "@axe-core/playwright";
import { expect } from "@playwright/test";

/** Nothing moves any more. */
export function still(page) {
  return page.evaluate(() => Promise.all(document.getAnimations().map((one) => one.finished.catch(() => undefined))));
}

/** Everything has come, and nothing moves any more. */
export async function settled(page) {
  await page.waitForLoadState("networkidle");
  await expect(page.getByRole("status", { name: "Loading" })).toHaveCount(0);
  await still(page);
}

/** What it finds, a line a rule, with the first elements it found it at; by all of its rules, or by these alone. */
export async function violations(page, rules) {
  // No page here has a frame of another host, for whose sake axe would open one more page for each look.
  const axe = new AxeBuilder({ page }).setLegacyMode();
  const found = await (rules ? axe.withRules(rules) : axe).analyze();
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.slice(0, 3).map(({ target, failureSummary }) => `${target.join(" ")} ${failureSummary}`).join("; ")}`);
}
