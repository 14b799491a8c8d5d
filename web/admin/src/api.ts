/** The server's API, typed by its own contract. */
import createClient, { type Middleware } from "openapi-fetch";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];
export type Document = Schemas["Document"];
export type Problem = Schemas["Problem"];

/** What the server said was wrong; `message` is for people. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly fields: Record<string, string>,
    readonly requestId: string | undefined,
  ) {
    super(message);
  }
}

/** What the server said of single fields of a form. */
export function fieldErrors(error: unknown): Record<string, string> {
  return error instanceof ApiError ? error.fields : {};
}

/** Called when the session is over, so that the page can ask who is there. */
let onSignedOut: () => void = () => undefined;
export function whenSignedOut(call: () => void) {
  onSignedOut = call;
}

const errors: Middleware = {
  async onResponse({ request, response }) {
    lastCall = Date.now();
    if (response.ok) return response;
    throw await problemOf(response, new URL(request.url).pathname);
  },
  onError: unreachable,
};

export async function problemOf(response: Response, asked: string): Promise<ApiError> {
  const problem = (await response.clone().json().catch(() => ({}))) as Partial<Problem>;
  if (response.status === 401 && asked !== "/api/session" && asked !== "/api/setup") onSignedOut();
  const text = problem.detail ?? `The server answered ${response.status}.`;
  return new ApiError(response.status, problem.code ?? "unknown", text, problem.errors ?? {}, problem.requestId);
}

function unreachable() {
  return new ApiError(0, "unreachable", "The server cannot be reached. Check the connection and try again.", {}, undefined);
}

/** When the server last heard of us: a session lives as long as it is used. */
let lastCall = 0;
export function sinceLastCall(): number {
  return Date.now() - lastCall;
}

/** A call that is no JSON, with the same errors; `also`: a status that is an answer, too. */
export async function answerOf(call: Promise<Response>, also?: number): Promise<Response> {
  const response = await call.catch(() => { throw unreachable(); });
  lastCall = Date.now();
  if (!response.ok && response.status !== also) throw await problemOf(response, new URL(response.url).pathname);
  return response;
}

export const api = createClient<paths>({ baseUrl: "/", credentials: "same-origin" });
api.use(errors);

/** The answer's body; errors were thrown before. */
export async function data<T>(call: Promise<{ data?: T }>): Promise<T> {
  return (await call).data as T;
}
