/** How much there is, what came lately, how everything does, and what needs a person. */
import { Card, Grid, Group, Progress, SegmentedControl, SimpleGrid, Skeleton, Stack, Table, Text, Title } from "@mantine/core";
import { useState } from "react";
import { Link } from "react-router";
import type { Schemas } from "../../api";
import { size, When } from "../../parts/format";
import { Empty, Failed } from "../../parts/states";
import { State } from "../documents/Rows";
import { category, STATES } from "../documents/words";
import { Attention } from "./Attention";
import { Days } from "./Days";
import { Health } from "./Health";
import { useStats } from "./queries";

type Stats = Schemas["StatsJson"];
const SPANS = [{ label: "30 days", value: "30" }, { label: "90 days", value: "90" }, { label: "A year", value: "365" }];

export default function Overview() {
  const [days, setDays] = useState("30");
  const stats = useStats(Number(days));
  return (
    <Stack gap="sm">
      <Group justify="space-between"><Title order={1} size="h2">Overview</Title><SegmentedControl size="xs" data={SPANS} value={days} onChange={setDays} aria-label="Over which time" /></Group>
      {stats.isPending && <Skeletons />}
      {stats.error && <Failed error={stats.error} retry={() => stats.refetch()} />}
      {stats.error && !stats.data && <Health />}
      {stats.data && <Figures stats={stats.data} />}
    </Stack>
  );
}

function Figures({ stats }: { stats: Stats }) {
  const count = (state: string) => stats.byState.find((one) => one.state === state)?.count ?? 0;
  const { growth } = stats;
  const states = stats.byState.map((one) => ({ name: STATES[one.state]?.name ?? one.state, to: `/storage/documents?state=${one.state}`, ...one }));
  const categories = stats.byCategory.map((one) => ({ name: category(one.category), to: `/storage/documents?category=${one.category}`, ...one }));
  return (
    <>
      <SimpleGrid cols={{ base: 2, md: 4 }} spacing="sm">
        <Figure name="Documents kept" value={stats.totals.count.toLocaleString()} note={`${size(stats.totals.bytes)} together`} />
        <Figure name={`New in ${growth.days} days`} value={growth.count.toLocaleString()} note={`${growth.before.count.toLocaleString()} in the ${growth.days} before`} />
        <Figure name={`Grown in ${growth.days} days`} value={size(growth.bytes)} note={`${size(growth.before.bytes)} in the ${growth.days} before`} />
        <Figure name="In the trash" value={count("deleted").toLocaleString()} note={`${count("quarantined").toLocaleString()} in quarantine`} />
      </SimpleGrid>
      <Grid gap="sm">
        <Grid.Col span={{ base: 12, md: 8 }}><Stack gap="sm"><Attention stats={stats} /><Days stats={stats} /></Stack></Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }}><Health stats={stats} /></Grid.Col>
        <Grid.Col span={{ base: 12, md: 6, lg: 4 }}><Shares title="By category" rows={categories} /></Grid.Col>
        <Grid.Col span={{ base: 12, md: 6, lg: 4 }}><Shares title="By state" rows={states} by="count" /></Grid.Col>
        <Grid.Col span={{ base: 12, md: 6, lg: 4 }}><Shares title="By storage class" rows={stats.byStorageClass.map((one) => ({ name: `${one.storageProvider}: ${one.storageClass.toLowerCase()}`, ...one }))} /></Grid.Col>
        <Grid.Col span={12}><Recent stats={stats} /></Grid.Col>
      </Grid>
    </>
  );
}

function Figure({ name, value, note }: { name: string; value: string; note?: string }) {
  return (
    <Card withBorder padding="sm">
      <Text size="xs" c="dimmed">{name}</Text>
      <Text size="xl" fw={650}>{value}</Text>
      {note && <Text size="xs" c="dimmed">{note}</Text>}
    </Card>
  );
}

interface Share { name: string; to?: string; count: number; bytes: number }

function Shares({ title, rows, by = "bytes" }: { title: string; rows: Share[]; by?: "bytes" | "count" }) {
  const shown = rows.filter((row) => row.count > 0);
  const most = Math.max(1, ...shown.map((row) => row[by]));
  return (
    <Card withBorder padding="sm" h="100%" component="section" aria-label={title}>
      <Title order={2} size="h5" mb="xs">{title}</Title>
      {shown.length === 0 && <Text size="sm" c="dimmed">Nothing yet</Text>}
      <Stack gap="xs">
        {shown.map((row) => (
          <div key={row.name}>
            <Group justify="space-between" gap="xs" wrap="nowrap">
              {row.to ? <Text size="sm" component={Link} to={row.to} c="inherit">{row.name}</Text> : <Text size="sm">{row.name}</Text>}
              <Text size="sm" c="dimmed" style={{ whiteSpace: "nowrap" }}>{row.count.toLocaleString()} · {size(row.bytes)}</Text>
            </Group>
            <Progress size="sm" value={(100 * row[by]) / most} aria-label={row.name} />
          </div>
        ))}
      </Stack>
    </Card>
  );
}

function Recent({ stats }: { stats: Stats }) {
  return (
    <Card withBorder padding="sm" component="section" aria-label="Recent uploads">
      <Title order={2} size="h5" mb="xs">Recent uploads</Title>
      {stats.recentUploads.length === 0 ? <Empty title="No uploads yet">The first one your app makes will stand here.</Empty> : (
        <Table verticalSpacing={5}>
          <Table.Tbody>
            {stats.recentUploads.map((one) => (
              <Table.Tr key={one.id}>
                <Table.Td maw={280}><Text size="sm" truncate display="block" component={Link} to={`/storage/documents?doc=${one.id}`} c="inherit">{one.filename}</Text></Table.Td>
                <Table.Td visibleFrom="sm"><Text size="sm">{category(one.category)}</Text></Table.Td>
                <Table.Td><State document={one} /></Table.Td>
                <Table.Td ta="right" visibleFrom="sm" style={{ whiteSpace: "nowrap" }}><Text size="sm">{size(one.size)}</Text></Table.Td>
                <Table.Td ta="right" visibleFrom="sm"><Text size="sm" component="span"><When at={one.createdAt} /></Text></Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      )}
    </Card>
  );
}

/** As high as what comes, so that nothing jumps. */
function Skeletons() {
  return (
    <div role="status" aria-label="Loading">
      <SimpleGrid cols={{ base: 2, md: 4 }} spacing="sm" mb="sm">{[1, 2, 3, 4].map((n) => <Skeleton key={n} h={92} />)}</SimpleGrid>
      <Grid gap="sm">
        <Grid.Col span={{ base: 12, md: 8 }}><Skeleton h={250} /></Grid.Col>
        <Grid.Col span={{ base: 12, md: 4 }}><Skeleton h={250} /></Grid.Col>
      </Grid>
    </div>
  );
}
