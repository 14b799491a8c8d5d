// A bucket on the Garage store that scripts/with-stores starts, made and opened to pages as a user does it: with
// the AWS CLI, and the CORS rule of docs/object-stores.md.
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Beside the Python of the tests, which scripts/test-tools brings. */
const python = process.env.STRONGROOM_TEST_PYTHON ?? here("../../target/test-venv/bin/python");
const aws = join(dirname(python), "aws");

/** Where the store is, and an access key that may make buckets. */
export function garage() {
  const told = process.env.STRONGROOM_TEST_GARAGE;
  if (!told) {
    throw new Error("STRONGROOM_TEST_GARAGE is not set: run it as `scripts/with-stores web/test`.");
  }
  const [endpoint, region, id, secret] = told.split(",");
  return { endpoint, region, id, secret };
}

/** The rule that the documentation gives, for other pages than its example's; `more` goes over it. */
async function corsRules(origins, more = {}) {
  const page = await readFile(here("../../docs/object-stores.md"), "utf8");
  const rule = /^ {4}(\[\{ "AllowedOrigins"[^]*?\}\])$/m.exec(page)?.[1];
  if (!rule) throw new Error("docs/object-stores.md has no CORS rule any more");
  return JSON.parse(rule).map((one) => ({ ...one, AllowedOrigins: origins, ...more }));
}

/**
 * A new bucket that pages of these origins may write to. `endpoint` is what the server and browsers reach the
 * store by.
 *
 * @param {{ origins: string[], endpoint: string }} options
 */
export async function makeBucket({ origins, endpoint }) {
  const account = garage();
  const name = `web-${randomUUID()}`;
  const env = {
    ...process.env,
    AWS_ACCESS_KEY_ID: account.id,
    AWS_SECRET_ACCESS_KEY: account.secret,
    AWS_DEFAULT_REGION: account.region,
    AWS_ENDPOINT_URL: account.endpoint,
  };
  const s3api = async (...args) => {
    const { stdout } = await run(aws, ["s3api", ...args, "--bucket", name, "--output", "json"], { env });
    return stdout.trim() ? JSON.parse(stdout) : {};
  };
  await s3api("create-bucket");
  const letIn = async (pages, more) => {
    const rules = JSON.stringify({ CORSRules: await corsRules(pages, more) });
    await s3api("put-bucket-cors", "--cors-configuration", rules);
  };
  await letIn(origins);
  return {
    name,
    /** Other CORS rules: for pages of these origins, and what of the documentation's rule is different. */
    letIn,
    /** The variables that make a server use it. */
    vars: {
      STORAGE_PROVIDER: "s3",
      S3_ENDPOINT: endpoint,
      S3_BUCKET: name,
      S3_REGION: account.region,
      S3_ACCESS_KEY: account.id,
      S3_SECRET_KEY: account.secret,
    },
    /** Every object's key. */
    keys: async () => ((await s3api("list-objects-v2")).Contents ?? []).map(({ Key }) => Key),
    /** The uploads in parts that have not ended. */
    open: async () => ((await s3api("list-multipart-uploads")).Uploads ?? []).map(({ Key }) => Key),
  };
}
