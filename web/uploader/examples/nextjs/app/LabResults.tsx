"use client";
import { type Document, FileUploader } from "@strongroom/uploader";
import { useState } from "react";

export function LabResults() {
  const [added, setAdded] = useState<Document[]>([]);
  return (
    <>
      <FileUploader
        ticketUrl="/api/ticket"
        maxFiles={10}
        onUploadComplete={(document) => setAdded((all) => [...all, document])}
        onError={(error) => console.error(error.code, error.requestId)}
      />
      <p role="status">
        {added.length > 0 && `Added: ${added.map(({ filename }) => filename).join(", ")}`}
      </p>
    </>
  );
}
