/** What is known of a document. */
import { Code } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, data, type Document } from "../../api";
import { Facts, type Row } from "../../parts/Facts";
import { Id, size, When } from "../../parts/format";
import { useRole } from "../../session";
import { Patient } from "./Rows";
import { category, RELEASES } from "./words";

export function Details({ document: d }: { document: Document }) {
  const is = useRole();
  const inside = is("admin", "clinician", "staff");
  const rows: Row[] = [
    ["Id", <Id id={d.id} />],
    ["Patient", inside && (d.patientId ? <Patient id={d.patientId} /> : "none")],
    ["Category", category(d.category)],
    ["Belongs to", d.entityType && `${d.entityType} ${d.entityId ?? ""}`],
    ["Type", d.contentType],
    ["Size", `${d.sizeIsLimit ? "at most " : ""}${size(d.size)}${d.size < 1000 ? "" : ` (${d.size.toLocaleString()} bytes)`}`],
    ["SHA-256", d.sha256 && <Code style={{ overflowWrap: "anywhere" }}>{d.sha256}</Code>],
    ["Uploaded", <><When at={d.createdAt} /> by {d.uploadedBy}</>],
    ["Confirmed", d.confirmedAt && <When at={d.confirmedAt} />],
    ["Last changed", <When at={d.updatedAt} />],
    ["Why it is so", d.stateReason],
    ["Scanner", inside && d.scanVerdict && <>{d.scanVerdict}{d.scannedAt && <>, <When at={d.scannedAt} /></>}</>],
    ["For the patient", inside && d.patientId && (RELEASES[d.release] ?? d.release)],
    ["Legal hold", d.onHold && (is("admin") ? <Hold id={d.id} /> : "yes: it cannot be erased")],
    ["Temporary", d.temporary && "yes: it is removed by itself"],
    ["Kept until", d.retainUntil && <When at={d.retainUntil} />],
    ["In the trash since", d.deletedAt && <When at={d.deletedAt} />],
    ["Erased", d.purgedAt && <When at={d.purgedAt} />],
    ["Stored", inside && `${d.storageProvider}: ${d.bucket}`],
    ["Object key", inside && <Code style={{ overflowWrap: "anywhere" }}>{d.key}</Code>],
  ];
  return <Facts rows={rows} />;
}

function Hold({ id }: { id: string }) {
  const hold = useQuery({ queryKey: ["hold", id], queryFn: () => data(api.GET("/api/docs/{id}/hold", { params: { path: { id } } })) });
  if (!hold.data) return <>it cannot be erased</>;
  return <>{hold.data.reason}{hold.data.since && <>, since <When at={hold.data.since} /></>}{hold.data.by && ` by ${hold.data.by}`}</>;
}
