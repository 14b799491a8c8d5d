// In place of your sign-in: whoever opens the page is signed in as the doctor of the demo.
import { NextResponse } from "next/server";
import { COOKIE, DEMO } from "./lib/session";

export function proxy() {
  const answer = NextResponse.next();
  answer.cookies.set(COOKIE, DEMO, { httpOnly: true, sameSite: "strict" });
  return answer;
}

export const config = { matcher: "/" };
