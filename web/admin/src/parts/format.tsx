/** Times, sizes and ids as people read them. */
import { ActionIcon, Code, CopyButton, Group, Text, Tooltip } from "@mantine/core";
import { IconCheck, IconCopy } from "@tabler/icons-react";

const whole = new Intl.DateTimeFormat(undefined, { dateStyle: "long", timeStyle: "medium" });
const short = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const seconds = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const UNITS = ["byte", "kilobyte", "megabyte", "gigabyte", "terabyte"] as const;

/** 1,000 bytes to the kilobyte, as stores count. */
export function size(bytes: number): string {
  const step = bytes < 1000 ? 0 : Math.min(4, Math.floor(Math.log10(bytes) / 3));
  return new Intl.NumberFormat(undefined, {
    style: "unit",
    unit: UNITS[step] ?? "byte",
    unitDisplay: step === 0 ? "long" : "short",
    maximumFractionDigits: step < 2 ? 0 : 1,
  }).format(bytes / 1000 ** step);
}

export function When({ at, exact }: { at: string; exact?: boolean }) {
  const date = new Date(at);
  return (
    <Tooltip label={whole.format(date)} openDelay={300}>
      <Text component="time" dateTime={at} inherit style={{ whiteSpace: "nowrap" }}>
        {(exact ? seconds : short).format(date)}
      </Text>
    </Tooltip>
  );
}

const WHOLE = { whiteSpace: "nowrap" } as const;

/** The end of an id tells more than its beginning, which is the time. `bare`: nothing to copy it with; `only`: nothing else. */
export function Id({ id, bare, only }: { id: string; bare?: boolean; only?: boolean }) {
  if (bare) return <Tooltip label={id} openDelay={300}><Code style={WHOLE}>…{id.slice(-8)}</Code></Tooltip>;
  return (
    <Group gap={2} wrap="nowrap" component="span">
      {!only && <Tooltip label={id} openDelay={300}><Code style={WHOLE}>…{id.slice(-8)}</Code></Tooltip>}
      <CopyButton value={id}>
        {({ copied, copy }) => (
          <ActionIcon size="sm" variant="subtle" color="gray" onClick={copy} aria-label={copied ? "Copied" : "Copy the id"}>
            {copied ? <IconCheck size={13} /> : <IconCopy size={13} />}
          </ActionIcon>
        )}
      </CopyButton>
    </Group>
  );
}

/** As the API asks for a time; an address that somebody mistyped may hold none. */
export function timeOf(date: Date): string | undefined {
  return Number.isNaN(date.getTime()) ? undefined : date.toISOString();
}

const days = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeZone: "UTC" });

/** A day of the server's calendar, `2026-02-03`. */
export function day(text: string): string {
  return days.format(new Date(text));
}

const ago = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });

export function Ago({ at }: { at: string }) {
  const minutes = Math.round((Date.parse(at) - Date.now()) / 60_000);
  const text = minutes > -60 ? ago.format(Math.min(0, minutes), "minute") : minutes > -1440 ? ago.format(Math.round(minutes / 60), "hour") : ago.format(Math.round(minutes / 1440), "day");
  return <Tooltip label={whole.format(new Date(at))} openDelay={300}><Text component="time" dateTime={at} inherit>{text}</Text></Tooltip>;
}
