// Asks Strongroom for a ticket on the page's behalf. The API key stays here.
import { session } from "../../../lib/session";

export async function POST() {
  // A ticket is leave to upload into a patient's record: only for who is signed in here, only for whose record they
  // may open. What the page says of itself is not asked.
  const who = await session();
  if (!who) return Response.json({ detail: "Sign in first." }, { status: 401 });
  const made = await fetch(`${process.env.STRONGROOM_URL}/api/uppy/tickets`, {
    method: "POST",
    cache: "no-store",
    headers: {
      "content-type": "application/json",
      "x-api-key": process.env.STRONGROOM_KEY ?? "",
      "x-acting-user": who.user,
      "x-acting-role": who.role,
    },
    body: JSON.stringify({ patientId: who.patientId, category: "lab-results", maxFiles: 10 }),
  });
  return Response.json(await made.json(), { status: made.status });
}
