// An app's backend in one file: it serves a page, and asks Strongroom for a ticket on the page's behalf.
// The API key stays here.
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";

const { STRONGROOM_URL = "http://127.0.0.1:8080", STRONGROOM_KEY, PORT = "3000" } = process.env;
if (!STRONGROOM_KEY) throw new Error("Set STRONGROOM_KEY; see README.md.");

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const script = "text/javascript; charset=utf-8";
const files = {
  "/": [here("public/index.html"), "text/html; charset=utf-8"],
  "/page.js": [here("public/page.js"), script],
  "/strongroom.js": [fileURLToPath(import.meta.resolve("@strongroom/uploader/elements")), script],
};

/** In place of your sign-in: whoever opens the page is signed in as the doctor of the demo. */
const sessions = new Map();
function signIn() {
  const id = randomUUID();
  sessions.set(id, { user: "dr-test", role: "clinician", patientId: "test-patient" });
  return `session=${id}; HttpOnly; SameSite=Strict; Path=/`;
}

/** Who is signed in, and whose record they have open; nothing where nobody is. */
function session(request) {
  return sessions.get(/(?:^|; )session=([^;]+)/.exec(request.headers.cookie ?? "")?.[1]);
}

/** A ticket is leave to upload into the record that this person has open; what the page says is not asked. */
async function ticket({ user, role, patientId }) {
  return fetch(`${STRONGROOM_URL}/api/uppy/tickets`, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-api-key": STRONGROOM_KEY,
      "x-acting-user": user,
      "x-acting-role": role,
    },
    body: JSON.stringify({ patientId, category: "lab-results", maxFiles: 10 }),
  });
}

createServer(async (request, answer) => {
  try {
    if (request.method === "POST" && request.url === "/api/ticket") {
      const who = session(request);
      if (!who) return void answer.writeHead(401).end();
      const made = await ticket(who);
      answer.writeHead(made.status, { "content-type": made.headers.get("content-type") });
      answer.end(await made.text());
      return;
    }
    const [path, type] = files[request.url] ?? [];
    if (!path) return void answer.writeHead(404).end();
    answer.writeHead(200, { "content-type": type, ...(request.url === "/" && { "set-cookie": signIn() }) });
    answer.end(await readFile(path));
  } catch (error) {
    console.error(error);
    answer.writeHead(502).end();
  }
}).listen(Number(PORT), "127.0.0.1", () => console.log(`http://localhost:${PORT}`));
