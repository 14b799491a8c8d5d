/** One file of the drawer: what it is, how far it is, what can be done with it. */
import { ActionIcon, Anchor, Button, FileButton, Group, Progress, Select, Text, ThemeIcon } from "@mantine/core";
import { type Category, type ErrorCode, type Item, TEXTS, type Uploads } from "@strongroom/uploader";
import { IconAlertCircle, IconCheck, IconFile, IconPlayerPause, IconPlayerPlay, IconRefresh, IconX } from "@tabler/icons-react";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useEffect } from "react";
import { Link, type To } from "react-router";
import { api, data, type Document } from "../api";
import { category as nameOf, CATEGORIES, options } from "../pages/documents/words";
import { useAgain } from "../queries";
import { useChanged } from "./useUploads";
import { helpOf, statusOf } from "./words";

/** What a file is said to be, and whose. */
export interface About { category: Category | undefined; patientId: string }

interface Props {
  item: Item;
  uploads: Uploads;
  choose: (category: Category) => void;
  /** It was started, as this; for whom, where that can differ. */
  sent: About | undefined;
  about: About;
  whose: boolean;
  code: ErrorCode | undefined;
  /** What the dialog offers in its place. */
  accept: string;
  retry: () => void;
  /** Where its document is shown. */
  to: (id: string) => To;
  onGone: () => void;
}

const OFFERED = options(CATEGORIES);
const OTHER = "Choose another file";
const whom = ({ patientId }: About) => patientId || "no patient";

export function FileRow({ item, uploads, choose, sent, about: { category, patientId }, whose, code, accept, retry, to, onGone }: Props) {
  const { id, name, phase, progress, document } = item;
  const state = useStateOf(document);
  const wrong = phase === "failed" || phase === "refused" || state === "quarantined";
  const help = helpOf(item, code);
  const open = (phase === "waiting" && !sent) || help === "again" || help === "about";
  const again = help === "again" || (help === "about" && (sent?.category !== category || sent?.patientId !== patientId));
  const moving = phase === "checking" || phase === "uploading" || phase === "paused" || phase === "finishing";
  const about = sent && !open && !help ? [category && nameOf(category), whose && whom(sent)].filter(Boolean).join(", ") : "";
  const remove = () => {
    uploads.remove(id);
    onGone();
  };
  const replace = (file: File | null) => {
    if (!file) return;
    remove();
    void uploads.add([file]);
  };
  return (
    <Group component="li" gap="sm" wrap="nowrap" align="flex-start" py="xs" data-phase={phase} style={{ borderTop: "1px solid var(--mantine-color-default-border)" }}>
      <ThemeIcon variant="light" color={wrong ? "red" : phase === "done" ? "teal" : "gray"} mt={2}>
        {wrong ? <IconAlertCircle size={17} /> : phase === "done" ? <IconCheck size={17} /> : <IconFile size={17} />}
      </ThemeIcon>
      <div style={{ flex: 1, minWidth: 0 }}>
        {phase === "done" && document
          ? <Anchor component={Link} to={to(document.id)} size="sm" fw={550} display="block" style={{ overflowWrap: "anywhere" }}>{name}</Anchor>
          : <Text size="sm" fw={550} style={{ overflowWrap: "anywhere" }}>{name}</Text>}
        <Text size="xs" c={wrong ? "var(--mantine-color-error)" : "dimmed"} style={{ overflowWrap: "anywhere" }}>
          {statusOf(item, Boolean(sent), state)}{about && `, ${about}`}
        </Text>
        {moving && <Bar name={name} phase={phase} value={phase === "checking" ? 0 : Math.round(progress * 100)} />}
        {help === "again" && sent && whose && <Text size="xs" c="dimmed" style={{ overflowWrap: "anywhere" }}>{whom(sent)}</Text>}
        {help === "about" && !again && <Text size="xs" c="dimmed">{whose ? "Choose another category or patient to try again." : "Choose another category to try again."}</Text>}
        {open && (
          <Select size="xs" mt={6} maw={220} aria-label={`Category of ${name}`} data={OFFERED} value={category ?? null} placeholder="Asking the server" allowDeselect={false}
            onChange={(to) => to && choose(to as Category)} />
        )}
        {help === "other" && (
          <FileButton accept={accept} onChange={replace}>
            {(props) => <Button {...props} size="compact-xs" variant="light" mt={6} aria-label={TEXTS.of(OTHER, name)}>{OTHER}</Button>}
          </FileButton>
        )}
      </div>
      <Group gap={2} wrap="nowrap">
        {phase === "uploading" && <Action label={TEXTS.of(TEXTS.pause, name)} onClick={() => uploads.pause(id)}><IconPlayerPause size={16} /></Action>}
        {phase === "paused" && <Action label={TEXTS.of(TEXTS.resume, name)} onClick={() => uploads.resume(id)}><IconPlayerPlay size={16} /></Action>}
        {again && <Action label={TEXTS.of(TEXTS.retry, name)} onClick={retry}><IconRefresh size={16} /></Action>}
        <Action label={TEXTS.of(moving ? TEXTS.cancel : phase === "done" || phase === "refused" ? TEXTS.dismiss : TEXTS.remove, name)} onClick={remove}><IconX size={16} /></Action>
      </Group>
    </Group>
  );
}

function Bar({ name, phase, value }: { name: string; phase: Item["phase"]; value: number }) {
  const ending = phase === "finishing";
  return (
    <Progress.Root size="sm" mt={6}>
      <Progress.Section value={value} aria-label={name} animated={ending} striped={ending} {...(phase === "paused" && { color: "gray.6" })} />
    </Progress.Root>
  );
}

function Action({ label, onClick, children }: { label: string; onClick: () => void; children: ReactNode }) {
  return <ActionIcon variant="subtle" color="gray" aria-label={label} title={label} onClick={onClick}>{children}</ActionIcon>;
}

/** A document's state; while the scanner is at it, asked for until it has spoken. */
function useStateOf(document: Item["document"]): string | undefined {
  const scanning = document?.state === "scanning";
  const changed = useChanged();
  const again = useAgain<Document>((of) => (of?.state ?? "scanning") === "scanning");
  const found = useQuery({
    queryKey: ["document", document?.id],
    queryFn: () => data(api.GET("/api/docs/{id}", { params: { path: { id: document?.id ?? "" } } })),
    enabled: scanning,
    refetchInterval: (query) => (query.state.error ? false : again(query)),
    retry: false,
  });
  const state = scanning ? (found.data?.state ?? "scanning") : document?.state;
  const spoken = scanning && state !== "scanning";
  useEffect(() => { if (spoken) changed(); }, [spoken, changed]);
  return state;
}
