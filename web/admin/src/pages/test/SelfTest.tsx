/** `/test/s3`: tries the whole installation, live, and says what to do about what does not work. */
import { Alert, Badge, Box, Button, Group, Loader, Stack, Table, Text, Title } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { IconCheck, IconDownload, IconPlayerPlay, IconStethoscope } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { saveBytes } from "../../parts/save";
import { Empty, Failed } from "../../parts/states";
import { browserChecks, type Check, serverChecks } from "./checks";

const COLOURS: Record<string, string> = { ok: "teal", warn: "yellow", fail: "red", skipped: "gray" };
const WORDS: Record<string, string> = { ok: "works", warn: "look at it", fail: "fails", skipped: "skipped" };

export default function SelfTest() {
  const [checks, setChecks] = useState<Check[]>([]);
  const leaving = useRef<AbortController>(undefined);
  useEffect(() => () => leaving.current?.abort(), []);
  const run = useMutation({
    mutationFn: async () => {
      leaving.current = new AbortController();
      setChecks([]);
      const tell = (check: Check) => setChecks((all) => [...all, check]);
      await serverChecks(tell, leaving.current.signal);
      await browserChecks(tell);
    },
  });
  return (
    <Stack>
      <Group justify="space-between" align="flex-start">
        <div>
          <Title order={1} size="h2">Self-test</Title>
          <Text size="sm" c="dimmed" maw={640}>
            Tries configuration, keys, database, store, scanner and the way from this browser to the store. It writes a few small files and one of six megabytes, and removes them.
          </Text>
        </div>
        <Group gap="xs">
          {run.isSuccess && <Button variant="default" leftSection={<IconDownload size={16} />} onClick={() => save(checks)}>Report</Button>}
          <Button leftSection={<IconPlayerPlay size={16} />} loading={run.isPending} onClick={() => run.mutate()}>{run.isIdle ? "Start" : "Start again"}</Button>
        </Group>
      </Group>
      {run.error && <Failed error={run.error} retry={() => run.mutate()} />}
      {run.isSuccess && <Outcome checks={checks} />}
      {checks.length === 0 && !run.isPending && !run.error && <Empty icon={IconStethoscope} title="Nothing has been tried yet">It takes a few seconds, with a slow store a minute.</Empty>}
      {(checks.length > 0 || run.isPending) && <Checks checks={checks} running={run.isPending} />}
    </Stack>
  );
}

const names = (checks: Check[]) => checks.map(({ name }) => name).join(", ");

function Outcome({ checks }: { checks: Check[] }) {
  const failing = checks.filter(({ verdict }) => verdict === "fail");
  const doubtful = checks.filter(({ verdict }) => verdict === "warn");
  if (failing.length > 0) return <Alert color="red" title={`${failing.length} of ${checks.length} checks failed`} role="status">{names(failing)}. Each says what to do. Repair the first one first: others may follow from it.</Alert>;
  if (doubtful.length > 0) return <Alert color="yellow" title="Everything works" role="status">To be looked at before patients&rsquo; files come in: {names(doubtful)}.</Alert>;
  return <Alert color="teal" icon={<IconCheck />} title="Everything works" role="status">{checks.length} checks, nothing to do.</Alert>;
}

function Checks({ checks, running }: { checks: Check[]; running: boolean }) {
  return (
    <Table verticalSpacing="xs" aria-busy={running}>
      <Table.Thead><Table.Tr><Table.Th>Check</Table.Th><Table.Th>Result</Table.Th><Table.Th visibleFrom="sm">What was seen</Table.Th><Table.Th ta="right" visibleFrom="sm">Time</Table.Th></Table.Tr></Table.Thead>
      <Table.Tbody aria-live="polite">
        {checks.map((check) => (
          <Table.Tr key={check.name + check.seen}>
            <Table.Td style={{ verticalAlign: "top" }}>
              <Text size="sm" fw={550}>{check.name}</Text>
              <Box hiddenFrom="sm">
                <Text size="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>{check.seen}</Text>
                <Advice check={check} />
              </Box>
            </Table.Td>
            <Table.Td style={{ verticalAlign: "top" }}>
              <Badge color={COLOURS[check.verdict] ?? "gray"}>{WORDS[check.verdict] ?? check.verdict}</Badge>
              <Text size="xs" c="dimmed" hiddenFrom="sm" mt={4}>{check.tookMs} ms</Text>
            </Table.Td>
            <Table.Td visibleFrom="sm">
              <Text size="sm" style={{ overflowWrap: "anywhere" }}>{check.seen}</Text>
              <Advice check={check} />
            </Table.Td>
            <Table.Td ta="right" visibleFrom="sm" style={{ verticalAlign: "top", whiteSpace: "nowrap" }}><Text size="sm" c="dimmed">{check.tookMs} ms</Text></Table.Td>
          </Table.Tr>
        ))}
        {running && <Table.Tr><Table.Td colSpan={4}><Group gap="xs"><Loader size="xs" /><Text size="sm" c="dimmed">trying the next thing</Text></Group></Table.Td></Table.Tr>}
      </Table.Tbody>
    </Table>
  );
}

function Advice({ check }: { check: Check }) {
  if (!check.do) return null;
  const weight = check.verdict === "fail" ? { fw: 550 } : { c: "dimmed" };
  return <Text size="sm" {...weight} style={{ overflowWrap: "anywhere" }}>→ {check.do}</Text>;
}

/** What was found, for whoever is asked for help; it holds nothing secret and nothing of patients. */
function save(checks: Check[]) {
  const text = JSON.stringify({ at: new Date().toISOString(), server: location.origin, checks }, null, 2);
  saveBytes(new Blob([text], { type: "application/json" }), "strongroom-self-test.json");
}
