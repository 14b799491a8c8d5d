// Asks Strongroom for a ticket on the page's behalf. The API key stays here.

/** Who is signed in, and whose record they are looking at: your app knows. */
function session() {
  return { user: "dr-test", role: "clinician", patientId: "test-patient" };
}

export async function POST() {
  const { user, role, patientId } = session();
  const made = await fetch(`${process.env.STRONGROOM_URL}/api/uppy/tickets`, {
    method: "POST",
    cache: "no-store",
    headers: {
      "content-type": "application/json",
      "x-api-key": process.env.STRONGROOM_KEY ?? "",
      "x-acting-user": user,
      "x-acting-role": role,
    },
    body: JSON.stringify({ patientId, category: "lab-results", maxFiles: 10 }),
  });
  return Response.json(await made.json(), { status: made.status });
}
