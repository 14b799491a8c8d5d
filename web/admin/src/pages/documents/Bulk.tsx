/** One action on everything that is marked, which is said by name; what failed is, too, and stays marked. */
import { Alert, Button, Group, List, Paper, Progress, Text, Textarea, TextInput } from "@mantine/core";
import { useMediaQuery } from "@mantine/hooks";
import { useMutation } from "@tanstack/react-query";
import { IconDownload } from "@tabler/icons-react";
import { useEffect, useRef, useState } from "react";
import { api, type Document } from "../../api";
import { each, type Problem } from "../../parts/each";
import { Confirm } from "../../parts/Confirm";
import { FormModal } from "../../parts/FormModal";
import { size } from "../../parts/format";
import { type Role, useRole } from "../../session";
import { zip } from "./zip";

interface Deed {
  name: string;
  roles: Role[];
  /** Whether it can be done to a document. */
  fits: (document: Document) => boolean;
  about: string;
  /** What has to be said for it, beside a reason. */
  patient?: boolean;
  reason?: boolean;
  color?: string;
  act: (id: string, said: Said) => Promise<unknown>;
}

interface Said { patientId: string; reason: string }
const NOTHING: Said = { patientId: "", reason: "" };
/** More names than that nobody reads before a click. */
const NAMED = 10;

/** Its words are never cut. */
const FIXED = { flexShrink: 0 };
const ANYWHERE = { overflowWrap: "anywhere" } as const;
const path = (id: string) => ({ params: { path: { id } } });
const there = ({ state }: Document) => state === "available";

const DEEDS: Deed[] = [
  { name: "Take out of the trash", roles: ["admin", "clinician", "staff"], fits: (d) => d.state === "deleted", about: "They stand in the lists again.",
    act: (id) => api.POST("/api/docs/{id}/restore", path(id)) },
  { name: "Move to another patient", roles: ["admin", "clinician"], fits: (d) => there(d) && Boolean(d.patientId) && !d.onHold, about: "Each move stands in the trail of both patients.", patient: true, reason: true,
    act: (id, { patientId, reason }) => api.PATCH("/api/docs/{id}", { ...path(id), body: { patientId, reason } }) },
  { name: "Release to the patient", roles: ["admin", "clinician"], fits: (d) => there(d) && Boolean(d.patientId) && !d.released, about: "The patient sees them from then on.",
    act: (id) => api.PUT("/api/docs/{id}/release", { ...path(id), body: { state: "released" } }) },
  { name: "Put under legal hold", roles: ["admin"], fits: (d) => !d.onHold && (there(d) || ["deleted", "quarantined", "scanning"].includes(d.state)), about: "None of them can be erased until its hold is lifted.", reason: true,
    act: (id, { reason }) => api.PUT("/api/docs/{id}/hold", { ...path(id), body: { reason } }) },
  { name: "Lift the legal hold", roles: ["admin"], fits: (d) => d.onHold, about: "Retention and the trash apply to them again.", reason: true,
    act: (id, { reason }) => api.DELETE("/api/docs/{id}/hold", { ...path(id), body: { reason } }) },
  { name: "Move to the trash", roles: ["admin", "clinician", "staff"], fits: there, about: "They can be taken out again until the trash is emptied.", color: "red",
    act: (id) => api.DELETE("/api/docs/{id}", path(id)) },
];

