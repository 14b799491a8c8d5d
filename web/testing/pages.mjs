// Pages of an app, from an origin of their own: folders of files, and routes that a test answers.
import { readFile } from "node:fs/promises";
import { createServer, request as ask } from "node:http";
import { extname, join, normalize } from "node:path";

const TYPES = {
  ".css": "text/css; charset=utf-8",
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".json": "application/json",
  ".map": "application/json",
  ".svg": "image/svg+xml",
};

async function bodyOf(request) {
  const pieces = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces).toString();
}

/** Hands a request on to the server behind, and its answer back. */
function handOn(request, answer, behind) {
  const { method, url: path, headers } = request;
  const asked = ask(new URL(path, behind), { method, headers }, (got) => {
    answer.writeHead(got.statusCode, got.headers);
    got.pipe(answer);
  });
  asked.on("error", () => answer.destroy());
  request.pipe(asked);
}

/**
 * `folders` are looked into in turn; `routes` are `"POST /path": async ({ body, headers }) => answer`, whose
 * answer is sent as JSON; `headersOf(url)` go with a page; what is found nowhere goes to `behind`.
 *
 * @param {{
 *   port: number, folders: string[], behind?: string,
 *   routes?: Record<string, (asked: { body: string, headers: object }) => Promise<unknown>>,
 *   headersOf?: (url: URL) => object,
 * }} options
 */
export async function startPages({ port, folders, routes = {}, headersOf = () => ({}), behind }) {
  const find = async (path) => {
    for (const folder of folders) {
      const file = join(folder, normalize(path));
      const bytes = await readFile(file).catch(() => undefined);
      if (bytes) return { bytes, type: TYPES[extname(file)] ?? "application/octet-stream" };
    }
    return undefined;
  };
  const server = createServer(async (request, answer) => {
    const url = new URL(request.url ?? "/", "http://pages");
    const { pathname } = url;
    const route = routes[`${request.method} ${pathname}`];
    try {
      if (route) {
        const told = await route({ body: await bodyOf(request), headers: request.headers });
        answer.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(told));
        return;
      }
      const found = await find(pathname.endsWith("/") ? `${pathname}index.html` : pathname);
      if (found) {
        answer.writeHead(200, { "content-type": found.type, ...headersOf(url) });
        answer.end(found.bytes);
      } else if (behind) handOn(request, answer, behind);
      else answer.writeHead(404).end();
    } catch (error) {
      answer.writeHead(502, { "content-type": "text/plain" }).end(String(error));
    }
  });
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return {
    url: `http://127.0.0.1:${port}`,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
