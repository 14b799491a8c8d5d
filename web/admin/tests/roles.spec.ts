import { expect, OTHER, PATIENT, rows, test } from "./fixtures";
import type { Page } from "@playwright/test";

const pages = (page: Page) => page.getByRole("navigation", { name: "Pages" }).getByRole("link").allTextContents();

test("an administrator sees everything", async ({ open }) => {
  const page = await open("/storage");
  await expect(page.getByRole("heading", { name: "Overview" })).toBeVisible();
  await expect(page).toHaveTitle("Overview - Strongroom");
  expect(await pages(page)).toEqual(["Overview", "Documents", "Patients", "Quarantine", "Legal holds", "Trash", "Audit", "Settings", "Self-test"]);
});

test("an auditor sees the trail and nothing else", async ({ open, world }) => {
  const page = await open("/storage", "test-auditor");
  await expect(page.getByRole("heading", { name: "Audit" })).toBeVisible();
  expect(await pages(page)).toEqual(["Audit"]);
  await expect(rows(page).first()).toBeVisible();
  await page.goto(`${world.server.url}/storage/documents`);
  await expect(page.getByText("This page is not for your role")).toBeVisible();
});

test("staff see the open categories, and neither hold nor move nor settings", async ({ open, world }) => {
  const page = await open("/storage", "test-staff");
  await expect(page.getByRole("heading", { name: "Documents" })).toBeVisible();
  expect(await pages(page)).toEqual(["Documents", "Patients", "Trash"]);
  await expect(rows(page)).toHaveCount(2);
  await expect(page.getByText("notes.txt")).toBeVisible();
  await expect(page.getByText("home-exercises.csv")).toBeVisible();
  await page.getByRole("button", { name: /notes.txt/ }).click();
  await page.getByRole("button", { name: "More actions" }).click();
  await expect(page.getByRole("menuitem", { name: "Move to the trash" })).toBeVisible();
  expect(await page.getByRole("menuitem").allTextContents()).toEqual(["Change name or category", "Upload a newer version", "Move to the trash"]);
  await page.goto(`${world.server.url}/storage/patients/${OTHER}`);
  await expect(rows(page).filter({ hasText: "notes.txt" })).toBeVisible();
  await expect(page.getByText("Care team")).toBeHidden();
  await page.goto(`${world.server.url}/storage/settings`);
  await expect(page.getByText("This page is not for your role")).toBeVisible();
});

test("a clinician sees documents and patients, without holds and settings", async ({ open }) => {
  const page = await open("/storage", "test-clinician");
  await expect(rows(page)).toHaveCount(5);
  expect(await pages(page)).toEqual(["Documents", "Patients", "Trash"]);
  await page.getByRole("button", { name: /knee-xray/ }).click();
  await page.getByRole("button", { name: "More actions" }).click();
  await expect(page.getByRole("menuitem", { name: "Wrong patient: move" })).toBeVisible();
  await expect(page.getByRole("menuitem", { name: "Put under legal hold" })).toBeHidden();
});

test("a patient sees their own released documents only, and can open them", async ({ open, world }) => {
  const mine = ["referral-letter.pdf", "wound-photo.png", "home-exercises.csv"];
  const releases = [...mine, "knee-xray.jpg"].map((name) => world.documents[name]).filter((one) => one !== undefined);
  for (const { id, released } of releases) if (!released) await world.server.api("PUT", `/api/docs/${id}/release`, { token: world.token, body: { state: "released" } });
  const page = await open("/storage", "test-patient");
  await expect(page.getByRole("heading", { name: "My documents" })).toBeVisible();
  expect(await pages(page)).toEqual(["My documents"]);
  await expect(rows(page)).toHaveCount(mine.length);
  await expect(page.getByText("knee-xray.jpg")).toBeHidden();
  await page.getByRole("button", { name: /wound-photo/ }).click();
  await expect(page.getByRole("img", { name: "wound-photo.png" })).toBeVisible();
  expect(await page.getByRole("dialog").getByRole("tab").allTextContents()).toEqual(["Preview", "Details"]);
  await page.getByRole("tab", { name: "Details" }).click();
  await expect(page.getByText("Object key")).toBeHidden();
  await expect(page.getByRole("button", { name: "More actions" })).toBeHidden();
  await page.goto(`${world.server.url}/storage/mine?doc=${world.documents["knee-xray.jpg"]?.id}`);
  await expect(page.getByRole("dialog").getByRole("alert")).toBeVisible();
  const first = world.documents["wound-photo.png"];
  await world.server.api("PUT", `/api/docs/${first?.id}/release`, { token: world.token, body: { state: "withdrawn", reason: "made up" } });
  await page.goto(`${world.server.url}/storage/mine`);
  await expect(rows(page)).toHaveCount(mine.length - 1);
  await world.server.api("PUT", `/api/docs/${first?.id}/release`, { token: world.token, body: { state: "released" } });
  expect(first?.patientId).toBe(PATIENT);
});
