// What this package knows by itself is what the contract says.
import { readFileSync } from "node:fs";
import { expect, test } from "@playwright/test";
import { createClient, StrongroomError } from "../src/client/index.js";
import { formatLimit } from "../src/core/format.js";
import { maxSizeOf } from "../src/core/refusal.js";
import { extensionOf, isAccepted, kinds, partSize, TYPES } from "../src/core/rules.js";
import { beforeSealing, KNOWN, type Limits, takenOf } from "../src/core/taken.js";
import { CATEGORIES } from "../src/core/types.js";
import { SEALED } from "../src/core/sealed.js";
import { startServer } from "../../testing/server.mjs";

const contract = JSON.parse(
  readFileSync(new URL("../../../openapi.json", import.meta.url), "utf8"),
);
const { PresignUploadRequest } = contract.components.schemas;

test("the types that are let through are those of the contract", () => {
  const pattern = new RegExp(PresignUploadRequest.properties.contentType.pattern);
  // Sealed files are taken where the operator says so, and only the server can tell.
  const known = [...Object.keys(TYPES), SEALED];
  for (const type of known) expect(type).toMatch(pattern);
  const count = String(pattern).split("|").length;
  expect(known).toHaveLength(count);
});

test("the categories are those of the contract", () => {
  const all: string[] = PresignUploadRequest.properties.category.enum;
  const aliases = ["lab_results", "medical_records", "prescription", "forms", "billing", null];
  expect(all.filter((one) => !aliases.includes(one))).toEqual([...CATEGORIES]);
});

test("an app can narrow the types by type, family or extension", () => {
  expect(isAccepted("image/png", ["image/*"])).toBe(true);
  expect(isAccepted("application/dicom", [".dcm"])).toBe(true);
  expect(isAccepted("application/pdf", ["image/*", ".dcm"])).toBe(false);
  expect(kinds([".pdf", "image/*"])).toBe("PDF, images");
  expect(extensionOf("a.b.PDF")).toBe("pdf");
});

test("a file of any size has at most 10,000 parts of at least 5 MiB", () => {
  for (const size of [1, 5e6, 1e8, 5e9, 5e12]) {
    expect(partSize(size)).toBeGreaterThanOrEqual(5 * 1024 * 1024);
    expect(Math.ceil(size / partSize(size))).toBeLessThanOrEqual(10_000);
  }
});

/** Limits of a server where a text may be smaller than other files. */
const LIMITS: Limits = {
  types: [
    { contentType: "image/png", extensions: ["png"], maxBytes: 1e7, maxBytesInParts: 5e9 },
    { contentType: "text/plain", extensions: ["txt"], maxBytes: 1e7, maxBytesInParts: 2e7 },
    { contentType: SEALED, extensions: ["age"], maxBytes: 1e7, maxBytesInParts: 3e9 },
  ],
  maxBytesInParts: 5e9,
  categories: [{ category: "insurance", maxBytes: 1e6 }],
};

test("the smallest limit that concerns a file holds, and before the server has told one the app's does", () => {
  const taken = takenOf(LIMITS);
  expect(maxSizeOf({ category: "imaging" }, taken)).toBe(5e9);
  expect(maxSizeOf({ category: "insurance" }, taken)).toBe(1e6);
  expect(maxSizeOf({ category: "imaging" }, taken, { category: "insurance" })).toBe(1e6);
  expect(maxSizeOf({ category: "imaging" }, taken, { type: "text/plain" })).toBe(2e7);
  expect(maxSizeOf({ category: "insurance" }, taken, { type: "text/plain" })).toBe(1e6);
  expect(maxSizeOf({ accept: [".txt"] }, taken)).toBe(2e7);
  expect(maxSizeOf({ accept: [".txt", "image/*"] }, taken)).toBe(5e9);
  // What is sealed is of no other type any more.
  expect(maxSizeOf({}, beforeSealing(taken), { type: "text/plain" })).toBe(3e9);
  expect(maxSizeOf({ category: "insurance", maxSize: 10 }, taken)).toBe(10);
  expect(maxSizeOf({ maxSize: 10 }, KNOWN)).toBe(10);
  expect(maxSizeOf({}, KNOWN)).toBe(undefined);
});

test("a limit is never shown as more than it is", () => {
  const shown = (bytes: number) => formatLimit(bytes).replace("\u00a0", " ");
  expect(shown(5 * 1024 ** 3)).toBe("5 GB");
  expect(shown(20 * 1024 ** 2)).toBe("20 MB");
  expect(shown(10_000_000)).toBe("10 MB");
  expect(shown(2_990_000)).toBe("2.9 MB");
  expect(shown(125_900_000)).toBe("125 MB");
  expect(shown(5_399_000_000)).toBe("5.3 GB");
  expect(shown(999)).toBe("999 bytes");
});

test("the client calls the whole API and throws what the server says as one type", async () => {
  const server = await startServer();
  try {
    const token = await server.token({ user: "test-admin", role: "admin" });
    const client = createClient({ endpoint: server.url, token: () => token });
    const { data } = await client.GET("/api/docs", { params: { query: { limit: 5 } } });
    expect(data.items).toEqual([]);
    // What pages show before they have asked is what this server would tell them.
    const { data: limits } = await client.GET("/api/docs/limits");
    expect(takenOf(limits).types).toEqual(TYPES);

    const wrong = { filename: "a.pdf", contentType: "application/pdf", size: 0, sha256: "x" };
    const refused = await client
      .POST("/api/docs/presign-upload", { body: wrong as never })
      .catch((error: unknown) => error);
    expect(refused).toBeInstanceOf(StrongroomError);
    expect(refused).toMatchObject({ status: 422, code: "invalid_fields" });
    const { fields, requestId } = refused as StrongroomError;
    expect(Object.keys(fields)).toContain("sha256");
    expect(requestId).toBeTruthy();

    const nobody = createClient({ endpoint: "http://127.0.0.1:1" });
    const unheard = await nobody.GET("/api/session").catch((error: unknown) => error);
    expect(unheard).toMatchObject({ code: "unreachable", status: 0, temporary: true });
  } finally {
    await server.stop();
  }
});
