/** Lists of documents that are about one thing. */
import { Select } from "@mantine/core";
import { IconFiles, IconGavel, IconShieldCheck, IconTrash } from "@tabler/icons-react";
import { useState } from "react";
import { Empty } from "../parts/states";
import { useSession } from "../session";
import { UploadButton } from "../upload/UploadButton";
import { DocumentList } from "./documents/Documents";

export function Trash() {
  return (
    <DocumentList title="Trash" fixed={{ state: "deleted" }} without={["state"]} own={["deleted", "erasure"]} about="Nobody can open these; they can be taken out again until they are erased."
      empty={<Empty icon={IconTrash} title="The trash is empty">Documents that are deleted wait here before they are erased.</Empty>} />
  );
}

export function Quarantine() {
  return (
    <DocumentList title="Quarantine" fixed={{ state: "quarantined" }} without={["state", "release"]} own={["found"]} about="What the scanner did not let pass. Nobody can open these, not even you."
      empty={<Empty icon={IconShieldCheck} title="Nothing is in quarantine">What the scanner does not let pass is kept here, out of everybody&rsquo;s reach.</Empty>} />
  );
}

export function Holds() {
  return (
    <DocumentList title="Legal holds" fixed={{ held: "yes", state: "every" }} own={["reason", "held"]} about="These cannot be erased until their hold is lifted, whatever retention and the trash say."
      empty={<Empty icon={IconGavel} title="Nothing is under legal hold">Put a document under hold from its panel; then nobody and nothing erases it.</Empty>} />
  );
}

export function Mine() {
  const { patientIds = [] } = useSession();
  const [patientId, setPatientId] = useState(patientIds[0] ?? "");
  return (
    <>
      {patientIds.length > 1 && <Select label="Whose documents" data={patientIds} value={patientId} allowDeselect={false} onChange={(to) => to && setPatientId(to)} mb="md" maw={280} />}
      <DocumentList key={patientId} title="My documents" fixed={{ state: "available", patientId, held: "" }} without={["state", "patient", "release", "uploader"]}
        action={patientId && <UploadButton patientId={patientId} />}
        empty={<Empty icon={IconFiles} title="No documents yet">What your clinic releases to you will stand here. To hand something in, drop it anywhere on this page.</Empty>} />
    </>
  );
}
