import { Badge, Group, Stack, Text, Timeline } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import type { Document } from "../../api";
import { When } from "../../parts/format";
import { Empty, Failed, Waiting } from "../../parts/states";
import { inWords } from "../audit/actions";
import { ofDocument } from "../audit/events";
import { Export } from "../audit/Export";
import { OUTCOMES, whoOf } from "../audit/words";
import { More } from "./Documents";

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
      <Timeline bulletSize={14} lineWidth={2}>
        {events.map((event) => (
          <Timeline.Item key={event.id} title={<Group gap="xs"><Text size="sm" fw={550} title={event.action}>{inWords(event.action)}</Text>
            {event.outcome !== "granted" && <Badge size="xs" color={OUTCOMES[event.outcome] ?? "gray"}>{event.outcome}</Badge>}</Group>}>
            <Text size="xs" c="dimmed">{whoOf(event)}, <When at={event.at} /></Text>
          </Timeline.Item>
        ))}
      </Timeline>
      {pages.error && !pages.isFetchNextPageError && <Failed error={pages.error} retry={() => pages.refetch()} />}
      <More pages={pages} shown={events.length} />
    </Stack>
  );
}
