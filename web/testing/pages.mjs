// Pages of an app, from an origin of their own: folders of files, and routes that a test answers.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
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

/**
 * `folders` are looked into in turn; `routes` are `"POST /path": async ({ body, headers }) => answer`, whose
 * answer is sent as JSON; `headers` go with every page.
 */
export async function startPages({ port, folders, routes = {}, headers = {} }) {
  const find = async (path) => {
    for (const folder of folders) {
      const file = join(folder, normalize(path));
      const bytes = await readFile(file).catch(() => undefined);
      if (bytes) return { bytes, type: TYPES[extname(file)] ?? "application/octet-stream" };
    }
    return undefined;
  };
  const server = createServer(async (request, answer) => {
    const { pathname } = new URL(request.url ?? "/", "http://pages");
    const route = routes[`${request.method} ${pathname}`];
    try {
      if (route) {
        const told = await route({ body: await bodyOf(request), headers: request.headers });
        answer.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(told));
        return;
      }
      const found = await find(pathname.endsWith("/") ? `${pathname}index.html` : pathname);
      if (!found) answer.writeHead(404).end();
      else answer.writeHead(200, { "content-type": found.type, ...headers }).end(found.bytes);
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
