// What an app's TypeScript has to find, whichever way it looks modules up.
import { type Document, FileUploader, PatientRecords, type Texts } from "@strongroom/uploader";
import { createClient, StrongroomError } from "@strongroom/uploader/client";
import { forgetUploads, type StrongroomUploaderElement } from "@strongroom/uploader/elements";
import { unseal } from "@strongroom/uploader/seal";

export const words: Partial<Texts> = { drop: "Dateien hier ablegen" };
export const codeOf = (error: unknown) => (error instanceof StrongroomError ? error.code : undefined);
export const name = ({ filename }: Document): string => filename;
export const client = createClient({ endpoint: "https://files.example.com" });
export const all = [FileUploader, PatientRecords, unseal, forgetUploads];
export const tokenOf = (element: StrongroomUploaderElement) => element.token;