export function Bulk({ documents, unmark }: { documents: Document[]; unmark: (documents: Document[]) => void }) {
  const is = useRole();
  const [deed, setDeed] = useState<Deed>();
  const [past, setPast] = useState(0);
  const [said, setSaid] = useState<Said>(NOTHING);
  const act = useMutation({
    mutationFn: (one: Deed) => {
      setPast(0);
      return each(documents, ({ id }) => one.act(id, said), setPast);
    },
    onSuccess: (problems) => {
      unmark(documents.filter(({ id }) => !problems.some(({ of }) => of.id === id)));
      // What could not be done can be tried again, with what was typed.
      if (problems.length > 0) return;
      setDeed(undefined);
      setSaid(NOTHING);
    },
  });
  const offered = DEEDS.filter(({ roles, fits }) => is(...roles) && documents.some(fits));
  const bytes = documents.reduce((sum, document) => sum + document.size, 0);
  const small = useMediaQuery("(max-width: 36em)", false, { getInitialValueInEffect: false });
  // On a small screen one line, pushed to the side: the rows are what one looks at.
  const line = small ? { wrap: "nowrap" as const, style: { overflowX: "auto" as const, width: "100%" } } : {};
  const progress = act.isPending && <Progress mt="sm" value={(100 * past) / documents.length} aria-label="Progress" />;
  const form = deed && { title: `${deed.name}: ${documents.length}`, action: deed.name, onClose: () => setDeed(undefined) };
  return (
    <Paper withBorder shadow="md" p="xs" mt="sm" style={{ position: "sticky", bottom: 8, zIndex: 3 }}>
      <Group justify="space-between" gap="xs">
        <Text size="sm" role="status">{documents.length} marked, {size(bytes)}</Text>
        <Group gap="xs" {...line}>
          {documents.every(there) && <Zip documents={documents} />}
          {offered.map((one) => <Button key={one.name} size="xs" variant="light" style={FIXED} disabled={!documents.every(one.fits)} title={documents.every(one.fits) ? one.about : "Not all that are marked can be"} {...(one.color && { color: one.color })} onClick={() => { act.reset(); setDeed(one); }}>{one.name}</Button>)}
          <Button size="xs" variant="subtle" color="gray" style={FIXED} onClick={() => unmark(documents)}>Unmark</Button>
        </Group>
      </Group>
      {offered.some(({ fits }) => !documents.every(fits)) && <Text size="xs" c="dimmed" mt={4}>What is grey cannot be done to all that are marked: unmark what is held, scanned or in quarantine.</Text>}
      {!deed && <Undone problems={act.data} onClose={act.reset} />}
      {deed && form && (deed.reason ? (
        <FormModal {...form} mutation={{ ...act, mutate: () => act.mutate(deed), reset: () => undefined }}>
          <Undone problems={act.data} />
          <Text size="sm" c="dimmed">{deed.about}</Text>
          <Names documents={documents} />
          {deed.patient && <TextInput label="They belong to patient" required maxLength={128} data-autofocus value={said.patientId} onChange={(e) => setSaid({ ...said, patientId: e.currentTarget.value })} />}
          <Textarea label="Why" required maxLength={500} value={said.reason} onChange={(e) => setSaid({ ...said, reason: e.currentTarget.value })} />
          {progress}
        </FormModal>
      ) : (
        <Confirm {...form} opened pending={act.isPending} error={act.error} onConfirm={() => act.mutate(deed)} color={deed.color ?? "cyan"}>
          <Undone problems={act.data} />
          {deed.about}
          <Names documents={documents} />
          {progress}
        </Confirm>
      ))}
    </Paper>
  );
}

/** What it is done to; two scans of two patients may have one name. */
function Names({ documents }: { documents: Document[] }) {
  return (
    <List size="sm" my="xs" aria-label="Documents">
      {documents.slice(0, NAMED).map((d) => <List.Item key={d.id} style={ANYWHERE}>{d.filename}{d.patientId && <Text span size="sm" c="dimmed">, {d.patientId}</Text>}</List.Item>)}
      {documents.length > NAMED && <List.Item>and {documents.length - NAMED} more</List.Item>}
    </List>
  );
}

function Undone({ problems = [], onClose }: { problems: Problem<Document>[] | undefined; onClose?: () => void }) {
  if (problems.length === 0) return null;
  return (
    <Alert color="red" my="xs" role="alert" title={`${problems.length} of them: it could not be done`} {...(onClose && { withCloseButton: true, onClose, closeButtonLabel: "Close" })}>
      {problems.slice(0, NAMED).map(({ of, message }) => <Text size="sm" key={of.id} style={ANYWHERE}>{of.filename}: {message}</Text>)}
      {problems.length > NAMED && <Text size="sm">and {problems.length - NAMED} more</Text>}
    </Alert>
  );
}

function Zip({ documents }: { documents: Document[] }) {
  const [done, setDone] = useState(0);
  const stop = useRef<AbortController>(undefined);
  const bytes = Math.max(1, documents.reduce((sum, document) => sum + document.size, 0));
  const make = useMutation({
    mutationFn: () => {
      stop.current = new AbortController();
      setDone(0);
      const name = `documents-${new Date().toISOString().slice(0, 10)}.zip`;
      return zip(documents, name, (step) => setDone(step.bytes), stop.current.signal);
    },
    meta: { reads: true },
  });
  useEffect(() => () => stop.current?.abort(), []);
  const given = make.error instanceof Error && make.error.name !== "AbortError" ? make.error.message : undefined;
  const problem = make.data?.length ? `Not in it: ${make.data.join(", ")}` : given;
  return (
    <>
      {make.isPending
        ? <><Progress w={120} value={(100 * done) / bytes} aria-label="Progress of the download" /><Button size="xs" variant="default" onClick={() => stop.current?.abort()}>Stop</Button></>
        : <Button size="xs" style={FIXED} leftSection={<IconDownload size={14} />} onClick={() => make.mutate()}>Download (ZIP)</Button>}
      {problem && <Text size="sm" c="red" role="alert">{problem}</Text>}
    </>
  );
}
