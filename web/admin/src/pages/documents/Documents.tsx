/** Documents in a table: the page of all of them, and the lists of the trash, of holds and of quarantine. */
import { Anchor, Button, Group, Text, Title } from "@mantine/core";
import { useInfiniteQuery } from "@tanstack/react-query";
import { IconFiles, IconSearch } from "@tabler/icons-react";
import { lazy, type ReactNode, Suspense, useMemo, useState } from "react";
import { api, data, type Document } from "../../api";
import { Boundary } from "../../parts/Boundary";
import { Empty, Failed, Opening } from "../../parts/states";
import { UploadButton } from "../../upload/UploadButton";
import { Bulk } from "./Bulk";
import type { Chosen, Own } from "./columns";
import { Filters } from "./Filters";
import { Rows } from "./Rows";
import { type Filter, query, useFilter } from "./useFilter";

const Panel = lazy(() => import("./Panel"));
const PAGE = 50;
const NOTHING: ReadonlyMap<string, Document> = new Map();

interface Props {
  title: string;
  /** What the list is about and nobody changes. */
  fixed?: Partial<Filter>;
  /** What to say where there is nothing and nothing was filtered. */
  empty: ReactNode;
  about?: ReactNode;
  /** The page's one primary action. */
  action?: ReactNode;
  without?: Chosen[];
  own?: Own[];
}

/** The pages of a list that came so far, and how to get the next. */
export function useDocuments(filter: Filter, limit = PAGE) {
  const asked = query(filter);
  const pages = useInfiniteQuery({
    queryKey: ["documents", asked, limit],
    queryFn: ({ pageParam }) => data(api.GET("/api/docs", { params: { query: { ...asked, limit, ...(pageParam && { cursor: pageParam }) } } })),
    initialPageParam: "",
    getNextPageParam: (last) => last.nextCursor ?? undefined,
  });
  const items = useMemo(() => pages.data?.pages.flatMap((page) => page.items) ?? [], [pages.data]);
  return { pages, items };
}

export function DocumentList({ title, fixed = {}, empty, about, action, without = [], own = [] }: Props) {
  const { filter, change, clear, any, openId, open } = useFilter(fixed);
  const { pages, items } = useDocuments(filter);
  // The documents themselves: one that was thrown away leaves the list, and what is said of it must not.
  const [marked, setMarked] = useState(NOTHING);
  // Who narrows the list sees other rows: nothing is done to documents that are not among them.
  const asked = JSON.stringify(filter);
  const [markedIn, setMarkedIn] = useState(asked);
  if (markedIn !== asked) {
    setMarkedIn(asked);
    setMarked(NOTHING);
  }
  const mark = (of: Document[], on: boolean) => setMarked((old) => {
    const next = new Map(old);
    for (const one of of) if (on) next.set(one.id, one); else next.delete(one.id);
    return next;
  });
  const chosen = [...marked.values()].map((one) => items.find(({ id }) => id === one.id) ?? one);
  const nothing = !pages.error && !pages.isPending && items.length === 0;
  return (
    <>
      <Group justify="space-between" mb={about ? 4 : "sm"}><Title order={1} size="h2">{title}</Title>{action}</Group>
      {/* Where there is nothing, that says so itself. */}
      {about && !(nothing && !any) && <Text size="sm" c="dimmed" mb="sm">{about}</Text>}
      {!(nothing && !any) && <Filters {...{ filter, fixed, any, change, clear }} />}
      {pages.error && !pages.isFetchNextPageError && <Failed error={pages.error} retry={() => pages.refetch()} />}
      {nothing && (any ? <Empty icon={IconSearch} title="Nothing fits"><Button mt="xs" size="xs" variant="light" onClick={clear}>Clear the filters</Button></Empty> : empty)}
      {(pages.isPending || items.length > 0) && (
        <Rows items={items} waiting={pages.isPending} marked={marked} mark={mark} open={open} openId={openId}
          sort={filter.sort} onSort={(sort) => change({ sort })} {...{ without, own }} />
      )}
      {items.length > 0 && <More pages={pages} shown={items.length} />}
      {/* Below, so that marking a row does not push the rows away from under the pointer. */}
      {chosen.length > 0 && <Bulk documents={chosen} unmark={(done) => mark(done, false)} />}
      {openId && <Boundary of={openId}><Suspense fallback={<Opening />}><Panel id={openId} onClose={() => open(undefined)} /></Suspense></Boundary>}
    </>
  );
}

interface Pages { hasNextPage: boolean; isFetchingNextPage: boolean; isFetchNextPageError: boolean; error: unknown; fetchNextPage: () => unknown }

export function More({ pages, shown }: { pages: Pages; shown: number }) {
  // Said here, where it was asked for: what came before stays.
  if (pages.isFetchNextPageError) return <Failed error={pages.error} retry={() => pages.fetchNextPage()} />;
  return (
    <Group justify="center" my="md" gap="sm">
      <Text size="sm" c="dimmed" role="status">{shown.toLocaleString()} shown{pages.hasNextPage ? "" : ", which is all"}</Text>
      {pages.hasNextPage && <Button size="xs" variant="light" loading={pages.isFetchingNextPage} onClick={() => void pages.fetchNextPage()}>Show more</Button>}
    </Group>
  );
}

export default function Documents() {
  return (
    <DocumentList title="Documents" action={<UploadButton />} empty={
      <Empty icon={IconFiles} title="No documents yet">Drop files anywhere on this page. What your app uploads will stand here, too: the contract at <Anchor inherit underline="always" href="/docs">/docs</Anchor> shows how it does that.</Empty>
    } />
  );
}
