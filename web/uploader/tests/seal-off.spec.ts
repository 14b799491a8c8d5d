// A server that takes no sealed files: that is said before anything is sent, and nothing goes unsealed instead.
import { expect, letter, test } from "./fixtures.js";
import { makeKey } from "./seal-key.js";

const { recipient } = makeKey();
const REFUSED = "Sealed files are not taken here, and nothing is sent unsealed.";

for (const [what, ticketUrl] of [
  ["as the ticket says", "/ticket"],
  ["where the ticket says nothing", "/bare-ticket"],
] as const) {
  test(`a server that takes no sealed files gets none, ${what}`, async ({ uploader, page }) => {
    const puts: string[] = [];
    page.on("request", (request) => request.method() === "PUT" && puts.push(request.url()));
    await uploader.open({ ticketUrl, sealFor: recipient });
    await uploader.drop(letter());
    await expect(uploader.row(letter().name)).toHaveAttribute("data-phase", "failed");
    await expect(uploader.row(letter().name)).toContainText(REFUSED);
    expect((await uploader.told()).failed).toMatchObject([{ code: "unsupported_type" }]);
    expect(puts).toEqual([]);
  });
}

test("where the server is known it is said before there is a file", async ({ uploader, page, world }) => {
  const announced: string[] = [];
  page.on("request", (request) => request.method() !== "GET" && announced.push(request.method()));
  const connection = { endpoint: world.line.url, token: world.clinician };
  await uploader.open({ ...connection, entityType: "patient", entityId: "test-patient", sealFor: recipient });
  await expect(page.getByRole("alert")).toContainText(REFUSED);
  await uploader.drop(letter());
  await expect(uploader.row(letter().name)).toHaveAttribute("data-phase", "refused");
  // A preflight asks nothing and sends nothing.
  expect(announced.filter((method) => method !== "OPTIONS")).toEqual([]);
});
