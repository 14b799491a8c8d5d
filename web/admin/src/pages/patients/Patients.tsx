/** Finding a patient: by id, or among those whose documents came last. */
import { Anchor, Button, Group, Stack, Table, Text, TextInput, Title } from "@mantine/core";
import { IconSearch, IconUsers } from "@tabler/icons-react";
import { type FormEvent, useMemo, useState } from "react";
import { Link, useNavigate } from "react-router";
import type { Document } from "../../api";
import { When } from "../../parts/format";
import { Empty, Failed, WaitingRows } from "../../parts/states";
import { useDocuments } from "../documents/Documents";
import { category } from "../documents/words";

/** How many of the newest documents the list is made of. */
const NEWEST = 200;
const ALL = { q: "", patientId: "", category: [], state: "available", type: "", from: "", to: "", held: "", sort: "-created" };

export const patientPath = (id: string) => `/storage/patients/${encodeURIComponent(id)}`;

export default function Patients() {
  const navigate = useNavigate();
  const [id, setId] = useState("");
  const { pages, items } = useDocuments(ALL, NEWEST);
  const patients = useMemo(() => lately(items), [items]);
  const go = (event: FormEvent) => {
    event.preventDefault();
    if (id.trim()) void navigate(patientPath(id.trim()));
  };
  return (
    <Stack>
      <Title order={1} size="h2">Patients</Title>
      <form onSubmit={go} role="search">
        <Group align="flex-end" gap="xs" wrap="nowrap">
          <TextInput label="Patient's id" description="As your app names them" flex={{ base: 1, xs: "0 0 320px" }} maxLength={128} value={id} leftSection={<IconSearch size={15} />} onChange={(e) => setId(e.currentTarget.value)} />
          <Button type="submit" variant={id.trim() ? "filled" : "default"}>Open</Button>
        </Group>
      </form>
      <Title order={2} size="h4" mt="sm">With the newest documents</Title>
      {pages.error && <Failed error={pages.error} retry={() => pages.refetch()} />}
      {!pages.isPending && !pages.error && patients.length === 0 && <Empty icon={IconUsers} title="No patient has documents that you may see">They stand here once something was uploaded for them. By their id above you open a patient of whom there is nothing yet.</Empty>}
      {(pages.isPending || patients.length > 0) && (
        <Table highlightOnHover verticalSpacing={6}>
          <Table.Thead><Table.Tr><Table.Th>Patient</Table.Th><Table.Th visibleFrom="sm">Newest document</Table.Th><Table.Th visibleFrom="sm">Category</Table.Th><Table.Th>Uploaded</Table.Th></Table.Tr></Table.Thead>
          <Table.Tbody>
            {pages.isPending && <WaitingRows wide={4} />}
            {patients.map((newest) => (
              <Table.Tr key={newest.patientId}>
                <Table.Td maw={{ base: 0, sm: 220 }} w={{ base: "100%", sm: "auto" }}><Anchor size="sm" fw={550} truncate component={Link} to={patientPath(newest.patientId)} display="block">{newest.patientId}</Anchor></Table.Td>
                <Table.Td maw={300} visibleFrom="sm"><Text size="sm" truncate>{newest.filename}</Text></Table.Td>
                <Table.Td visibleFrom="sm"><Text size="sm">{category(newest.category)}</Text></Table.Td>
                <Table.Td><Text size="sm" component="span"><When at={newest.createdAt} /></Text></Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Stack>
  );
}

type OfPatient = Document & { patientId: string };

/** The newest document of each patient, in the order they came. */
function lately(items: Document[]): OfPatient[] {
  const seen = new Map<string, OfPatient>();
  for (const item of items) if (item.patientId && !seen.has(item.patientId)) seen.set(item.patientId, { ...item, patientId: item.patientId });
  return [...seen.values()].slice(0, 30);
}
