/** Files on their way in: what they are and whose, then how far each is. It asks before it ends what is under way. */
import { Alert, Button, Drawer, FileButton, Group, Paper, Select, Stack, Text, TextInput, VisuallyHidden } from "@mantine/core";
import { type Category, dialogAccept, formatLimit, type Item, kinds, TEXTS } from "@strongroom/uploader";
import { useEffect, useRef, useState } from "react";
import { useLocation } from "react-router";
import { CATEGORIES, options } from "../pages/documents/words";
import { Confirm } from "../parts/Confirm";
import { type About, FileRow } from "./FileRow";
import { sending } from "./sending";
import type { Target } from "./Uploading";
import { useCategories } from "./useCategories";
import { useUploads } from "./useUploads";
import { helpOf } from "./words";

interface Props extends Target {
  path: string;
  files: readonly File[];
  onClose: () => void;
}

type Sent = ReadonlyMap<string, About>;
const MOVING: ReadonlySet<Item["phase"]> = new Set(["checking", "uploading", "paused", "finishing"]);
const LIST = { listStyle: "none", margin: 0, padding: 0 };
const FOOT = { position: "sticky", bottom: 0, background: "var(--mantine-color-body)", borderTop: "1px solid var(--mantine-color-default-border)" } as const;

export default function UploadDrawer({ patientId: given, replaces, path, files, onClose }: Props) {
  const { uploads, snapshot, codeOf } = useUploads(files, replaces?.id);
  const { items, offline, said } = snapshot;
  const accept = dialogAccept(undefined, snapshot.types);
  const { categories, choose } = useCategories(items, replaces?.category);
  const [patient, setPatient] = useState("");
  const [sent, setSent] = useState<Sent>(new Map());
  const [asking, setAsking] = useState(false);
  const button = useRef<HTMLButtonElement>(null);
  const place = useLocation();
  const shown = new URLSearchParams(place.search).has("doc");
  const waiting = items.filter(({ id, phase }) => phase === "waiting" && !sent.has(id));
  const busy = items.some(({ id, phase }) => MOVING.has(phase) || (phase === "waiting" && sent.has(id)));
  // What is paused waits for a person, who may have left.
  const moves = items.some(({ phase }) => MOVING.has(phase) && phase !== "paused");
  useEffect(() => (moves ? sending() : undefined), [moves]);
  const patientId = given ?? patient.trim();

  const describe = (id: string, whose = patientId) => {
    const category = categories[id];
    uploads?.describe(id, { ...(category && { category }), ...(whose && { patientId: whose }) });
    return [id, { category, patientId: whose }] as const;
  };
  const send = () => {
    const now = waiting.map(({ id }) => describe(id));
    choose(waiting.filter(({ id }) => !categories[id]).map(({ id }) => id), "other");
    setSent((old) => new Map([...old, ...now]));
    uploads?.start();
  };
  const retry = (item: Item) => {
    const { id } = item;
    // Where nothing was wrong with whose it is, it stays theirs: the field may be about the next file by now.
    const now = describe(id, helpOf(item, codeOf(item)) === "again" ? sent.get(id)?.patientId : undefined);
    setSent((old) => new Map([...old, now]));
    uploads?.retry(id);
  };
  const to = (id: string) => {
    const search = new URLSearchParams(place.pathname === path ? place.search : "");
    search.set("doc", id);
    return { pathname: path, search: search.toString() };
  };
  const close = () => (busy ? setAsking(true) : onClose());
  return (
    <Drawer opened onClose={close} closeOnEscape={!asking && !shown} position="right" size="lg" title={<Text fw={600} style={{ overflowWrap: "anywhere" }}>{replaces ? `A newer version of ${replaces.filename}` : "Upload documents"}</Text>} closeButtonProps={{ "aria-label": "Close" }}>
      <Stack gap="md">
        {replaces
          ? <Text size="sm">Once it is there, it is the current one. The old one is kept, as the version before.</Text>
          : <Whose given={given} patient={patient} onChange={setPatient} />}
        <Choose add={(more) => void uploads?.add(more)} button={button} accept={accept} kinds={kinds(undefined, snapshot.types)} most={snapshot.maxSize} />
        {offline && <Alert color="yellow" role="status">{TEXTS.offline}</Alert>}
        {waiting.length > 1 && <ForAll choose={(category) => choose(waiting.map(({ id }) => id), category)} />}
        {uploads && items.length > 0 && (
          <ul style={LIST} aria-label="Files">
            {items.map((item) => (
              <FileRow key={item.id} item={item} uploads={uploads} about={{ category: categories[item.id], patientId }} choose={(category) => choose([item.id], category)}
                sent={sent.get(item.id)} whose={given === undefined} code={codeOf(item)} accept={accept} retry={() => retry(item)} to={to} onGone={() => button.current?.focus()} />
            ))}
          </ul>
        )}
      </Stack>
      {items.length > 0 && (
        <Group justify="space-between" wrap="nowrap" py="sm" mt="sm" style={FOOT}>
          <Text size="sm" c="dimmed">{busy ? TEXTS.overall(items.filter(({ phase }) => phase === "done").length, items.filter(({ id }) => sent.has(id)).length) : summaryOf(items)}</Text>
          <Group gap="xs" justify="flex-end" style={{ flexShrink: 0 }}>
            {items.filter(({ phase }) => phase === "uploading").length > 1 && <Button variant="default" onClick={() => uploads?.pauseAll()}>{TEXTS.pauseAll}</Button>}
            {items.filter(({ phase }) => phase === "paused").length > 1 && <Button variant="default" onClick={() => uploads?.resumeAll()}>{TEXTS.resumeAll}</Button>}
            {waiting.length > 0
              ? <Button onClick={send} disabled={waiting.some(({ id }) => !categories[id])}>{TEXTS.start(waiting.length)}</Button>
              : <Button variant="default" onClick={close}>{busy ? "Stop" : "Done"}</Button>}
          </Group>
        </Group>
      )}
      <VisuallyHidden role="status" aria-live="polite">{said}</VisuallyHidden>
      <Confirm opened={asking} title="Stop the uploads?" action="Stop and close" pending={false} error={undefined} onConfirm={onClose} onClose={() => setAsking(false)}>
        Files are still being sent. What has not arrived is given up.
      </Confirm>
    </Drawer>
  );
}

