import { FileUploader } from "@strongroom/uploader";
import React from "react";
import { createRoot } from "react-dom/client";
import "@strongroom/uploader/style.css";

const { endpoint, token } = Object.fromEntries(new URLSearchParams(location.search));
window.told = { done: [], failed: [], react: React.version };
createRoot(document.getElementById("root")).render(
  <React.StrictMode>
    <FileUploader
      endpoint={endpoint}
      token={token}
      category="lab-results"
      entityType="patient"
      entityId="patient-of-app"
      onUploadComplete={(document) => window.told.done.push(document)}
      onError={({ code }) => window.told.failed.push(code)}
    />
  </React.StrictMode>,
);
