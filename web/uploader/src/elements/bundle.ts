// <strongroom-uploader> and <strongroom-patient-records>: one file that carries what it needs.
import { FileUploader } from "../react/FileUploader.js";
import { PatientRecords } from "../react/PatientRecords.js";
import { asFlag, asList, asNumber, asText, elementOf } from "./element.js";

/** For signing out, as with the components. */
export { forgetUploads } from "../core/resume.js";

const properties = ["token", "headers", "getTicket", "texts"];

const uploader = () =>
  elementOf(
    FileUploader,
    {
      endpoint: asText,
      "ticket-url": asText,
      category: asText,
      "entity-type": asText,
      "entity-id": asText,
      multiple: asFlag,
      "max-files": asNumber,
      "max-size": asNumber,
      accept: asList,
      "auto-start": asFlag,
      supersedes: asText,
      "seal-for": asList,
      temporary: asFlag,
      resumable: asFlag,
      label: asText,
      locale: asText,
    },
    properties,
    { "upload-complete": "onUploadComplete", "upload-error": "onError" },
  );

const records = () =>
  elementOf(
    PatientRecords,
    {
      endpoint: asText,
      "patient-id": asText,
      category: asText,
      "allow-delete": asFlag,
      "allow-upload": asFlag,
      "seal-for": asList,
      label: asText,
      locale: asText,
    },
    properties,
    { "records-error": "onError" },
  );

function define(name: string, made: () => CustomElementConstructor) {
  if (!customElements.get(name)) customElements.define(name, made());
}

// A server that draws pages imports this, too; there are no elements there.
if (typeof customElements !== "undefined") {
  define("strongroom-uploader", uploader);
  define("strongroom-patient-records", records);
}
