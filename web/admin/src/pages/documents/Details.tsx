import { Code, Table, Text } from "@mantine/core";
import type { ReactNode } from "react";
import type { Document } from "../../api";
import { Id, size, When } from "../../parts/format";
import { CATEGORIES } from "./words";

export function Details({ document: d }: { document: Document }) {
  const rows: [string, ReactNode][] = [
    ["Id", <Id id={d.id} />],
    ["Patient", d.patientId ?? "none"],
    ["Category", CATEGORIES[d.category] ?? d.category],
    ["Belongs to", d.entityType && `${d.entityType} ${d.entityId ?? ""}`],
    ["Type", d.contentType],
    ["Size", `${size(d.size)} (${d.size.toLocaleString()} bytes)`],
    ["SHA-256", d.sha256 && <Code style={{ overflowWrap: "anywhere" }}>{d.sha256}</Code>],
    ["Uploaded", <><When at={d.createdAt} /> by {d.uploadedBy}</>],
    ["Confirmed", d.confirmedAt && <When at={d.confirmedAt} />],
    ["Last changed", <When at={d.updatedAt} />],
    ["Why it is so", d.stateReason],
    ["Scanner", d.scanVerdict && <>{d.scanVerdict}{d.scannedAt && <>, <When at={d.scannedAt} /></>}</>],
    ["For the patient", d.release],
    ["Legal hold", d.onHold ? "yes: it cannot be erased" : undefined],
    ["Kept until", d.retainUntil && <When at={d.retainUntil} />],
    ["In the trash since", d.deletedAt && <When at={d.deletedAt} />],
    ["Erased", d.purgedAt && <When at={d.purgedAt} />],
    ["Stored", `${d.storageProvider}: ${d.bucket}`],
    ["Object key", <Code style={{ overflowWrap: "anywhere" }}>{d.key}</Code>],
  ];
  return (
    <Table variant="vertical" layout="fixed" verticalSpacing={6}>
      <Table.Tbody>
        {rows.filter(([, value]) => value).map(([name, value]) => (
          <Table.Tr key={name}>
            <Table.Th w={132}><Text size="sm" c="dimmed">{name}</Text></Table.Th>
            <Table.Td><Text size="sm" component="div" style={{ overflowWrap: "anywhere" }}>{value}</Text></Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
