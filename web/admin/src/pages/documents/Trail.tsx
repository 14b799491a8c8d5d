import { Badge, Group, Stack, Table, Text } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { Fragment } from "react";
import type { Document } from "../../api";
import { Empty, Failed, Waiting } from "../../parts/states";
import { inWords } from "../audit/actions";
import { type Event, ofDocument } from "../audit/events";
import { Export } from "../audit/Export";
import { OUTCOMES, whoOf } from "../audit/words";
import { More } from "./Documents";

const onDay = new Intl.DateTimeFormat(undefined, { dateStyle: "full" });
const byClock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium" });
const dayOf = ({ at }: Event) => onDay.format(new Date(at));

/** Who did what to one document, the newest first. */
export function Trail({ document: { id, filename, patientId } }: { document: Document }) {
  const source = ofDocument(id);
  const pages = useInfiniteQuery({
    queryKey: ["trail", id],
    queryFn: ({ pageParam, signal }) => source({ limit: 50, ...(pageParam && { cursor: pageParam }) }, signal),
    initialPageParam: "",
    getNextPageParam: (last) => last.nextCursor ?? undefined,
  });
  if (pages.isPending) return <Waiting />;
  if (!pages.data) return <Failed error={pages.error} retry={() => pages.refetch()} />;
  const events = pages.data.pages.flatMap((page) => page.items);
  if (events.length === 0) return <Empty title="Nothing yet" />;
  return (
    <Stack>
      <Export size="xs" source={source} title="Trail of a document" about={[["Document", filename], ["Id", id], ["Patient", patientId ?? "none"]]} />
      <Events events={events} />
      {pages.error && !pages.isFetchNextPageError && <Failed error={pages.error} retry={() => pages.refetch()} />}
      <More pages={pages} shown={events.length} />
    </Stack>
  );
}

/** A line an event, under the day it was on. */
function Events({ events }: { events: Event[] }) {
  return (
    <Table verticalSpacing={5}>
      <Table.Thead><Table.Tr><Table.Th w={92}>Time</Table.Th><Table.Th>What</Table.Th><Table.Th>Who</Table.Th></Table.Tr></Table.Thead>
      <Table.Tbody>
        {events.map((event, at) => {
          const before = events[at - 1];
          return (
            <Fragment key={event.id}>
              {(!before || dayOf(before) !== dayOf(event)) && <Table.Tr><Table.Th colSpan={3} scope="rowgroup" pt={at ? "md" : "xs"}><Text size="xs" c="dimmed" fw={600}>{dayOf(event)}</Text></Table.Th></Table.Tr>}
              <Table.Tr>
                <Table.Td><Text size="sm" c="dimmed" component="time" dateTime={event.at} style={{ whiteSpace: "nowrap" }}>{byClock.format(new Date(event.at))}</Text></Table.Td>
                <Table.Td>
                  <Group gap="xs">
                    <Text size="sm" fw={550} title={event.action}>{inWords(event.action)}</Text>
                    {event.outcome !== "granted" && <Badge size="sm" color={OUTCOMES[event.outcome] ?? "gray"}>{event.outcome}</Badge>}
                  </Group>
                </Table.Td>
                <Table.Td><Text size="sm" style={{ overflowWrap: "anywhere" }}>{whoOf(event)}</Text></Table.Td>
              </Table.Tr>
            </Fragment>
          );
        })}
      </Table.Tbody>
    </Table>
  );
}
