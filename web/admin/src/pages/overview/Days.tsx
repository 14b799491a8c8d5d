/** A bar a day, by number or by bytes; the table behind it is for who cannot see bars. */
import { Card, Group, SegmentedControl, Text, Title, VisuallyHidden } from "@mantine/core";
import { useState } from "react";
import type { Schemas } from "../../api";
import { day, size } from "../../parts/format";

const WAYS = [{ value: "count", label: "Number" }, { value: "bytes", label: "Size" }];

export function Days({ stats: { uploadsPerDay: days } }: { stats: Schemas["StatsJson"] }) {
  const [by, setBy] = useState<"count" | "bytes">("count");
  const most = Math.max(1, ...days.map((one) => one[by]));
  const width = 100 / Math.max(1, days.length);
  const say = (value: number) => (by === "bytes" ? size(value) : value.toLocaleString());
  return (
    <Card withBorder padding="sm" component="section" aria-label="Uploads a day">
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h5">Uploads a day</Title>
        <SegmentedControl size="xs" data={WAYS} value={by} onChange={(to) => setBy(to === "bytes" ? "bytes" : "count")} aria-label="By what" />
      </Group>
      <Text size="xs" c="dimmed">{days.some((one) => one.count) ? `at most ${say(most)} a day` : "nothing in this time"}</Text>
      <svg width="100%" height="112" preserveAspectRatio="none" viewBox="0 0 100 100" aria-hidden>
        {days.map((one, at) => {
          const height = Math.max((98 * one[by]) / most, one.count ? 2 : 0.6);
          return (
            <rect key={one.day} x={at * width + width * 0.1} width={width * 0.8} y={100 - height} height={height} fill="var(--mantine-color-anchor)" opacity={one.count ? 1 : 0.35}>
              <title>{`${day(one.day)}: ${one.count} (${size(one.bytes)})`}</title>
            </rect>
          );
        })}
      </svg>
      <Group justify="space-between"><Text size="xs" c="dimmed">{days[0] && day(days[0].day)}</Text><Text size="xs" c="dimmed">{days.length > 1 && day(days.at(-1)?.day ?? "")}</Text></Group>
      <VisuallyHidden>
        <table>
          <caption>Uploads a day</caption>
          <thead><tr><th>Day</th><th>Number</th><th>Size</th></tr></thead>
          <tbody>{days.filter((one) => one.count > 0).map((one) => <tr key={one.day}><td>{day(one.day)}</td><td>{one.count}</td><td>{size(one.bytes)}</td></tr>)}</tbody>
        </table>
      </VisuallyHidden>
    </Card>
  );
}
