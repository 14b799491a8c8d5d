/** Who is told what happens to documents, and whether it arrives. */
import { Badge, Button, Drawer, Group, Menu, MultiSelect, Stack, Table, Text, TextInput, UnstyledButton, VisuallyHidden } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { IconDots, IconPlus, IconWebhook } from "@tabler/icons-react";
import { useState } from "react";
import { api, data, fieldErrors, type Schemas } from "../../api";
import { Confirm } from "../../parts/Confirm";
import { FormModal } from "../../parts/FormModal";
import { When } from "../../parts/format";
import { Secret } from "../../parts/Secret";
import { Empty, Failed } from "../../parts/states";
import { Asked } from "../../parts/Until";
import { Deliveries } from "./Deliveries";

type Webhook = Schemas["WebhookJson"];
type Event = NonNullable<Schemas["CreateWebhook"]["events"]>[number];
const EVERYTHING = "*";
/** All that the contract names: one that is missing here does not compile. */
const EVENTS: Record<Event, string> = {
  [EVERYTHING]: "everything", "document.scanning": "waits for the scanner", "document.available": "can be opened", "document.quarantined": "did not pass the scanner",
  "document.refused": "was refused", "document.superseded": "has a newer version", "document.edited": "has another name or category", "document.moved": "belongs to another patient",
  "document.released": "is shown to the patient", "document.withdrawn": "is no longer shown to the patient", "document.deleted": "went to the trash", "document.restored": "came out of the trash",
  "document.purged": "was erased", "document.held": "is under legal hold", "document.hold_lifted": "is under legal hold no more", "upload.abandoned": "an upload never completed",
};
const OFFERED = Object.entries(EVENTS).map(([value, about]) => ({ value: value as Event, label: value === EVERYTHING ? about : `${value}: ${about}` }));
const WHY: Record<string, string> = { "by hand": "switched off", gone: "it said it is gone", failing: "it took nothing for five days" };

