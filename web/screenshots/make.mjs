// The pictures of the README, from the running product: a server with its made-up clinic, looked at by a
// browser. The program is STRONGROOM_BIN, else target/debug/strongroom; the browser is the machine's.
//
//     npm run screenshots        (in web/, after `make web` and a build of the binary)
import { mkdir, stat } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { chromium } from "@playwright/test";
import { startServer } from "../testing/server.mjs";

const OUT = fileURLToPath(new URL("../../docs/images/", import.meta.url));
/** No picture may be larger, in bytes: they are fetched by everybody who looks at the README. */
const MOST = 150_000;
const PASSWORD = "correct horse battery";
const PATIENT = "test-patient-one";

const PICTURES = [
  { name: "overview", path: "/storage", scheme: "light" },
  { name: "documents", path: "/storage/documents", scheme: "light", marked: ["knee-xray.jpg", "wound-photo.png"] },
  { name: "document", path: "/storage/documents", scheme: "light", document: "referral-letter.pdf" },
  { name: "patient", path: `/storage/patients/${PATIENT}`, scheme: "light" },
  { name: "audit", path: "/storage/audit", scheme: "dark" },
  { name: "phone", path: "/storage/documents", scheme: "dark", width: 390, height: 780 },
];

/** A day's work, so that there is something to see. */
async function prepare(server) {
  const token = await server.token({ user: "test-admin", role: "admin" });
  const api = (method, path, body) => server.api(method, path, { token, body });
  while (!(await server.log()).includes("the demo clinic is filled in")) await new Promise((resolve) => setTimeout(resolve, 200));
  const { items } = await api("GET", "/api/docs?limit=100");
  const of = (filename, patientId) => items.find((one) => one.filename === filename && one.patientId === patientId);
  await api("DELETE", `/api/docs/${of("notes.txt", "test-patient-two").id}`);
  await api("PUT", `/api/docs/${of("treatment-plan.docx", PATIENT).id}/hold`, { reason: "A made-up dispute" });
  await api("PUT", `/api/docs/${of("chest-ct.dcm", PATIENT).id}/release`, { state: "withdrawn", reason: "Not yet discussed" });
  await api("POST", "/api/keys", { name: "portal", role: "service", expiresInDays: 7 });
  const clinician = await server.token({ user: "test-clinician" });
  for (const name of ["referral-letter.pdf", "knee-xray.jpg"]) await server.api("GET", `/api/docs/${of(name, PATIENT).id}/download`, { token: clinician });
  return (name) => of(name, PATIENT).id;
}

async function take(browser, url, idOf, { name, path, scheme, document, marked = [], width = 1280, height = 800 }) {
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, locale: "en-GB", reducedMotion: "reduce" });
  const signIn = await context.request.post(`${url}/api/session`, { data: { username: "admin", password: PASSWORD }, headers: { origin: url } });
  if (!signIn.ok()) throw new Error(`signing in: ${signIn.status()}`);
  const page = await context.newPage();
  await page.goto(url + path + (document ? `?doc=${idOf(document)}` : ""));
  await page.waitForLoadState("networkidle");
  if (document) await page.locator("canvas[data-drawn]").waitFor();
  for (const one of marked) await page.getByLabel(`Mark ${one}`).first().check();
  await page.evaluate(() => window.document.activeElement?.blur());
  // Nothing that is only under the pointer, and nothing on its way.
  await page.mouse.move(width - 1, height - 1);
  await page.evaluate(() => Promise.all(window.document.getAnimations().map((one) => one.finished.catch(() => undefined))));
  const file = `${OUT}${name}.png`;
  await page.screenshot({ path: file });
  await context.close();
  const { size } = await stat(file);
  console.log(`${name}.png ${Math.round(size / 1000)} kB`);
  if (size > MOST) throw new Error(`${name}.png is larger than ${MOST / 1000} kB`);
}

const server = await startServer({ args: ["--demo"] });
const browser = await chromium.launch({ executablePath: process.env.STRONGROOM_TEST_CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
try {
  await mkdir(OUT, { recursive: true });
  await server.user({ name: "admin", password: PASSWORD });
  const idOf = await prepare(server);
  for (const picture of PICTURES) await take(browser, server.url, idOf, picture);
} finally {
  await browser.close();
  await server.stop();
}
