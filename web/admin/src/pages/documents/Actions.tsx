/** What the caller may do to a document; the server refuses what the page should not have offered. */
import { Alert, Button, Group, Menu, Select, Stack, Text, Textarea, TextInput } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { IconDots, IconDownload } from "@tabler/icons-react";
import { useState } from "react";
import { ApiError, api, type Document, fieldErrors } from "../../api";
import { Confirm } from "../../parts/Confirm";
import { FormModal } from "../../parts/FormModal";
import { Failed } from "../../parts/states";
import { useRole } from "../../session";
import { useUploading } from "../../upload/Uploading";
import { saveDocument } from "./content";
import { CATEGORIES, options } from "./words";

type Asked = "trash" | "erase" | "edit" | "move" | "hold" | "lift" | "withdraw" | undefined;

export function Actions({ document: d, onClose }: { document: Document; onClose: () => void }) {
  const is = useRole();
  const [asked, setAsked] = useState<Asked>();
  const done = () => setAsked(undefined);
  const { open, isOpen } = useUploading();
  const replace = () => {
    onClose();
    open({ replaces: d, ...(d.patientId && { patientId: d.patientId }) });
  };
  const path = { params: { path: { id: d.id } } };
  const download = useMutation({
    mutationFn: () => saveDocument(d),
    meta: { reads: true },
  });
  const trash = useMutation({ mutationFn: () => api.DELETE("/api/docs/{id}", path), onSuccess: done });
  const erase = useMutation({ mutationFn: () => api.DELETE("/api/docs/{id}", { params: { path: { id: d.id }, query: { permanent: true } } }), onSuccess: done });
  const restore = useMutation({ mutationFn: () => api.POST("/api/docs/{id}/restore", path) });
  const rescan = useMutation({ mutationFn: () => api.POST("/api/docs/{id}/scan", path) });
  const retrieve = useMutation({ mutationFn: () => api.POST("/api/docs/{id}/retrieval", { ...path, body: {} }) });
  const release = useMutation({ mutationFn: () => api.PUT("/api/docs/{id}/release", { ...path, body: { state: "released" } }) });
  const works = is("admin", "clinician", "staff");
  const there = d.state === "available";
  const archived = download.error instanceof ApiError && download.error.code === "archived";
  const failed = (archived ? undefined : download.error) ?? restore.error ?? rescan.error ?? release.error ?? retrieve.error;
  const kept = there || d.state === "deleted" || d.state === "quarantined" || d.state === "scanning";
  return (
    <Stack gap="xs">
      <Group gap="xs">
        {there && <Button size="sm" leftSection={<IconDownload size={16} />} loading={download.isPending} onClick={() => download.mutate()}>Download</Button>}
        {d.state === "deleted" && works && <Button size="sm" loading={restore.isPending} onClick={() => restore.mutate()}>Take out of the trash</Button>}
        {d.state === "quarantined" && is("admin") && <Button size="sm" loading={rescan.isPending} onClick={() => rescan.mutate()}>Scan again</Button>}
        {works && kept && (there || is("admin")) && (
          <Menu position="bottom-start" withinPortal={false}>
            <Menu.Target><Button size="sm" variant="default" aria-label="More actions"><IconDots size={16} /></Button></Menu.Target>
            <Menu.Dropdown>
              {there && <Menu.Item disabled={d.onHold} onClick={() => setAsked("edit")}>Change name or category</Menu.Item>}
              {there && !d.supersededBy && <Menu.Item disabled={isOpen} onClick={replace}>Upload a newer version</Menu.Item>}
              {there && d.patientId && is("admin", "clinician") && <Menu.Item disabled={d.onHold} onClick={() => setAsked("move")}>Wrong patient: move</Menu.Item>}
              {there && d.patientId && !d.released && is("admin", "clinician") && <Menu.Item onClick={() => release.mutate()}>Release to the patient</Menu.Item>}
              {there && d.patientId && d.released && is("admin", "clinician") && <Menu.Item onClick={() => setAsked("withdraw")}>Withdraw from the patient</Menu.Item>}
              {there && is("admin") && <Menu.Item onClick={() => rescan.mutate()}>Scan again</Menu.Item>}
              {is("admin") && (d.onHold ? <Menu.Item onClick={() => setAsked("lift")}>Lift the legal hold</Menu.Item> : <Menu.Item onClick={() => setAsked("hold")}>Put under legal hold</Menu.Item>)}
              {there && <Menu.Item color="red" onClick={() => setAsked("trash")}>Move to the trash</Menu.Item>}
              {is("admin") && d.state !== "scanning" && <Menu.Item color="red" disabled={d.onHold} onClick={() => setAsked("erase")}>Erase for good</Menu.Item>}
            </Menu.Dropdown>
          </Menu>
        )}
      </Group>
      {archived && (
        <Alert color="yellow" title="It lies in an archive">
          <Text size="sm" mb="xs">A readable copy has to be asked for; it takes hours.</Text>
          {retrieve.isSuccess ? <Text size="sm" role="status">Asked for. Try the download again later.</Text>
            : works && <Button size="xs" variant="light" loading={retrieve.isPending} onClick={() => retrieve.mutate()}>Ask for a copy</Button>}
        </Alert>
      )}
      {failed && <Failed error={failed} />}
      <Confirm opened={asked === "trash"} title="Move to the trash" action="Move to the trash" pending={trash.isPending} error={trash.error} onConfirm={() => trash.mutate()} onClose={done}>
        Nobody can open it from there. It can be taken out again until the trash is emptied.
      </Confirm>
      <Confirm opened={asked === "erase"} title="Erase for good" action="Erase" pending={erase.isPending} error={erase.error} onConfirm={() => erase.mutate()} onClose={done}>
        The file is destroyed and cannot be brought back by anybody. That it was here stays in the trail.
      </Confirm>
      {asked === "edit" && <Edit document={d} onClose={done} />}
      {asked === "move" && <Move document={d} onClose={done} />}
      {(asked === "hold" || asked === "lift" || asked === "withdraw") && <WithReason what={asked} document={d} onClose={done} />}
    </Stack>
  );
}

