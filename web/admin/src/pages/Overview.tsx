/** How much there is, what came lately, and what needs a person. */
import { Alert, Card, Group, Progress, SegmentedControl, SimpleGrid, Stack, Table, Text, Title, Tooltip } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "react-router";
import { api, data, type Schemas } from "../api";
import { size, When } from "../parts/format";
import { Empty, Failed, Waiting } from "../parts/states";
import { CATEGORIES, STATES } from "./documents/words";
import { useRole } from "../session";

type Stats = Schemas["StatsJson"];
const SPANS = [{ label: "30 days", value: "30" }, { label: "90 days", value: "90" }, { label: "A year", value: "365" }];

export default function Overview() {
  const [days, setDays] = useState("30");
  const stats = useQuery({
    queryKey: ["stats", days],
    queryFn: () => data(api.GET("/api/v2/aws/s3/stats", { params: { query: { days: Number(days) } } })),
    refetchInterval: 60_000,
  });
  return (
    <Stack>
      <Group justify="space-between"><Title order={1} size="h2">Overview</Title><SegmentedControl size="xs" data={SPANS} value={days} onChange={setDays} aria-label="Over which time" /></Group>
      {stats.isPending && <Waiting />}
      {stats.error && <Failed error={stats.error} retry={() => void stats.refetch()} />}
      {stats.data && <Figures stats={stats.data} />}
    </Stack>
  );
}

function Figures({ stats }: { stats: Stats }) {
  const count = (state: string) => stats.byState.find((one) => one.state === state)?.count ?? 0;
  const { growth } = stats;
  return (
    <>
      <Attention stats={stats} />
      <SimpleGrid cols={{ base: 2, md: 4 }}>
        <Figure name="Documents kept" value={stats.totals.count.toLocaleString()} />
        <Figure name="Together" value={size(stats.totals.bytes)} />
        <Figure name={`New in ${growth.days} days`} value={growth.count.toLocaleString()} note={`${growth.before.count.toLocaleString()} in the ${growth.days} before`} />
        <Figure name="In the trash" value={count("deleted").toLocaleString()} />
      </SimpleGrid>
      <Days stats={stats} />
      <SimpleGrid cols={{ base: 1, md: 2 }}>
        <Shares title="By category" rows={stats.byCategory.map((one) => ({ name: CATEGORIES[one.category] ?? one.category, ...one }))} />
        <Shares title="By storage" rows={stats.byStorageClass.map((one) => ({ name: `${one.storageProvider}: ${one.storageClass.toLowerCase()}`, ...one }))} />
      </SimpleGrid>
      <Recent stats={stats} />
    </>
  );
}

function Attention({ stats }: { stats: Stats }) {
  const is = useRole();
  const quarantined = stats.byState.find((one) => one.state === "quarantined")?.count ?? 0;
  const waiting = stats.byState.find((one) => one.state === "scanning")?.count ?? 0;
  const config = useQuery({ queryKey: ["config"], enabled: is("admin"), queryFn: () => data(api.GET("/api/v2/aws/s3/config")), refetchInterval: 60_000 });
  return (
    <>
      {config.data && !config.data.usable && <Alert color="red" title="The object store cannot be used">{config.data.reason}</Alert>}
      {quarantined > 0 && <Alert color="red" title={`${quarantined} in quarantine`}><Link to="/storage/quarantine">Look at what the scanner did not let pass</Link></Alert>}
      {waiting > 20 && <Alert color="yellow" title={`${waiting} wait for the scanner`}>They are served once they have been scanned.</Alert>}
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

/** A bar a day; the table behind it is for who cannot see bars. */
function Days({ stats }: { stats: Stats }) {
  const most = Math.max(1, ...stats.uploadsPerDay.map((day) => day.count));
  const width = 100 / Math.max(1, stats.uploadsPerDay.length);
  return (
    <Card withBorder padding="sm">
      <Text size="sm" fw={600} mb="xs">Uploads a day</Text>
      <svg width="100%" height="96" preserveAspectRatio="none" viewBox="0 0 100 100" role="img" aria-label={`Uploads a day, at most ${most}`}>
        {stats.uploadsPerDay.map((day, at) => {
          const height = (96 * day.count) / most;
          return (
            <rect key={day.day} x={at * width + width * 0.1} width={width * 0.8} y={100 - Math.max(height, day.count ? 2 : 0.6)} height={Math.max(height, day.count ? 2 : 0.6)} fill="var(--mantine-primary-color-filled)" opacity={day.count ? 1 : 0.35}>
              <title>{`${day.day}: ${day.count} (${size(day.bytes)})`}</title>
            </rect>
          );
        })}
      </svg>
      <Group justify="space-between"><Text size="xs" c="dimmed">{stats.uploadsPerDay[0]?.day}</Text><Text size="xs" c="dimmed">{stats.uploadsPerDay.at(-1)?.day}</Text></Group>
    </Card>
  );
}

function Shares({ title, rows }: { title: string; rows: { name: string; count: number; bytes: number }[] }) {
  const most = Math.max(1, ...rows.map((row) => row.bytes));
  return (
    <Card withBorder padding="sm">
      <Text size="sm" fw={600} mb="xs">{title}</Text>
      {rows.length === 0 && <Text size="sm" c="dimmed">Nothing yet</Text>}
      <Stack gap="xs">
        {rows.map((row) => (
          <div key={row.name}>
            <Group justify="space-between" gap="xs"><Text size="sm">{row.name}</Text><Text size="sm" c="dimmed">{row.count.toLocaleString()}, {size(row.bytes)}</Text></Group>
            <Tooltip label={size(row.bytes)}><Progress size="sm" value={(100 * row.bytes) / most} aria-label={row.name} /></Tooltip>
          </div>
        ))}
      </Stack>
    </Card>
  );
}

function Recent({ stats }: { stats: Stats }) {
  return (
    <Card withBorder padding="sm">
      <Text size="sm" fw={600} mb="xs">Recent uploads</Text>
      {stats.recentUploads.length === 0 ? <Empty title="No uploads yet" /> : (
        <Table.ScrollContainer minWidth={480}>
          <Table verticalSpacing={5}>
            <Table.Tbody>
              {stats.recentUploads.map((one) => (
                <Table.Tr key={one.id}>
                  <Table.Td maw={280}><Text size="sm" truncate component={Link} to={`/storage/documents?doc=${one.id}`}>{one.filename}</Text></Table.Td>
                  <Table.Td><Text size="sm">{CATEGORIES[one.category] ?? one.category}</Text></Table.Td>
                  <Table.Td><Text size="sm">{STATES[one.state]?.name}</Text></Table.Td>
                  <Table.Td ta="right"><Text size="sm">{size(one.size)}</Text></Table.Td>
                  <Table.Td ta="right"><Text size="sm" c="dimmed" component="span"><When at={one.createdAt} /></Text></Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
    </Card>
  );
}
