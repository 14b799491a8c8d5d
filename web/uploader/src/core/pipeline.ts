// Uppy's core and its S3 plugin, spoken to the server's door. Each file is announced before the plugin
// sees it, and from there always "resumed": the plugin asks which parts are there and sends the rest.
// So a retry, a pause and a reload are one and the same, and nothing that is there is sent twice.
//
// Version 5 of the plugin, not 6: against a Companion version 6 sends no header, shows of a refusal
// no more than the status line (which HTTP/2 does not have) and never signs a part again.
import AwsS3 from "@uppy/aws-s3";
import Uppy from "@uppy/core";
import type { Door, OpenUpload } from "./door.js";
import { partSize } from "./rules.js";
import { sendPart } from "./send-part.js";

export type Meta = Record<string, unknown>;
export type Body = Record<string, unknown>;
export type Pipeline = Uppy<Meta, Body>;

/** Parts under way at once, of all files together. */
const AT_ONCE = 4;

/** What the plugin's calls are answered with. */
export interface Steps {
  /** Announces the file, or finds the upload it goes on with; and the bytes to send. */
  prepare(id: string): Promise<{ open: OpenUpload; bytes: Blob }>;
  /** The door and the upload of a file. */
  of(id: string): { door: Door; open: OpenUpload };
  /** Every part is there. */
  finishing(id: string): void;
  /** The parts are one document. */
  finished(id: string, door: Door, open: OpenUpload): Promise<void>;
}

/** Of a document nothing is left to send; the server does not look at how its parts are called any more. */
function everyPart(size: number) {
  const length = Math.max(1, Math.ceil(size / partSize(size)));
  return Array.from({ length }, (_, at) => ({ PartNumber: at + 1, Size: 0, ETag: "there" }));
}

export function makePipeline(steps: Steps): Pipeline {
  // File names do not belong into consoles either, which other scripts collect.
  const logger = { debug: () => undefined, warn: () => undefined, error: () => undefined };
  const uppy: Pipeline = new Uppy<Meta, Body>({ autoProceed: false, logger });
  uppy.addPreProcessor(async (ids) => {
    for (const id of ids) {
      const { open, bytes } = await steps.prepare(id);
      if (!uppy.getFile(id)) continue;
      uppy.setFileState(id, { s3Multipart: open, data: bytes, size: bytes.size } as never);
    }
  });
  uppy.use(AwsS3<Meta, Body>, {
    limit: AT_ONCE,
    shouldUseMultipart: true,
    getChunkSize: ({ size }: { size: number }) => partSize(size),
    createMultipartUpload: (file) => steps.of(file.id).open,
    listParts: async (file, { signal }) => {
      const { door, open } = steps.of(file.id);
      return (await door.sent(open, signal)) ?? everyPart(file.size ?? 0);
    },
    signPart: (file, { partNumber, signal }) => {
      const { door, open } = steps.of(file.id);
      return door.sign(open, partNumber, signal);
    },
    completeMultipartUpload: async (file, { parts, signal }) => {
      const { door, open } = steps.of(file.id);
      steps.finishing(file.id);
      const sent = parts.map(({ PartNumber, ETag }) => ({
        PartNumber: PartNumber ?? 0,
        ETag: ETag ?? "",
      }));
      const { location } = await door.complete(open, sent, signal);
      await steps.finished(file.id, door, open);
      return { location };
    },
    uploadPartBytes: sendPart,
    // Giving up is this package's own decision: the plugin would also do it after an error.
    abortMultipartUpload: () => undefined,
  });
  return uppy;
}
