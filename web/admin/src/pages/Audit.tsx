/** The trail of the clinic: who asked for what, and what came of it. */
import { Badge, Button, Code, Drawer, Group, Select, Skeleton, Stack, Table, Text, TextInput, Title, UnstyledButton } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { api, data, type Schemas } from "../api";
import { Id, When } from "../parts/format";
import { Empty, Failed } from "../parts/states";

type Event = Schemas["AuditEvent"];
const COLORS: Record<string, string> = { granted: "teal", denied: "red", failed: "orange" };
const FIELDS = [["actor", "Who"], ["action", "Action"], ["patientId", "Patient"], ["targetId", "Document or other id"], ["requestId", "Request"]] as const;

export default function Audit() {
  const [params, setParams] = useSearchParams();
  const [event, setEvent] = useState<Event>();
  const change = (name: string, value: string) => setParams((old) => {
    const next = new URLSearchParams(old);
    if (value) next.set(name, value);
    else next.delete(name);
    return next;
  }, { replace: true });
  const [asked] = useDebouncedValue(Object.fromEntries(params), 300);
  const { from, to, ...words } = asked;
  const query = { ...words, ...(from && { from: new Date(from).toISOString() }), ...(to && { to: new Date(to).toISOString() }) };
  const pages = useInfiniteQuery({
    queryKey: ["audit", query],
    queryFn: ({ pageParam }) => data(api.GET("/api/audit", { params: { query: { ...query, limit: 100, ...(pageParam && { cursor: pageParam }) } } })),
    initialPageParam: "",
    getNextPageParam: (last) => last.nextCursor ?? undefined,
  });
  const events = pages.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <Title order={1} size="h2" mb="sm">Audit</Title>
      <Group gap="xs" align="flex-end" mb="sm" role="search">
        {FIELDS.map(([name, label]) => (
          <TextInput key={name} label={label} size="sm" w={{ base: "48%", xs: 170 }} value={params.get(name) ?? ""} onChange={(e) => change(name, e.currentTarget.value)} />
        ))}
        <Select label="Outcome" size="sm" clearable w={{ base: "48%", xs: 130 }} placeholder="all" data={Object.keys(COLORS)} value={params.get("outcome")} onChange={(to) => change("outcome", to ?? "")} />
        <TextInput label="From" type="datetime-local" size="sm" value={params.get("from") ?? ""} onChange={(e) => change("from", e.currentTarget.value)} />
        <TextInput label="To" type="datetime-local" size="sm" value={params.get("to") ?? ""} onChange={(e) => change("to", e.currentTarget.value)} />
        {params.size > 0 && <Button variant="subtle" color="gray" onClick={() => setParams({})}>Clear</Button>}
      </Group>
      {pages.error && <Failed error={pages.error} retry={() => void pages.refetch()} />}
      {!pages.error && !pages.isPending && events.length === 0 && <Empty title="No events fit" />}
      {(pages.isPending || events.length > 0) && <Events events={events} waiting={pages.isPending} open={setEvent} />}
      {pages.hasNextPage && <Group justify="center" my="md"><Button size="xs" variant="light" loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>Show more</Button></Group>}
      <Drawer opened={event !== undefined} onClose={() => setEvent(undefined)} position="right" size="md" title="One event" closeButtonProps={{ "aria-label": "Close" }}>
        {event && <OneEvent event={event} />}
      </Drawer>
    </>
  );
}

function Events({ events, waiting, open }: { events: Event[]; waiting: boolean; open: (event: Event) => void }) {
  return (
    <Table.ScrollContainer minWidth={760}>
      <Table highlightOnHover verticalSpacing={5} stickyHeader>
        <Table.Thead><Table.Tr><Table.Th>When</Table.Th><Table.Th>Who</Table.Th><Table.Th>Action</Table.Th><Table.Th>Outcome</Table.Th><Table.Th>On</Table.Th><Table.Th>Patient</Table.Th></Table.Tr></Table.Thead>
        <Table.Tbody>
          {waiting && Array.from({ length: 10 }, (_, row) => <Table.Tr key={row}><Table.Td colSpan={6}><Skeleton h={20} /></Table.Td></Table.Tr>)}
          {events.map((event) => (
            <Table.Tr key={event.id}>
              <Table.Td><UnstyledButton fz="sm" onClick={() => open(event)} aria-label="Show this event"><When at={event.at} /></UnstyledButton></Table.Td>
              <Table.Td maw={200}><Text size="sm" truncate>{event.actor.onBehalfOf ?? event.actor.id}</Text></Table.Td>
              <Table.Td><Text size="sm">{event.action}</Text></Table.Td>
              <Table.Td><Badge variant="light" tt="none" color={COLORS[event.outcome] ?? "gray"}>{event.outcome}</Badge></Table.Td>
              <Table.Td>{event.targetId ? <Group gap={4} wrap="nowrap"><Text size="sm">{event.targetKind}</Text><Id id={event.targetId} /></Group> : <Text size="sm">{event.targetKind}</Text>}</Table.Td>
              <Table.Td maw={160}><Text size="sm" truncate>{event.patientId}</Text></Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function OneEvent({ event }: { event: Event }) {
  return (
    <Stack gap="sm">
      <Text size="sm">{event.actor.id} ({event.actor.kind}) asked for <b>{event.action}</b>, <When at={event.at} />.</Text>
      <Code block style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{JSON.stringify(event, null, 2)}</Code>
    </Stack>
  );
}