function Whose({ given, patient, onChange }: { given: string | undefined; patient: string; onChange: (id: string) => void }) {
  if (given !== undefined) return <Text size="sm">For patient <Text span fw={600} style={{ overflowWrap: "anywhere" }}>{given}</Text></Text>;
  return (
    <TextInput label="Patient" description="Their id in your app. Left empty: documents of no patient." maxLength={128} value={patient} data-autofocus
      autoComplete="off" onChange={(e) => onChange(e.currentTarget.value)} />
  );
}

interface ChooseProps { add: (files: File[]) => void; button: { current: HTMLButtonElement | null }; accept: string; kinds: string; most: number | undefined }

/** The line of the limit is there before the server has said it: nothing moves then. */
function Choose({ add, button, accept, kinds, most }: ChooseProps) {
  const reset = useRef<() => void>(null);
  const take = (files: File[]) => {
    add(files);
    reset.current?.();
  };
  return (
    <Paper p="md" style={{ border: "1.5px dashed var(--mantine-color-dimmed)" }}>
      <Group justify="space-between" gap="sm">
        <div>
          <Text size="sm" fw={550} visibleFrom="xs">Drop files anywhere on the page</Text>
          <Text size="xs" c="dimmed">{kinds}</Text>
          <Text size="xs" c="dimmed" mih="1lh">{most !== undefined && `Up to ${formatLimit(most)} each`}</Text>
        </div>
        <FileButton multiple accept={accept} onChange={take} resetRef={reset}>
          {(props) => <Button {...props} ref={button} variant="light">{TEXTS.choose}</Button>}
        </FileButton>
      </Group>
    </Paper>
  );
}

function ForAll({ choose }: { choose: (category: Category) => void }) {
  return <Select label="Category of all" placeholder="each as its name says" data={options(CATEGORIES)} value={null} onChange={(to) => to && choose(to as Category)} />;
}

function summaryOf(items: readonly Item[]): string {
  const done = items.filter(({ phase }) => phase === "done").length;
  const wrong = items.filter(({ phase }) => phase === "failed" || phase === "refused").length;
  return [done > 0 && TEXTS.allDone(done), wrong > 0 && TEXTS.someFailed(wrong)].filter(Boolean).join(", ");
}
