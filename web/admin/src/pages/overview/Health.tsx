/** How store, database, scanner and upkeep do, and what waits for the scanner. */
import { Badge, Card, Group, Stack, Text, Title } from "@mantine/core";
import type { ReactNode } from "react";
import type { Schemas } from "../../api";
import { Ago, When } from "../../parts/format";
import { Failed, Waiting } from "../../parts/states";
import { useConfig, useOldestInQueue, useReady, useStorage } from "./queries";

export const SCANNERS: Record<string, string> = { off: "no scanner", clamd: "ClamAV", guardduty: "GuardDuty" };
export const ENGINES: Record<string, string> = { sqlite: "SQLite", postgres: "PostgreSQL" };

/** Without figures it still says what it can. */
export function Health({ stats }: { stats?: Schemas["StatsJson"] }) {
  const ready = useReady();
  const config = useConfig();
  const storage = useStorage();
  const queue = stats ? (stats.byState.find((one) => one.state === "scanning")?.count ?? 0) : undefined;
  const oldest = useOldestInQueue(Boolean(queue));
  const upkeep = config.data?.upkeep;
  const undone = upkeep?.tasks.reduce((sum, task) => sum + task.failed, 0) ?? 0;
  return (
    <Card withBorder padding="sm" component="section" aria-label="Health">
      <Title order={2} size="h5" mb="xs">Health</Title>
      {ready.isPending && <Waiting />}
      {ready.error && <Failed error={ready.error} retry={() => ready.refetch()} />}
      {ready.data && (
        <Stack gap={8}>
          <Line name="Object store" ok={ready.data.store.status === "ok" && storage.data?.usable !== false}>
            {storage.data ? `${storage.data.provider === "local" ? "local, sealed" : "S3"}: ${storage.data.bucket}` : ready.data.store.provider}
          </Line>
          <Line name="Database" ok={ready.data.database.status === "ok"}>{ENGINES[ready.data.database.engine] ?? ready.data.database.engine}</Line>
          <Line name="Scanner" ok={ready.data.scanner.status === "ok"} off={ready.data.scanner.kind === "off"}>{SCANNERS[ready.data.scanner.kind] ?? ready.data.scanner.kind}</Line>
          {queue !== undefined && (
            <Line name="Scan queue" ok={queue === 0} word={queue === 0 ? "empty" : `${queue.toLocaleString()} waiting`} color={queue === 0 ? "teal" : "blue"}>
              {oldest.data ? <>the oldest since <When at={oldest.data.createdAt} /></> : null}
            </Line>
          )}
          <Line name="Upkeep" ok={!upkeep?.problem && undone === 0} off={!upkeep} word={upkeep ? undefined : config.data ? "not yet run" : "unknown"}>
            {upkeep ? <>last done <Ago at={upkeep.at} /></> : null}
          </Line>
        </Stack>
      )}
    </Card>
  );
}

interface LineProps { name: string; ok: boolean; off?: boolean; word?: string | undefined; color?: string; children: ReactNode }

function Line({ name, ok, off, word, color, children }: LineProps) {
  const shown = off ? { text: "off", color: "gray" } : ok ? { text: "ok", color: "teal" } : { text: "not working", color: "red" };
  return (
    <Group justify="space-between" gap="xs" wrap="nowrap">
      <div style={{ minWidth: 0 }}>
        <Text size="sm">{name}</Text>
        <Text size="xs" c="dimmed" truncate component="div">{children}</Text>
      </div>
      <Badge color={color ?? shown.color} style={{ flexShrink: 0 }}>{word ?? shown.text}</Badge>
    </Group>
  );
}
