// What a server does with the package: every entry is imported, pages are drawn.
import { createClient, StrongroomError } from "@strongroom/uploader/client";
import { seal, unseal } from "@strongroom/uploader/seal";
import { FileUploader, PatientRecords } from "@strongroom/uploader";
import "@strongroom/uploader/elements";
import { createElement } from "react";
import { renderToString } from "react-dom/server";

const { STRONGROOM_URL, STRONGROOM_KEY } = process.env;
const headers = { "x-api-key": STRONGROOM_KEY, "x-acting-user": "dr-test", "x-acting-role": "clinician" };
const client = createClient({ endpoint: STRONGROOM_URL, headers });
const { data } = await client.GET("/api/docs/limits");
const refused = await client
  .GET("/api/docs/{id}", { params: { path: { id: "00000000-0000-4000-8000-000000000000" } } })
  .catch((error) => error);

console.log(
  JSON.stringify({
    types: data.types.length,
    refused: refused instanceof StrongroomError && refused.status,
    seals: [typeof seal, typeof unseal],
    uploader: renderToString(createElement(FileUploader, { ticketUrl: "/ticket" })),
    records: renderToString(createElement(PatientRecords, { patientId: "test-patient" })),
  }),
);
