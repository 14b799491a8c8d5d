/** The trail of the clinic: who asked for what, and what came of it. */
import { Badge, Button, Drawer, Group, Select, Table, Text, TextInput, Title, UnstyledButton } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useInfiniteQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useSearchParams } from "react-router";
import { FilterBar } from "../../parts/FilterBar";
import { Id, timeOf, When } from "../../parts/format";
import { Empty, Failed, WaitingRows } from "../../parts/states";
import { More } from "../documents/Documents";
import { Typed } from "../documents/Filters";
import { ACTIONS, inWords, isAction } from "./actions";
import { type Event, ofClinic, type Search } from "./events";
import { Export } from "./Export";
import { OneEvent } from "./OneEvent";
import type { Fact } from "./Report";
import { FILTERS, onPaper, OUTCOMES, whoOf } from "./words";

/** Those that are typed, the first apart. */
const FIELDS = ["patientId", "targetId", "requestId"];

export default function Audit() {
  const [params, setParams] = useSearchParams();
  const [event, setEvent] = useState<Event>();
  const change = (name: string, value: string) => setParams((old) => {
    const next = new URLSearchParams(old);
    if (value) next.set(name, value);
    else next.delete(name);
    return next;
  }, { replace: true });
  // The params themselves: an object made here would be another one each time, and be waited for for ever.
  const [rested] = useDebouncedValue(params, 200);
  const { from, to, action, ...words } = Object.fromEntries(rested);
  const time = (name: string) => {
    const text = params.get(name) ?? "";
    return timeOf(new Date(text)) ? text : "";
  };
  const [begin, end] = [from, to].map((text) => text && timeOf(new Date(text)));
  const query: Search = { ...words, ...(isAction(action) && { action }), ...(begin && { from: begin }), ...(end && { to: end }) };
  const source = ofClinic(query);
  const pages = useInfiniteQuery({
    queryKey: ["audit", query],
    queryFn: ({ pageParam, signal }) => source({ limit: 100, ...(pageParam && { cursor: pageParam }) }, signal),
    initialPageParam: "",
    getNextPageParam: (last) => last.nextCursor ?? undefined,
  });
  const field = (name: string) => <Typed key={name} label={FILTERS[name] ?? name} w={{ base: name === "actor" ? "100%" : "48%", xs: name === "targetId" ? 124 : 100 }} value={params.get(name) ?? ""} onChange={(text) => change(name, text.trim())} />;
  const events = pages.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <>
      <Group justify="space-between" mb="sm"><Title order={1} size="h2">Audit</Title><Export source={source} title="Audit report" about={aboutOf(query)} /></Group>
      <FilterBar first={field("actor")} any={params.size > 0} inside={[...params.keys()].some((name) => name !== "actor")} clear={() => setParams({})}>
        <Select label="Action" size="sm" searchable clearable w={{ base: "48%", xs: 120 }} comboboxProps={{ width: 270, position: "bottom-start" }} placeholder="all" nothingFoundMessage="No action is called so"
          data={Object.entries(ACTIONS).map(([value, label]) => ({ value, label }))} value={params.get("action")} onChange={(to) => change("action", to ?? "")} />
        {FIELDS.map(field)}
        <Select label="Outcome" size="sm" clearable w={{ base: "48%", xs: 110 }} placeholder="all" data={Object.keys(OUTCOMES)} value={params.get("outcome")} onChange={(to) => change("outcome", to ?? "")} />
        <TextInput label="From" type="datetime-local" size="sm" w={{ base: "100%", xs: 186 }} value={time("from")} onChange={(e) => change("from", e.currentTarget.value)} />
        <TextInput label="To" type="datetime-local" size="sm" w={{ base: "100%", xs: 186 }} value={time("to")} onChange={(e) => change("to", e.currentTarget.value)} />
      </FilterBar>
      {pages.error && !pages.isFetchNextPageError && <Failed error={pages.error} retry={() => pages.refetch()} />}
      {!pages.error && !pages.isPending && events.length === 0 && <Empty icon={IconSearch} title="No events fit"><Button size="xs" mt="xs" variant="light" onClick={() => setParams({})}>Clear the filters</Button></Empty>}
      {(pages.isPending || events.length > 0) && <Events events={events} waiting={pages.isPending} open={setEvent} />}
      {events.length > 0 && <More pages={pages} shown={events.length} />}
      <Drawer opened={event !== undefined} onClose={() => setEvent(undefined)} position="right" size="md" title="One event" closeButtonProps={{ "aria-label": "Close" }}>
        {event && <OneEvent event={event} narrow={(name, value) => { setEvent(undefined); setParams({ [name]: value }); }} />}
      </Drawer>
    </>
  );
}

/** What was asked for, in words. */
function aboutOf({ from, to, ...words }: Search): Fact[] {
  const said = Object.entries(words).map(([name, value]) => `${FILTERS[name] ?? name}: ${value}`);
  return [
    ["Period", `${from ? `from ${onPaper(from)}` : "from the beginning"} ${to ? `to ${onPaper(to)}` : "to now"}`],
    ["Filter", said.join("\n") || "none: every event"],
  ];
}

function Events({ events, waiting, open }: { events: Event[]; waiting: boolean; open: (event: Event) => void }) {
  return (
    <Table highlightOnHover verticalSpacing={5}>
      <Table.Thead><Table.Tr><Table.Th>When</Table.Th><Table.Th visibleFrom="sm">Who</Table.Th><Table.Th visibleFrom="sm">Action</Table.Th><Table.Th>Outcome</Table.Th><Table.Th visibleFrom="sm">On</Table.Th><Table.Th visibleFrom="md">Patient</Table.Th></Table.Tr></Table.Thead>
      <Table.Tbody>
        {waiting && <WaitingRows rows={10} wide={6} />}
        {events.map((event) => {
          const who = whoOf(event);
          return (
            <Table.Tr key={event.id}>
              <Table.Td maw={220}>
                <UnstyledButton fz="sm" onClick={() => open(event)} maw="100%" style={{ display: "block" }}>
                  <When at={event.at} exact />
                  <Text size="xs" c="dimmed" hiddenFrom="sm" truncate>{inWords(event.action)}, {who}</Text>
                </UnstyledButton>
              </Table.Td>
              <Table.Td maw={200} visibleFrom="sm"><Text size="sm" truncate>{who}</Text></Table.Td>
              <Table.Td visibleFrom="sm"><Text size="sm" title={event.action}>{inWords(event.action)}</Text></Table.Td>
              <Table.Td><Badge color={OUTCOMES[event.outcome] ?? "gray"}>{event.outcome}</Badge></Table.Td>
              <Table.Td visibleFrom="sm">{event.targetId ? <Group gap={4} wrap="nowrap"><Text size="sm">{event.targetKind}</Text><Id id={event.targetId} bare /></Group> : <Text size="sm">{event.targetKind}</Text>}</Table.Td>
              <Table.Td maw={160} visibleFrom="md"><Text size="sm" truncate>{event.patientId}</Text></Table.Td>
            </Table.Tr>
          );
        })}
      </Table.Tbody>
    </Table>
  );
}
