/** One patient: their documents by category or by time, and who cares for them. */
import { Anchor, Breadcrumbs, Grid, Group, SegmentedControl, Stack, Switch, Text, Title } from "@mantine/core";
import { IconFiles } from "@tabler/icons-react";
import { lazy, Suspense, useMemo } from "react";
import { Link, useParams, useSearchParams } from "react-router";
import { ApiError, type Document } from "../../api";
import { Id } from "../../parts/format";
import { Boundary } from "../../parts/Boundary";
import { Empty, Failed, Opening, Waiting } from "../../parts/states";
import { useRole } from "../../session";
import { UploadButton } from "../../upload/UploadButton";
import { More, useDocuments } from "../documents/Documents";
import { Rows } from "../documents/Rows";
import { useFilter } from "../documents/useFilter";
import { CATEGORIES, category } from "../documents/words";
import { CareTeam } from "./CareTeam";

const Panel = lazy(() => import("../documents/Panel"));
const WAYS = [{ value: "category", label: "By category" }, { value: "time", label: "By time" }];
const month = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "long" });

export default function OnePatient() {
  const { patientId = "" } = useParams();
  const is = useRole();
  const [params, setParams] = useSearchParams();
  const by = params.get("by") ?? "category";
  const every = params.get("all") === "yes";
  const { filter, openId, open } = useFilter({ patientId, state: every ? "every" : "", q: "", category: [], type: "", from: "", to: "", held: "" });
  const { pages, items } = useDocuments(filter, 200);
  const set = (name: string, value: string | undefined) => setParams((old) => {
    const next = new URLSearchParams(old);
    if (value) next.set(name, value);
    else next.delete(name);
    return next;
  }, { replace: true });
  const shown = useMemo(() => (by === "time" ? items : pages.data?.pages.flatMap((page) => byCategory(page.items)) ?? []), [by, items, pages.data]);
  // What comes later stands below, in groups of its own: nothing moves away from under the reader.
  const later = useMemo(() => new Set(pages.data?.pages.slice(1).flatMap((page) => page.items.map(({ id }) => id))), [pages.data]);
  const group = by === "time" ? ofMonth : (one: Document) => `${category(one.category)}${later.has(one.id) ? ", older" : ""}`;
  const team = is("admin", "clinician");
  // Whom the caller may know nothing of, the server does not know either: nothing went wrong.
  const hidden = pages.error instanceof ApiError && pages.error.code === "not_found";
  return (
    <Stack>
      <div>
        <Breadcrumbs mb={4}><Anchor component={Link} to="/storage/patients" size="sm">Patients</Anchor><Text size="sm" c="dimmed">One patient</Text></Breadcrumbs>
        <Group justify="space-between" gap="sm">
          <Group gap="sm" wrap="nowrap" miw={0}><Title order={1} size="h2" style={{ overflowWrap: "anywhere" }}>{patientId}</Title><Id id={patientId} only /></Group>
          <UploadButton patientId={patientId} />
        </Group>
      </div>
      <Grid gap="xl">
        <Grid.Col span={{ base: 12, md: team ? 8 : 12, lg: team ? 9 : 12 }}>
          <Group justify="space-between" mb="xs" gap="xs">
            <SegmentedControl size="xs" data={WAYS} value={by} onChange={(to) => set("by", to === "category" ? undefined : to)} aria-label="In which order" />
            <Switch size="sm" label="Also the trash and unfinished uploads" checked={every} onChange={(e) => set("all", e.currentTarget.checked ? "yes" : undefined)} />
          </Group>
          {pages.isPending && <Waiting />}
          {pages.error && !pages.isFetchNextPageError && !hidden && <Failed error={pages.error} retry={() => pages.refetch()} />}
          {!pages.isPending && (hidden || !pages.error) && items.length === 0 && <Empty icon={IconFiles} title="No documents that you may see">Of this patient, or under this id, there is nothing here for you. To add something, drop it anywhere on this page.</Empty>}
          {shown.length > 0 && <Rows items={shown} waiting={false} open={open} openId={openId} group={group} whole={!pages.hasNextPage && (by === "time" || later.size === 0)} without={["patient", by === "time" ? "type" : "category"]} />}
          {items.length > 0 && <More pages={pages} shown={items.length} />}
        </Grid.Col>
        {team && <Grid.Col span={{ base: 12, md: 4, lg: 3 }}><CareTeam key={patientId} patientId={patientId} /></Grid.Col>}
      </Grid>
      {openId && <Boundary of={openId}><Suspense fallback={<Opening />}><Panel id={openId} onClose={() => open(undefined)} /></Suspense></Boundary>}
    </Stack>
  );
}

const ORDER = Object.keys(CATEGORIES);
const ofMonth = ({ createdAt }: Document) => month.format(new Date(createdAt));

/** The newest first within each category. */
function byCategory(items: Document[]): Document[] {
  return items.toSorted((a, b) => ORDER.indexOf(a.category) - ORDER.indexOf(b.category));
}
