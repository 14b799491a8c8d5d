/** What the operator decided, to be read: it is changed in the server's configuration. */
import { Badge, Box, Code, SimpleGrid, Stack, Table, Text, Title } from "@mantine/core";
import { Facts, type Row } from "../../parts/Facts";
import { Ago, size } from "../../parts/format";
import { Until } from "../../parts/Until";
import { category } from "../documents/words";
import { ENGINES, SCANNERS } from "../overview/Health";
import { useConfig, useStorage } from "../overview/queries";

const minutes = (seconds: number) => (seconds % 60 ? `${seconds} seconds` : seconds === 60 ? "a minute" : `${seconds / 60} minutes`);
const days = (count: number) => `${count} day${count === 1 ? "" : "s"}`;
const yes = (is: boolean) => (is ? "yes" : "no");
const ENCRYPTION: Record<string, string> = { sealed: "AES-256-GCM, by this server", "aws:kms": "KMS key", "bucket-default": "as the bucket does by itself" };
/** What upkeep does, each as the server calls it. */
const TASKS: Record<string, string> = { uploads: "Unfinished uploads", scan: "Scans", trash: "The trash", stats: "Figures", forget: "What is over", webhooks: "Webhooks" };
const KEYS: Record<string, string> = { given: "in the configuration", files: "in files, read again when they change", chain: "the SDK's chain (role, web identity, SSO, profile)" };

export function Storage() {
  const config = useConfig();
  const storage = useStorage();
  return (
    <Until query={storage}>
      {(s) => (
        <SimpleGrid cols={{ base: 1, lg: 2 }} spacing="xl">
          <Section title="Object store" rows={[
            ["State", s.usable ? <Badge color="teal">usable</Badge> : <><Badge color="red">not usable</Badge> {s.reason}</>],
            ["Provider", s.provider === "local" ? "this server’s own disk" : "S3"],
            ["Bucket", s.bucket],
            ["Region", s.region],
            ["Endpoint", s.endpoint],
            ["Folder", s.folderPrefix],
            ["Access keys", s.keys && (KEYS[s.keys] ?? s.keys)],
            ["Encrypted at rest", ENCRYPTION[s.encryption] ?? s.encryption],
            ["CloudFront", s.cloudfront],
            ["Uploads switched on", yes(s.uploadsEnabled)],
            ["Links live", `${minutes(s.presignExpires)}, at most ${minutes(s.presignMaxExpires)}`],
            ["Every write is a version", s.abilities && yes(s.abilities.versions)],
            ["Objects may lie in an archive", s.abilities && yes(s.abilities.archives)],
          ]} />
          <Until query={config}>
            {(c) => (
              <Stack gap="xl">
                <Section title="Server" rows={[
                  ["Version", c.version],
                  ["Address", c.publicUrl],
                  ["Database", ENGINES[c.database] ?? c.database],
                  ["Scanner", SCANNERS[c.scanner] ?? c.scanner],
                  ["Sealed files", c.sealedUploads ? "taken: nothing here can look into them" : "not taken"],
                  ["Object keys", c.keyLayout],
                  ["Idle sessions end after", minutes(c.sessionIdle)],
                  ["Clinicians see", c.clinicWide ? "every patient of the clinic" : "the patients whose care team they are in"],
                ]} />
                <Section title="Upkeep" rows={c.upkeep ? [
                  ["Last done", <Ago at={c.upkeep.at} />],
                  ["Problem", c.upkeep.problem],
                  ...c.upkeep.tasks.map(({ task, did, failed }): Row => [TASKS[task] ?? task, [...did.filter(({ count }) => count).map(({ what, count }) => `${count} ${what}`), ...(failed ? [`${failed} failed`] : [])].join(", ") || "nothing to do"]),
                ] : [["Last done", "not yet since the server began"]]} />
              </Stack>
            )}
          </Until>
        </SimpleGrid>
      )}
    </Until>
  );
}

export function Categories() {
  const config = useConfig();
  const storage = useStorage();
  return (
    <Until query={config}>
      {(c) => (
        <Until query={storage}>
          {({ limits }) => (
            <Stack gap="xl">
              <Table.ScrollContainer minWidth={0}>
                <Table verticalSpacing="xs">
                  <Table.Thead><Table.Tr><Table.Th>Category</Table.Th><Table.Th visibleFrom="sm">Name in the API</Table.Th><Table.Th>Largest file</Table.Th><Table.Th>Waits for release</Table.Th></Table.Tr></Table.Thead>
                  <Table.Tbody>
                    {c.categories.map((one) => (
                      <Table.Tr key={one.category}>
                        <Table.Td>{category(one.category)}<Text size="xs" c="dimmed" hiddenFrom="sm">{one.category}</Text></Table.Td>
                        <Table.Td visibleFrom="sm"><Code>{one.category}</Code></Table.Td>
                        <Table.Td>{one.maxBytes ? size(one.maxBytes) : "the limit of its type"}</Table.Td>
                        <Table.Td>{one.waitsForRelease ? "yes: the patient sees it once somebody has released it" : "no"}</Table.Td>
                      </Table.Tr>
                    ))}
                  </Table.Tbody>
                </Table>
              </Table.ScrollContainer>
              <Section title="By type of file" rows={[
                ["An image in one request", size(limits.image)],
                ["A document in one request", size(limits.document)],
                ["A DICOM file in one request", size(limits.medical)],
                ["Any file in parts", size(limits.multipart)],
              ]} />
              <Section title="How long" rows={[["In the trash", days(c.trashDays)], ["Temporary documents", days(c.temporaryDays)], ["All others, of every category", "until somebody deletes them"]]} />
              <Text size="sm" c="dimmed">These are changed in the server&rsquo;s configuration: <Code>strongroom config example</Code> shows each variable.</Text>
            </Stack>
          )}
        </Until>
      )}
    </Until>
  );
}

export function Policy() {
  const config = useConfig();
  return (
    <Until query={config}>
      {({ policy }) => (
        <Stack>
          <Text size="sm">{policy.builtIn
            ? <>The rules an installation starts with. <Code>STRONGROOM_POLICY_FILE</Code> names a file with rules of your own.</>
            : <>The rules of the file that <Code>STRONGROOM_POLICY_FILE</Code> names, as the server read them when it started.</>} They are written in Cedar; what no rule permits is refused.</Text>
          <Code block tabIndex={0} role="region" aria-label="The policy in force" style={{ maxHeight: "70vh", overflow: "auto" }}>{policy.text}</Code>
        </Stack>
      )}
    </Until>
  );
}

function Section({ title, rows }: { title: string; rows: Row[] }) {
  return (
    <Box component="section" aria-label={title} maw={720}>
      <Title order={2} size="h4" mb="xs">{title}</Title>
      <Facts rows={rows} w={{ base: 150, sm: 220 }} />
    </Box>
  );
}
