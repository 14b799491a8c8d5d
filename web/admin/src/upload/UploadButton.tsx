/** On a page: a button to upload, and files may be dropped anywhere. For those who may hand something in. */
import { Button } from "@mantine/core";
import { IconUpload } from "@tabler/icons-react";
import { useEffect } from "react";
import { useRole } from "../session";
import { type Target, useUploading } from "./Uploading";

export function UploadButton({ patientId }: Target) {
  const may = useRole()("admin", "clinician", "staff", "patient");
  const { offer, open } = useUploading();
  useEffect(() => (may ? offer(patientId ? { patientId } : {}) : undefined), [may, offer, patientId]);
  if (!may) return null;
  return <Button leftSection={<IconUpload size={16} />} onClick={() => open(patientId ? { patientId } : {})}>Upload</Button>;
}
