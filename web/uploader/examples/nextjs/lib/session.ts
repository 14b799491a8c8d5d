// Who is signed in, and whose record they have open. Your app knows; here a cookie of the demo says it.
import { cookies } from "next/headers";

export interface Session {
  user: string;
  role: string;
  patientId: string;
}

export const COOKIE = "demo-session";
/** In place of your sessions: the one of a doctor who has the record of Test Patient open. */
export const DEMO = "dr-test";

/** The session of a request; nothing where nobody is signed in. */
export async function session(): Promise<Session | undefined> {
  const cookie = (await cookies()).get(COOKIE)?.value;
  return cookie === DEMO ? { user: "dr-test", role: "clinician", patientId: "test-patient" } : undefined;
}
