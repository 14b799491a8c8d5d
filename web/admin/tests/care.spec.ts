// Where the clinic goes by care teams: a clinician sees the patients whose team they are in, and is told of the rest.
import { expect, makeWorld, OTHER, PATIENT, rows, signIn, test } from "./fixtures";

test("a clinician sees the patients whose care team they are in, and is told when they are not", async ({ page, context }) => {
  const { server, token } = await makeWorld({ STRONGROOM_CARE_TEAM: undefined });
  await server.api("PUT", `/api/patients/${PATIENT}/care-team/test-clinician`, { token });
  await signIn(context, server.url, "test-clinician");
  await page.goto(`${server.url}/storage/documents`);
  await expect(rows(page)).toHaveCount(3);
  await expect(page.getByText("knee-xray.jpg")).toHaveCount(0);
  await page.goto(`${server.url}/storage/patients/${PATIENT}`);
  await expect(page.getByText("test-clinician", { exact: true })).toBeVisible();
  await expect(page.getByText("referral-letter.pdf")).toBeVisible();
  await page.goto(`${server.url}/storage/patients/${OTHER}`);
  await expect(page.getByText("You are not in this patient’s care team.")).toBeVisible();
  await expect(page.getByText("No documents that you may see")).toBeVisible();
  await expect(page.getByText("Try again")).toHaveCount(0);
  await expect(page.getByText("knee-xray.jpg")).toHaveCount(0);
  // Whoever is taken out sees no more.
  await server.api("DELETE", `/api/patients/${PATIENT}/care-team/test-clinician`, { token });
  await page.goto(`${server.url}/storage/documents`);
  await expect(page.getByText("No documents yet")).toBeVisible();
  await server.stop();
});
