// A client for the whole API, typed by the server's own contract (openapi.json).
import createFetchClient, {
  type ClientOptions,
  type FetchResponse,
  type HeadersOptions,
  type MaybeOptionalInit,
  type Middleware,
} from "openapi-fetch";
import type {
  HttpMethod,
  MediaType,
  PathsWithMethod,
  RequiredKeysOf,
} from "openapi-typescript-helpers";
import { errorOf, unreachable } from "./errors.js";
import type { components, paths } from "./schema.js";

export { type ErrorCode, type Problem, StrongroomError } from "./errors.js";
export type { components, operations, paths } from "./schema.js";

export type Schemas = components["schemas"];
/** A document, as the API shows it. */
export type Document = Schemas["Document"];

/** A value, or how to get it when it is needed. */
export type Lazy<T> = T | (() => T | Promise<T>);

/** Where the server is, and who is calling. */
export interface Connection {
  /** The server's address, `https://files.example.com`; left out: the page's own origin. */
  endpoint?: string | undefined;
  /** A short-lived token (JWT) of the person, or how to get one. */
  token?: Lazy<string | undefined> | undefined;
  /** Other headers, where your app's proxy wants them. */
  headers?: Lazy<Record<string, string>> | undefined;
}

type Succeeded<R> = Extract<R, { error?: never }>;
type Init<I> = RequiredKeysOf<I> extends never
  ? [(I & { [key: string]: unknown })?]
  : [I & { [key: string]: unknown }];
type Call<Method extends HttpMethod> = <
  Path extends PathsWithMethod<paths, Method>,
  Options extends MaybeOptionalInit<paths[Path], Method>,
>(
  path: Path,
  ...init: Init<Options>
) => Promise<
  Succeeded<
    FetchResponse<
      paths[Path] extends Record<Method, infer Operation extends Record<string | number, unknown>>
        ? Operation
        : never,
      Options,
      MediaType
    >
  >
>;

/** `await client.GET("/api/docs/{id}", { params: { path: { id } } })`; errors are thrown. */
export interface StrongroomClient {
  GET: Call<"get">;
  POST: Call<"post">;
  PUT: Call<"put">;
  PATCH: Call<"patch">;
  DELETE: Call<"delete">;
  HEAD: Call<"head">;
}

async function valueOf<T>(lazy: Lazy<T> | undefined): Promise<T | undefined> {
  return typeof lazy === "function" ? await (lazy as () => T | Promise<T>)() : lazy;
}

/** Says who is calling, and throws what the server refuses. */
function manners({ token, headers }: Connection): Middleware {
  return {
    async onRequest({ request }) {
      for (const [name, value] of Object.entries((await valueOf(headers)) ?? {})) {
        request.headers.set(name, value);
      }
      const bearer = await valueOf(token);
      if (bearer) request.headers.set("authorization", `Bearer ${bearer}`);
      return request;
    },
    async onResponse({ response }) {
      if (!response.ok) throw await errorOf(response);
      return response;
    },
    onError({ error }) {
      if (error instanceof DOMException && error.name === "AbortError") return error;
      return unreachable(error);
    },
  };
}

/**
 * A client for the whole API. Every call answers `{ data, response }` or throws a
 * `StrongroomError`. Without a token the cookie of the page's own origin goes along.
 */
export function createClient(connection: Connection = {}, more: ClientOptions = {}): StrongroomClient {
  const baseUrl = (connection.endpoint ?? "").replace(/\/+$/, "");
  const client = createFetchClient<paths>({ credentials: "same-origin", ...more, baseUrl });
  client.use(manners(connection));
  return client as unknown as StrongroomClient;
}

export type { HeadersOptions };