function Edit({ document: d, onClose }: { document: Document; onClose: () => void }) {
  const [filename, setFilename] = useState(d.filename);
  const [category, setCategory] = useState<string>(d.category);
  const edit = useMutation({
    mutationFn: () => api.PATCH("/api/docs/{id}", { params: { path: { id: d.id } }, body: { ...(filename !== d.filename && { filename }), ...(category !== d.category && { category }) } }),
    onSuccess: onClose,
  });
  const fields = fieldErrors(edit.error);
  return (
    <FormModal title="Change name or category" action="Save" mutation={edit} onClose={onClose} fields={["filename", "category"]} idle={filename === d.filename && category === d.category}>
      <TextInput label="File name" required maxLength={255} value={filename} error={fields.filename} onChange={(e) => setFilename(e.currentTarget.value)} />
      <Select label="Category" allowDeselect={false} data={options(CATEGORIES)} value={category} error={fields.category} onChange={(to) => to && setCategory(to)} />
    </FormModal>
  );
}

function Move({ document: d, onClose }: { document: Document; onClose: () => void }) {
  const [patientId, setPatientId] = useState("");
  const [reason, setReason] = useState("");
  const move = useMutation({
    mutationFn: () => api.PATCH("/api/docs/{id}", { params: { path: { id: d.id } }, body: { patientId, reason } }),
    onSuccess: onClose,
  });
  return (
    <FormModal title="Wrong patient: move" action="Move" mutation={move} onClose={onClose} fields={["patientId", "reason"]}>
      <Text size="sm" c="dimmed">The move stands in the trail of both patients.</Text>
      <TextInput label="It belongs to patient" required maxLength={128} value={patientId} error={fieldErrors(move.error).patientId} onChange={(e) => setPatientId(e.currentTarget.value)} />
      <Textarea label="Why" required maxLength={500} value={reason} error={fieldErrors(move.error).reason} onChange={(e) => setReason(e.currentTarget.value)} />
    </FormModal>
  );
}

const WITH_REASON = {
  hold: ["Put under legal hold", "Hold", "It cannot be erased until the hold is lifted, whatever the retention says."],
  lift: ["Lift the legal hold", "Lift", "From then on retention and the trash apply to it again."],
  withdraw: ["Withdraw from the patient", "Withdraw", "The patient does not see it any more. A link they have already opened works for a few minutes."],
} as const;

function WithReason({ what, document: d, onClose }: { what: keyof typeof WITH_REASON; document: Document; onClose: () => void }) {
  const [reason, setReason] = useState("");
  const [title, action, about] = WITH_REASON[what];
  const path = { params: { path: { id: d.id } } };
  const act = useMutation({
    mutationFn: async () => {
      if (what === "hold") await api.PUT("/api/docs/{id}/hold", { ...path, body: { reason } });
      else if (what === "lift") await api.DELETE("/api/docs/{id}/hold", { ...path, body: { reason } });
      else await api.PUT("/api/docs/{id}/release", { ...path, body: { state: "withdrawn", reason } });
    },
    onSuccess: onClose,
  });
  return (
    <FormModal title={title} action={action} mutation={act} onClose={onClose} fields={["reason"]}>
      <Text size="sm" c="dimmed">{about}</Text>
      <Textarea label="Why" required maxLength={500} value={reason} error={fieldErrors(act.error).reason} onChange={(e) => setReason(e.currentTarget.value)} />
    </FormModal>
  );
}