export default function Webhooks() {
  const hooks = useQuery({ queryKey: ["webhooks"], queryFn: () => data(api.GET("/api/webhooks")) });
  const [editing, setEditing] = useState<Webhook | "new">();
  const [shown, setShown] = useState<string>();
  const [out, setOut] = useState<Webhook>();
  const [renewed, setRenewed] = useState<Webhook>();
  const [secret, setSecret] = useState<string>();
  const path = (webhookId: string) => ({ params: { path: { webhookId } } });
  const remove = useMutation({ mutationFn: (id: string) => api.DELETE("/api/webhooks/{webhookId}", path(id)), onSuccess: () => setOut(undefined) });
  const change = useMutation({ mutationFn: ({ id, enabled }: Webhook) => api.PATCH("/api/webhooks/{webhookId}", { ...path(id), body: { enabled: !enabled } }) });
  const rotate = useMutation({
    mutationFn: (id: string) => data(api.POST("/api/webhooks/{webhookId}/rotate-secret", path(id))),
    onSuccess: (answer) => {
      setRenewed(undefined);
      setSecret(answer.secret);
    },
  });
  const test = useMutation({ mutationFn: (id: string) => api.POST("/api/webhooks/{webhookId}/test", path(id)), onSuccess: (_, id) => setShown(id) });
  if (!hooks.data) return <Asked query={hooks} />;
  const failed = change.error ?? test.error;
  return (
    <Stack>
      <Asked query={hooks} />
      <Group justify="flex-end"><Button leftSection={<IconPlus size={16} />} onClick={() => setEditing("new")}>Add a webhook</Button></Group>
      {failed && <Failed error={failed} />}
      {hooks.data.items.length === 0 ? <Empty icon={IconWebhook} title="No webhooks">An app that wants to know when a document has come, or has been quarantined, gives its address here.</Empty> : (
        <Table.ScrollContainer minWidth={0}>
          <Table highlightOnHover verticalSpacing="xs">
            <Table.Thead><Table.Tr><Table.Th>Address</Table.Th><Table.Th visibleFrom="sm">Is told of</Table.Th><Table.Th>State</Table.Th><Table.Th visibleFrom="sm">Added</Table.Th><Table.Th><VisuallyHidden>Actions</VisuallyHidden></Table.Th></Table.Tr></Table.Thead>
            <Table.Tbody>
              {hooks.data.items.map((hook) => (
                <Table.Tr key={hook.id}>
                  <Table.Td maw={{ base: 0, sm: 200 }} w={{ base: "100%", sm: "auto" }}>
                    <UnstyledButton onClick={() => setShown(hook.id)} maw="100%" style={{ display: "block" }}><Text size="sm" fw={550} lineClamp={3} style={{ overflowWrap: "anywhere" }}>{hook.url}</Text></UnstyledButton>
                    {hook.description && <Text size="xs" c="dimmed" truncate>{hook.description}</Text>}
                  </Table.Td>
                  <Table.Td visibleFrom="sm"><Text size="sm">{told(hook.events)}</Text></Table.Td>
                  <Table.Td><State hook={hook} /></Table.Td>
                  <Table.Td visibleFrom="sm"><Text size="sm" component="span"><When at={hook.createdAt} /></Text></Table.Td>
                  <Table.Td ta="right">
                    <Menu position="bottom-end">
                      <Menu.Target><Button size="compact-sm" variant="subtle" color="gray" aria-label={`Actions for ${hook.url}`}><IconDots size={16} /></Button></Menu.Target>
                      <Menu.Dropdown>
                        <Menu.Item onClick={() => setShown(hook.id)}>Its messages</Menu.Item>
                        <Menu.Item disabled={!hook.enabled} onClick={() => test.mutate(hook.id)}>Send a test</Menu.Item>
                        <Menu.Item onClick={() => setEditing(hook)}>Change</Menu.Item>
                        <Menu.Item onClick={() => change.mutate(hook)}>{hook.enabled ? "Switch off" : "Switch on"}</Menu.Item>
                        <Menu.Item onClick={() => { rotate.reset(); setRenewed(hook); }}>Give a new secret</Menu.Item>
                        <Menu.Item color="red" onClick={() => setOut(hook)}>Remove</Menu.Item>
                      </Menu.Dropdown>
                    </Menu>
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      {editing && <Edit hook={editing === "new" ? undefined : editing} onClose={() => setEditing(undefined)} onMade={setSecret} />}
      <Secret what="What its messages are signed with" text={secret} onClose={() => setSecret(undefined)} />
      <Confirm opened={renewed !== undefined} title="Give a new secret" action="Give a new secret" pending={rotate.isPending} error={rotate.error} onConfirm={() => renewed && rotate.mutate(renewed.id)} onClose={() => setRenewed(undefined)}>
        What {renewed?.url} is sent carries both signatures for a day, then only that of the new secret. Whoever takes the messages has to know it by then.
      </Confirm>
      <Confirm opened={out !== undefined} title="Remove a webhook" action="Remove" pending={remove.isPending} error={remove.error} onConfirm={() => out && remove.mutate(out.id)} onClose={() => setOut(undefined)}>
        {out?.url} is told nothing any more; what waits for it is thrown away.
      </Confirm>
      <Drawer opened={shown !== undefined} onClose={() => setShown(undefined)} position="right" size="lg" title="Messages of a webhook" closeButtonProps={{ "aria-label": "Close" }}>
        {shown && <Deliveries webhookId={shown} />}
      </Drawer>
    </Stack>
  );
}

function told(events: string[]): string {
  if (events.length === 0 || events.includes(EVERYTHING)) return "everything";
  return events.length > 2 ? `${events.length} events` : events.join(", ");
}

function State({ hook }: { hook: Webhook }) {
  if (!hook.enabled) return <><Badge color={hook.disabledReason === "by hand" ? "gray" : "red"}>off</Badge><Text size="xs" c="dimmed">{WHY[hook.disabledReason ?? ""] ?? hook.disabledReason}</Text></>;
  if (hook.failingSince) return <><Badge color="yellow">failing</Badge><Text size="xs" c="dimmed">since <When at={hook.failingSince} /></Text></>;
  return <Badge color="teal">on</Badge>;
}

function Edit({ hook, onClose, onMade }: { hook: Webhook | undefined; onClose: () => void; onMade: (secret: string) => void }) {
  const [url, setUrl] = useState(hook?.url ?? "");
  const [events, setEvents] = useState<Event[]>((hook?.events as Event[] | undefined) ?? [EVERYTHING]);
  const [description, setDescription] = useState(hook?.description ?? "");
  const asked: Event[] = events.length ? events : [EVERYTHING];
  const body = { url, events: asked, description };
  const keep = useMutation({
    mutationFn: async () => {
      if (hook) await api.PATCH("/api/webhooks/{webhookId}", { params: { path: { webhookId: hook.id } }, body });
      else return (await data(api.POST("/api/webhooks", { body }))).secret;
    },
    onSuccess: (secret) => {
      onClose();
      if (secret) onMade(secret);
    },
  });
  const fields = fieldErrors(keep.error);
  return (
    <FormModal title={hook ? "Change a webhook" : "Add a webhook"} action={hook ? "Save" : "Add"} mutation={keep} onClose={onClose} fields={["url", "events", "description"]}>
      <TextInput label="Address" description="Where messages go by POST; https" type="url" required data-autofocus value={url} error={fields.url} onChange={(e) => setUrl(e.currentTarget.value)} />
      <MultiSelect label="Is told of" data={OFFERED} value={events} error={fields.events} onChange={setEvents} searchable />
      <TextInput label="What it is for" maxLength={255} value={description} error={fields.description} onChange={(e) => setDescription(e.currentTarget.value)} />
      {!hook && <Text size="sm" c="dimmed">The secret its messages are signed with is shown to you once.</Text>}
    </FormModal>
  );
}
