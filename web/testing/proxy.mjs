// The line between browser and server, so that a test can slow it down, hold or cut it: a TCP proxy on a port
// of its own. `rate` is bytes a second towards the server (0: as fast as it goes).
import { connect, createServer } from "node:net";

export async function startLine(port, target) {
  const { port: behind } = new URL(target);
  const open = new Set();
  const waiting = [];
  const line = {
    url: `http://127.0.0.1:${port}`,
    rate: 0,
    broken: false,
    held: false,
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
    release() {
      line.held = false;
      for (const go of waiting.splice(0)) go();
    },
    stop() {
      for (const socket of open) socket.destroy();
      return new Promise((resolve) => server.close(resolve));
    },
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
  const server = createServer((near) => {
    if (line.broken) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(Number(behind), "127.0.0.1");
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
    const pass = (bytes) => {
      if (line.held) {
        near.pause();
        waiting.push(() => {
          near.resume();
          pass(bytes);
        });
      } else if (!far.write(bytes)) {
        near.pause();
        far.once("drain", () => near.resume());
      } else pace(near, bytes.length);
    };
    near.on("data", pass);
    far.pipe(near);
  });
  await new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  return line;
}
