// The requests of one HTTP/1.1 connection as they pass by, one after the other (browsers do not send the next one before
// the last is answered). Only as much is read as tells the parts of files from all else.

/** What a head says of its request: how many bytes follow, and which part of a file they are. */
function read(head) {
  const [first = "", ...fields] = head.split("\r\n");
  const [method, target = ""] = first.split(" ");
  const length = fields.find((field) => /^content-length:/i.test(field))?.split(":")[1];
  const isChunked = fields.some((field) => /^transfer-encoding:.*chunked/i.test(field));
  const number = method === "PUT" && /[?&]partNumber=(\d+)/.exec(target)?.[1];
  return {
    // Where it does not say how long it is, it ends with its answer.
    left: isChunked ? Number.POSITIVE_INFINITY : Number(length ?? 0),
    ...(number && { part: { number: Number(number), whole: false } }),
  };
}

/** Told what is sent and what is answered, it tells which request that belongs to, as far as it is known by then. */
export function requestsOf() {
  let head = "";
  let current;
  const isOver = () => current?.status !== undefined && [0, Number.POSITIVE_INFINITY].includes(current.left);
  return {
    sent(bytes) {
      let body = bytes.length;
      if (!current || isOver()) {
        head += bytes.toString("latin1");
        const end = head.indexOf("\r\n\r\n");
        if (end < 0) return undefined;
        current = read(head.slice(0, end));
        body = head.length - end - 4;
        head = "";
      }
      current.left = Math.max(0, current.left - body);
      return current;
    },
    answered(bytes) {
      const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(bytes.subarray(0, 16).toString("latin1"))?.[1]);
      if (current && status >= 200) current.status = status;
      return current;
    },
  };
}
