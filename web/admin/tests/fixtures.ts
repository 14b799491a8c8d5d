// What every test has: a real server with people and documents, and a page that must not complain.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { type BrowserContext, expect, type Page, test as base } from "@playwright/test";
import { startServer } from "../../testing/server.mjs";
import type { components } from "../src/schema";

export { expect } from "@playwright/test";

export type Server = Awaited<ReturnType<typeof startServer>>;
export type Document = components["schemas"]["Document"];

export const PASSWORD = "correct horse battery";
/** Whose documents there are. */
export const PATIENT = "test-patient-one";
export const OTHER = "test-patient-two";

export const sample = (name: string) => readFileSync(fileURLToPath(new URL(`../../../samples/${name}`, import.meta.url)));
export const sha256 = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

const TYPES: Record<string, string> = { pdf: "application/pdf", png: "image/png", jpg: "image/jpeg", txt: "text/plain", csv: "text/csv", svg: "image/svg+xml", dcm: "application/dicom", heic: "image/heic", tiff: "image/tiff" };

export interface Upload {
  bytes: Buffer;
  filename: string;
  category?: string;
  patientId?: string | undefined;
  /** The document that it is a newer version of. */
  supersedes?: string;
}

/** Through the server, in one call. */
export async function upload(server: Server, token: string, { bytes, filename, category = "medical-records", patientId = PATIENT, supersedes }: Upload): Promise<Document> {
  const form = new FormData();
  form.append("category", category);
  if (supersedes) form.append("supersedes", supersedes);
  form.append("file", new Blob([new Uint8Array(bytes)], { type: TYPES[filename.split(".").at(-1) ?? ""] ?? "application/octet-stream" }), filename);
  const sent = await fetch(`${server.url}/api/patients/${patientId}/records`, { method: "POST", headers: { authorization: `Bearer ${token}` }, body: form });
  if (!sent.ok) throw new Error(`${filename}: ${sent.status} ${await sent.text()}`);
  const { id } = (await sent.json()) as { id: string };
  return server.api("GET", `/api/docs/${id}`, { token });
}

export interface World {
  server: Server;
  /** A token of an administrator. */
  token: string;
  /** By file name. */
  documents: Record<string, Document>;
}

const FILES: [string, string, string][] = [
  ["referral-letter.pdf", "medical-records", PATIENT],
  ["wound-photo.png", "imaging", PATIENT],
  ["knee-xray.jpg", "imaging", OTHER],
  ["notes.txt", "intake-forms", OTHER],
  ["home-exercises.csv", "other", PATIENT],
];

/** A server with somebody of each role, and a few documents of two patients. */
export async function makeWorld(vars: Record<string, string | undefined> = {}): Promise<World> {
  const server = await startServer({ vars });
  const token = await server.token({ user: "test-setup", role: "admin" });
  for (const role of ["admin", "clinician", "staff", "auditor", "patient"]) {
    const name = `test-${role}`;
    await server.api("POST", "/api/users", { token, body: { name, role, patientIds: role === "patient" ? [PATIENT] : [] } });
    await server.api("PUT", `/api/users/${name}/password`, { token, body: { password: PASSWORD } });
  }
  const documents: Record<string, Document> = {};
  for (const [filename, category, patientId] of FILES) {
    documents[filename] = await upload(server, token, { bytes: sample(filename), filename, category, patientId });
  }
  return { server, token, documents };
}

/** The rows of a table that have come. */
export const rows = (page: Page) => page.locator("tbody tr:not([aria-hidden])");

/** The cookie of somebody's session, as the page of the log-in gets it. */
export async function signIn(context: BrowserContext, url: string, who: string) {
  const answer = await context.request.post(`${url}/api/session`, { data: { username: who, password: PASSWORD }, headers: { origin: url } });
  expect(answer.status()).toBe(204);
}

/** What a page said that it should not: errors, and calls to another host. Refusals are said to people, not here. */
export function complaintsOf(page: Page, url: () => string): string[] {
  const complaints: string[] = [];
  page.on("pageerror", (error) => complaints.push(error.message));
  page.on("console", (message) => {
    const refusal = message.text().startsWith("Failed to load resource");
    if (["error", "warning"].includes(message.type()) && !refusal) complaints.push(message.text());
  });
  page.on("request", (request) => {
    const to = request.url();
    if (!to.startsWith(url()) && !/^(blob|data):/.test(to)) complaints.push(`a call to ${to}`);
  });
  return complaints;
}

export const test = base.extend<{ open: (path: string, who?: string) => Promise<Page> }, { world: World }>({
  world: [async ({}, use) => {
    const world = await makeWorld();
    await use(world);
    await world.server.stop();
  }, { scope: "worker" }],
  /** Opens a page as somebody; at the end it must not have complained. */
  open: async ({ context, page, world }, use) => {
    const complaints = complaintsOf(page, () => world.server.url);
    let signedIn = "";
    await use(async (path, who = "test-admin") => {
      if (signedIn !== who) await signIn(context, world.server.url, who);
      signedIn = who;
      await page.goto(world.server.url + path);
      return page;
    });
    expect(complaints).toEqual([]);
  },
});
