/** The checks of the self-test: the server's, told one by one, and what only a browser can see. */
import { answerOf, api, data, type Schemas } from "../../api";

export type Check = Schemas["SelfTestCheck"];
type Tell = (check: Check) => void;

/** The server's last line, with the worst verdict: without it the test broke off. */
const LAST = "summary";

/** Asks the server to try everything; tells of each check as its line comes. */
export async function serverChecks(tell: Tell, signal: AbortSignal): Promise<void> {
  const begun = performance.now();
  const { body } = await answerOf(fetch("/api/v2/aws/s3/test", { method: "POST", credentials: "same-origin", signal }));
  let whole = false;
  for await (const check of checksOf(body, signal)) {
    if (check.name === LAST) whole = true;
    else tell(check);
  }
  if (whole || signal.aborted) return;
  const advice = "look into the server's log: it was ended, or a proxy before it ends answers that take long";
  tell({ name: "broken off", verdict: "fail", seen: "the server did not say that it had tried everything", do: advice, tookMs: Math.round(performance.now() - begun) });
}

/** A line of JSON each; an answer that breaks in the middle just ends. */
async function* checksOf(body: Response["body"], signal: AbortSignal): AsyncGenerator<Check> {
  const reader = body?.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = (await reader?.read().catch(() => undefined)) ?? { done: true, value: undefined };
    const lines = (rest + (value ?? "")).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) yield JSON.parse(line) as Check;
    if (done || signal.aborted) return;
  }
}

const TEXT = "A file that the self-test of the document room sent from a browser.\n";

/** One upload from this page, in parts as the pages make it, and its way out again. */
export async function browserChecks(tell: Tell): Promise<void> {
  const bytes = new TextEncoder().encode(TEXT);
  const begun = await step(tell, "browser: allowed", "the session may upload", async () => {
    const body = { filename: "self-test.txt", contentType: "text/plain", size: bytes.length, temporary: true };
    const { id, uploadId } = await data(api.POST("/api/docs/multipart", { body }));
    const signed = await data(api.POST("/api/docs/multipart/{uploadId}/parts", { params: { path: { uploadId } }, body: { partNumbers: [1] } }));
    const [part] = signed.parts;
    if (!part) throw new Error("the server signed no part");
    return { seen: `a presigned part to ${new URL(part.url).host}`, id, uploadId, part };
  });
  if (!begun) return;
  const { id, uploadId, part } = begun;
  const upload = { params: { path: { uploadId } } };
  const cors = `the bucket's CORS rules must allow ${location.origin}, PUT and GET, and the headers of the upload, and expose ETag`;
  const put = await step(tell, "browser: upload", cors, async () => {
    const answer = await fetch(part.url, { method: "PUT", headers: sendable(part.headers), body: bytes });
    if (!answer.ok) throw new Error(`the store answers ${answer.status}: ${code(await answer.text())}`);
    const etag = answer.headers.get("etag");
    if (!etag) throw new Error("the part was sent, but the store does not show its ETag to this page");
    return { seen: `${bytes.length} bytes went straight from this page to the store, and its ETag came back`, etag };
  });
  if (!put) return void (await api.DELETE("/api/docs/multipart/{uploadId}", upload).catch(() => undefined));
  const confirmed = await step(tell, "browser: confirm", "the store must give the server what a page has sent", async () => {
    const document = await data(api.POST("/api/docs/multipart/{uploadId}/complete", { ...upload, body: { parts: [{ partNumber: 1, etag: put.etag }] } }));
    return { seen: `it is a document now: ${document.state}`, state: document.state };
  });
  if (!confirmed) return;
  if (confirmed.state !== "available") {
    const seen = `the document is ${confirmed.state} and given to nobody; as a temporary one it goes by itself`;
    return tell({ name: "browser: download", verdict: "skipped", seen, tookMs: 0 });
  }
  const path = { id };
  await step(tell, "browser: download", cors, async () => {
    const link = await data(api.GET("/api/docs/{id}/download", { params: { path } }));
    const answer = await fetch(link.url);
    if (!answer.ok || (await answer.text()) !== TEXT) throw new Error(`the store answers ${answer.status}, or with other bytes`);
    return { seen: "the same bytes came back by a presigned URL" };
  });
  await step(tell, "browser: clean-up", "delete the document self-test.txt by hand", async () => {
    await api.DELETE("/api/docs/{id}", { params: { path, query: { permanent: true } } });
    return { seen: "the document is destroyed; its row says that it was there" };
  });
}

/** A browser sets the length itself and lets nobody else do it. */
function sendable(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== "content-length"));
}

/** S3's own word for what is wrong. */
function code(xml: string): string {
  return /<Code>([^<]*)<\/Code>/.exec(xml)?.[1] ?? "no reason given";
}

async function step<T extends { seen: string }>(tell: Tell, name: string, advice: string, work: () => Promise<T>): Promise<T | undefined> {
  const begun = performance.now();
  const took = () => Math.round(performance.now() - begun);
  try {
    const done = await work();
    tell({ name, verdict: "ok", seen: done.seen, tookMs: took() });
    return done;
  } catch (error) {
    const seen = error instanceof TypeError ? "the browser did not let the request through (its console says why)" : String(error instanceof Error ? error.message : error);
    tell({ name, verdict: "fail", seen, do: advice, tookMs: took() });
    return undefined;
  }
}
