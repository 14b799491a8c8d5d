/** Documents in a table: the page of all of them, and the lists of the trash and of quarantine. */
import { Alert, Badge, Button, Checkbox, Group, Skeleton, Table, Text, Title, UnstyledButton } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { IconLock } from "@tabler/icons-react";
import { lazy, type ReactNode, Suspense, useMemo, useState } from "react";
import { api, data, type Document } from "../../api";
import { Id, size, When } from "../../parts/format";
import { Empty, Failed } from "../../parts/states";
import { Bulk } from "./Bulk";
import { Filters } from "./Filters";
import { type Filter, query, useFilter } from "./useFilter";
import { CATEGORIES, STATES, typeName } from "./words";

const Panel = lazy(() => import("./Panel"));
const PAGE = 50;

interface Props {
  title: string;
  fixed?: Partial<Filter>;
  /** What to say where there is nothing and nothing was filtered. */
  empty: ReactNode;
  action?: ReactNode;
}

export function DocumentList({ title, fixed = {}, empty, action }: Props) {
  const { filter, change, clear, any, openId, open } = useFilter(fixed);
  const asked = query(filter);
  const [marked, setMarked] = useState<ReadonlySet<string>>(new Set());
  const pages = useInfiniteQuery({
    queryKey: ["documents", asked],
    queryFn: ({ pageParam }) => data(api.GET("/api/docs", { params: { query: { ...asked, limit: PAGE, ...(pageParam && { cursor: pageParam }) } } })),
    initialPageParam: "",
    getNextPageParam: (last) => last.nextCursor ?? undefined,
  });
  const items = useMemo(() => pages.data?.pages.flatMap((page) => page.items) ?? [], [pages.data]);
  const mark = (ids: string[], on: boolean) => setMarked((old) => {
    const next = new Set(old);
    for (const id of ids) if (on) next.add(id); else next.delete(id);
    return next;
  });
  const shown = items.filter((item) => marked.has(item.id));
  return (
    <>
      <Group justify="space-between" mb="sm"><Title order={1} size="h2">{title}</Title>{action}</Group>
      <Filters {...{ filter, fixed, any, change, clear }} />
      {shown.length > 0 && <Bulk documents={shown} onDone={() => setMarked(new Set())} />}
      {pages.error && <Failed error={pages.error} retry={() => void pages.refetch()} />}
      {!pages.error && !pages.isPending && items.length === 0 && (
        any ? <Empty title="Nothing fits"><Button mt="xs" size="xs" variant="light" onClick={clear}>Clear the filters</Button></Empty> : empty
      )}
      {(pages.isPending || items.length > 0) && (
        <Rows items={items} waiting={pages.isPending} {...{ marked, mark, open }} openId={openId} />
      )}
      {items.length > 0 && (
        <Group justify="center" my="md" gap="sm">
          <Text size="sm" c="dimmed" role="status">{items.length} shown</Text>
          {pages.hasNextPage && <Button size="xs" variant="light" loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>Show more</Button>}
        </Group>
      )}
      <Suspense>{openId && <Panel id={openId} onClose={() => open(undefined)} />}</Suspense>
    </>
  );
}

interface RowsProps {
  items: Document[];
  waiting: boolean;
  marked: ReadonlySet<string>;
  mark: (ids: string[], on: boolean) => void;
  open: (id: string) => void;
  openId: string | undefined;
}

function Rows({ items, waiting, marked, mark, open, openId }: RowsProps) {
  const all = items.length > 0 && items.every((item) => marked.has(item.id));
  const some = !all && items.some((item) => marked.has(item.id));
  return (
    <Table.ScrollContainer minWidth={760}>
      <Table highlightOnHover verticalSpacing={6} stickyHeader>
        <Table.Thead>
          <Table.Tr>
            <Table.Th w={36}><Checkbox size="xs" aria-label="Mark all that are shown" checked={all} indeterminate={some} onChange={(e) => mark(items.map((item) => item.id), e.currentTarget.checked)} /></Table.Th>
            <Table.Th>Name</Table.Th><Table.Th>Patient</Table.Th><Table.Th>Category</Table.Th><Table.Th>State</Table.Th><Table.Th ta="right">Size</Table.Th><Table.Th>Uploaded</Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {waiting && Array.from({ length: 8 }, (_, row) => (
            <Table.Tr key={row}><Table.Td colSpan={7}><Skeleton h={22} /></Table.Td></Table.Tr>
          ))}
          {items.map((item) => (
            <Table.Tr key={item.id} {...(item.id === openId && { "data-selected": true, bg: "var(--mantine-primary-color-light)" })}>
              <Table.Td><Checkbox size="xs" aria-label={`Mark ${item.filename}`} checked={marked.has(item.id)} onChange={(e) => mark([item.id], e.currentTarget.checked)} /></Table.Td>
              <Table.Td maw={340}>
                <UnstyledButton onClick={() => open(item.id)} maw="100%">
                  <Text size="sm" fw={550} truncate>{item.filename}</Text>
                  <Text size="xs" c="dimmed">{typeName(item.contentType)}</Text>
                </UnstyledButton>
              </Table.Td>
              <Table.Td>{item.patientId ? <Patient id={item.patientId} /> : <Text size="sm" c="dimmed">none</Text>}</Table.Td>
              <Table.Td><Text size="sm">{CATEGORIES[item.category] ?? item.category}</Text></Table.Td>
              <Table.Td><State document={item} /></Table.Td>
              <Table.Td ta="right" style={{ whiteSpace: "nowrap" }}><Text size="sm">{size(item.size)}</Text></Table.Td>
              <Table.Td><Text size="sm" component="span"><When at={item.createdAt} /></Text></Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function Patient({ id }: { id: string }) {
  return id.length > 16 ? <Id id={id} /> : <Text size="sm">{id}</Text>;
}

export function State({ document }: { document: Document }) {
  const { name, color } = STATES[document.state] ?? { name: document.state, color: "gray" };
  return (
    <Group gap={4} wrap="nowrap">
      <Badge variant="light" color={color} tt="none">{name}</Badge>
      {"hold" in document && document.hold ? <IconLock size={15} aria-label="under legal hold" /> : null}
    </Group>
  );
}

export default function Documents() {
  return (
    <DocumentList
      title="Documents"
      empty={<Alert variant="light" title="No documents yet">Files your app uploads will stand here. docs/api.md shows the first upload in five lines.</Alert>}
    />
  );
}
