import { Badge, Button, Group, NumberInput, Select, Stack, Table, TextInput, VisuallyHidden } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { IconKey, IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { api, data, fieldErrors, type Schemas } from "../../api";
import { Confirm } from "../../parts/Confirm";
import { FormModal } from "../../parts/FormModal";
import { Id, When } from "../../parts/format";
import { Secret } from "../../parts/Secret";
import { Empty } from "../../parts/states";
import { Asked } from "../../parts/Until";

type Key = Schemas["KeyJson"];
const COLORS: Record<string, string> = { valid: "teal", expired: "yellow", revoked: "gray" };

export function Keys() {
  const keys = useQuery({ queryKey: ["keys"], queryFn: () => data(api.GET("/api/keys")) });
  const [adding, setAdding] = useState(false);
  const [ending, setEnding] = useState<Key>();
  const [made, setMade] = useState<string>();
  const revoke = useMutation({
    mutationFn: (id: string) => api.DELETE("/api/keys/{id}", { params: { path: { id } } }),
    onSuccess: () => setEnding(undefined),
  });
  if (!keys.data) return <Asked query={keys} />;
  return (
    <Stack>
      <Asked query={keys} />
      <Group justify="flex-end"><Button leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>Make a key</Button></Group>
      {keys.data.keys.length === 0 ? <Empty icon={IconKey} title="No API keys">Your app&rsquo;s server calls Strongroom with a key. Make one for each app.</Empty> : (
        <Table.ScrollContainer minWidth={0}>
          <Table highlightOnHover verticalSpacing="xs">
            <Table.Thead><Table.Tr><Table.Th>For</Table.Th><Table.Th visibleFrom="sm">Id</Table.Th><Table.Th visibleFrom="sm">Role</Table.Th><Table.Th>State</Table.Th><Table.Th visibleFrom="md">Made</Table.Th><Table.Th visibleFrom="sm">Ends</Table.Th><Table.Th><VisuallyHidden>Actions</VisuallyHidden></Table.Th></Table.Tr></Table.Thead>
            <Table.Tbody>
              {keys.data.keys.map((key) => (
                <Table.Tr key={key.id}>
                  <Table.Td>{key.name}</Table.Td>
                  <Table.Td visibleFrom="sm"><Id id={key.id} /></Table.Td>
                  <Table.Td visibleFrom="sm">{key.role}</Table.Td>
                  <Table.Td><Badge color={COLORS[key.state] ?? "gray"}>{key.state}</Badge></Table.Td>
                  <Table.Td visibleFrom="md"><When at={key.createdAt} /></Table.Td>
                  <Table.Td visibleFrom="sm">{key.expiresAt ? <When at={key.expiresAt} /> : "never"}</Table.Td>
                  <Table.Td ta="right">{key.state === "valid" && <Button size="compact-sm" variant="subtle" color="red" onClick={() => setEnding(key)}>Revoke</Button>}</Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      <Make opened={adding} onClose={() => setAdding(false)} onMade={setMade} />
      <Secret what="Your new key" text={made} onClose={() => setMade(undefined)} />
      <Confirm opened={ending !== undefined} title="Revoke a key" action="Revoke" pending={revoke.isPending} error={revoke.error}
        onConfirm={() => ending && revoke.mutate(ending.id)} onClose={() => setEnding(undefined)}>
        What uses the key &ldquo;{ending?.name}&rdquo; stops working within five seconds. A revoked key cannot be brought back.
      </Confirm>
    </Stack>
  );
}

const ROLES = ["service", "admin", "clinician", "staff", "auditor"];

function Make({ opened, onClose, onMade }: { opened: boolean; onClose: () => void; onMade: (key: string) => void }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState("service");
  const [days, setDays] = useState<number | string>(365);
  const make = useMutation({
    mutationFn: () => data(api.POST("/api/keys", { body: { name, role, expiresInDays: typeof days === "number" ? days : null } })),
    onSuccess: (answer) => {
      setName("");
      onClose();
      onMade(answer.key);
    },
  });
  const fields = fieldErrors(make.error);
  return (
    <FormModal opened={opened} title="Make a key" action="Make" mutation={make} onClose={onClose} fields={["name", "role", "expiresInDays"]}>
      <TextInput label="What it is for" required data-autofocus maxLength={128} value={name} error={fields.name} onChange={(e) => setName(e.currentTarget.value)} />
      <Select label="Role" description="service: an app that names the people it acts for" required allowDeselect={false} data={ROLES} value={role} error={fields.role} onChange={(to) => to && setRole(to)} />
      <NumberInput label="Ends after" description="Empty: never" suffix=" days" min={1} max={3650} allowDecimal={false} value={days} error={fields.expiresInDays} onChange={setDays} />
    </FormModal>
  );
}
