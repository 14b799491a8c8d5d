// The lists of documents that are about one thing: what they say of each, on any screen.
import { expect, rows, test } from "./fixtures";

const SIZES = [1440, 390];
const REASON = "A made-up dispute about a bill";

test("the list of holds says why each document is held and since when, and lifting one takes it out", async ({ open, page: blank, world }) => {
  const { server, token, documents } = world;
  const path = `/api/docs/${documents["notes.txt"]?.id}/hold`;
  await server.api("PUT", path, { token, body: { reason: REASON } });
  for (const width of SIZES) {
    await blank.setViewportSize({ width, height: 900 });
    const page = await open("/storage/holds");
    await expect(rows(page)).toHaveCount(1);
    await expect(rows(page).getByText(REASON).filter({ visible: true })).toHaveCount(1);
    const since = width > 500 ? page.getByRole("columnheader", { name: "Held since" }) : page.getByText("Held since:");
    await expect(since.filter({ visible: true })).toHaveCount(1);
  }
  await server.api("DELETE", path, { token, body: { reason: "Settled" } });
  const page = await open("/storage/holds");
  await expect(page.getByText("Nothing is under legal hold")).toBeVisible();
});

test("the trash says when each document will be erased, and that one that is held will not", async ({ open, page: blank, world }) => {
  const { server, token, documents } = world;
  const path = `/api/docs/${documents["notes.txt"]?.id}`;
  const { deletedAt } = await server.api("DELETE", path, { token });
  const due = new Date(Date.parse(deletedAt) + 30 * 86_400_000).toISOString();
  for (const width of SIZES) {
    await blank.setViewportSize({ width, height: 900 });
    const page = await open("/storage/trash");
    await expect(rows(page).locator(`time[datetime="${due}"]`).filter({ visible: true })).toHaveCount(1);
  }
  await server.api("PUT", `${path}/hold`, { token, body: { reason: REASON } });
  const page = await open("/storage/trash");
  await expect(rows(page).getByText("not while it is held").filter({ visible: true })).toHaveCount(1);
  await server.api("DELETE", `${path}/hold`, { token, body: { reason: "Settled" } });
  await server.api("POST", `${path}/restore`, { token });
});

test("a webhook can be told of every event that the contract names", async ({ open, world }) => {
  const page = await open("/storage/settings/webhooks");
  await page.getByRole("button", { name: "Add a webhook" }).click();
  await page.getByRole("combobox", { name: "Is told of" }).click();
  const contract = await server(world.server.url);
  for (const event of contract) await expect(page.getByRole("option", { name: new RegExp(event === "*" ? "everything" : `^${event}:`) }), event).toBeAttached();
  expect(contract).toContain("document.scanning");
});

/** The events, as the running server's contract has them. */
async function server(url: string): Promise<string[]> {
  const { components } = await (await fetch(`${url}/openapi.json`)).json();
  const { items } = components.schemas.CreateWebhook.properties.events;
  return items.enum;
}
