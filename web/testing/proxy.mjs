// The line between browser and server, so that a test can slow it down, hold or cut it, and knows which parts of
// files went over it: a TCP proxy on a port of its own that reads along. `rate` is bytes a second towards the server
// (0: as fast as it goes).
import { connect, createServer } from "node:net";
import { requestsOf } from "./requests.mjs";

/**
 * A part of a file on its way: its number, whether all of it went to the server, and what the server's answer was,
 * as far as it was handed on.
 *
 * @typedef {{ number: number, whole: boolean, status?: number }} Part
 */

const numbers = (parts) => parts.map(({ number }) => number).sort((a, b) => a - b);

export async function startLine(port, target) {
  const { port: behind } = new URL(target);
  const open = new Set();
  const waiting = [];
  const line = {
    url: `http://127.0.0.1:${port}`,
    rate: 0,
    broken: false,
    held: false,
    /** How many more parts of files may go to the server; those after them wait. */
    more: Number.POSITIVE_INFINITY,
    /** The answers to so many parts are lost, with their connections. */
    losing: 0,
    /** @type {Part[]} Every part of a file that was let through, in turn. */
    parts: [],
    /** The numbers of the parts that were answered well, in order. */
    answered: () => numbers(line.parts.filter(({ status }) => status === 200)),
    /** The numbers of those of which every byte went to the server, in order. */
    arrived: () => numbers(line.parts.filter(({ whole }) => whole)),
    /** Ends every connection and takes no new ones. */
    cut() {
      line.broken = true;
      for (const socket of open) socket.resetAndDestroy();
    },
    mend() {
      line.broken = false;
    },
    /** Lets nothing more through towards the server; connections stay. */
    hold() {
      line.held = true;
    },
    /** Lets so many more parts of files through, and all that is no part. */
    letParts(count) {
      line.more = count;
      goOn();
    },
    /** How many connections wait for leave to go on. */
    waits: () => waiting.filter(({ isOver }) => !isOver()).length,
    release() {
      line.held = false;
      line.letParts(Number.POSITIVE_INFINITY);
    },
    /** As it was in the beginning. */
    reset() {
      Object.assign(line, { rate: 0, losing: 0, parts: [] });
      line.mend();
      line.release();
    },
    stop() {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
  };
  const goOn = () => {
    for (const { go } of waiting.splice(0)) go();
  };
  // What all connections together have sent is paced: each waits its turn.
  let free = 0;
  const pace = (near, bytes) => {
    if (line.rate === 0) return;
    const now = Date.now();
    free = Math.max(free, now) + (bytes / line.rate) * 1000;
    near.pause();
    setTimeout(() => near.resume(), free - now);
  };
  /** Whether what comes may go on: each part is counted once. */
  const mayGo = (request) => {
    if (line.held) return false;
    if (!request?.part || request.isLet) return true;
    if (line.more < 1) return false;
    line.more -= 1;
    request.isLet = true;
    line.parts.push(request.part);
    return true;
  };
  const server = createServer((near) => {
    if (line.broken) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(Number(behind), "127.0.0.1");
    const requests = requestsOf();
    /** What waits for leave to go on. */
    const kept = [];
    for (const socket of [near, far]) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.on("error", () => undefined);
      socket.on("close", () => {
        open.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    const pass = (bytes, request) => {
      if (near.destroyed) return;
      if (kept.length > 0 || !mayGo(request)) {
        // Read on, for else nobody would hear that the browser gave it up.
        if (kept.length === 0) waiting.push({ go: () => passKept(), isOver: () => near.destroyed });
        kept.push([bytes, request]);
      } else if (!far.write(bytes)) {
        near.pause();
        far.once("drain", () => near.resume());
      } else pace(near, bytes.length);
      if (request?.part && request.isLet) request.part.whole = request.left === 0;
    };
    const passKept = () => {
      for (const one of kept.splice(0)) pass(...one);
    };
    near.on("data", (bytes) => pass(bytes, requests.sent(bytes)));
    far.on("data", (bytes) => {
      const request = requests.answered(bytes);
      if (request?.part && request.status && line.losing > 0) {
        line.losing -= 1;
        near.resetAndDestroy();
        return;
      }
      if (request?.part && !near.destroyed) request.part.status = request.status;
      if (!near.write(bytes)) {
        far.pause();
        near.once("drain", () => far.resume());
      }
    });
    far.on("end", () => near.end());
    near.on("end", () => far.end());
  });
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return line;
}
