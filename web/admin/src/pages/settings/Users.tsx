import { Badge, Button, Group, Menu, Select, Stack, Table, TagsInput, Text, TextInput, VisuallyHidden } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { IconDots, IconPlus } from "@tabler/icons-react";
import { useState } from "react";
import { api, data, fieldErrors, type Schemas } from "../../api";
import { Confirm } from "../../parts/Confirm";
import { FormModal } from "../../parts/FormModal";
import { When } from "../../parts/format";
import { Secret } from "../../parts/Secret";
import { Empty, Failed } from "../../parts/states";
import { Asked } from "../../parts/Until";
import { useSession } from "../../session";

type User = Schemas["UserJson"];
interface Made { name: string; password: string }

export function Users() {
  const users = useQuery({ queryKey: ["users"], queryFn: () => data(api.GET("/api/users")) });
  const [adding, setAdding] = useState(false);
  const [out, setOut] = useState<User>();
  const [renewed, setRenewed] = useState<User>();
  const [made, setMade] = useState<Made>();
  const path = (name: string) => ({ params: { path: { name } } });
  const disable = useMutation({
    mutationFn: (name: string) => api.DELETE("/api/users/{name}", path(name)),
    onSuccess: () => setOut(undefined),
  });
  const enable = useMutation({ mutationFn: (name: string) => api.POST("/api/users/{name}/enable", path(name)) });
  const reset = useMutation({
    mutationFn: (name: string) => data(api.PUT("/api/users/{name}/password", { ...path(name), body: {} })),
    onSuccess: (answer) => {
      setRenewed(undefined);
      if (answer.password) setMade({ name: answer.name, password: answer.password });
    },
  });
  if (!users.data) return <Asked query={users} />;
  return (
    <Stack>
      <Asked query={users} />
      <Group justify="flex-end"><Button leftSection={<IconPlus size={16} />} onClick={() => setAdding(true)}>Add a user</Button></Group>
      {enable.error && <Failed error={enable.error} />}
      {users.data.users.length === 0 ? <Empty title="No users">People who sign in to these pages will stand here.</Empty> : (
        <Table.ScrollContainer minWidth={0}>
          <Table highlightOnHover verticalSpacing="xs">
            <Table.Thead><Table.Tr><Table.Th>Name</Table.Th><Table.Th>Role</Table.Th><Table.Th>State</Table.Th><Table.Th visibleFrom="sm">Added</Table.Th><Table.Th><VisuallyHidden>Actions</VisuallyHidden></Table.Th></Table.Tr></Table.Thead>
            <Table.Tbody>
              {users.data.users.map((user) => (
                <Table.Tr key={user.name}>
                  <Table.Td>{user.name}</Table.Td>
                  <Table.Td>{user.role}{user.patientIds?.length ? <Text size="xs" c="dimmed">{user.patientIds.join(", ")}</Text> : null}</Table.Td>
                  <Table.Td><State user={user} /></Table.Td>
                  <Table.Td visibleFrom="sm"><When at={user.createdAt} /></Table.Td>
                  <Table.Td ta="right">
                    <Actions user={user} onReset={() => { reset.reset(); setRenewed(user); }} onEnable={() => enable.mutate(user.name)} onDisable={() => setOut(user)} />
                  </Table.Td>
                </Table.Tr>
              ))}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      <Add opened={adding} onClose={() => setAdding(false)} onMade={setMade} />
      <Secret what={`Password of ${made?.name ?? ""}`} text={made?.password} onClose={() => setMade(undefined)} />
      <Confirm opened={renewed !== undefined} title="Give a new password" action="Give a new password" pending={reset.isPending} error={reset.error}
        onConfirm={() => renewed && reset.mutate(renewed.name)} onClose={() => setRenewed(undefined)}>
        {renewed?.name} will be signed out at once, and the password they have opens nothing any more. The new one is made and shown to you once.
      </Confirm>
      <Confirm opened={out !== undefined} title="Shut a user out" action="Shut out" pending={disable.isPending} error={disable.error}
        onConfirm={() => out && disable.mutate(out.name)} onClose={() => setOut(undefined)}>
        {out?.name} will be signed out at once and cannot sign in any more. You can let them in again later.
      </Confirm>
    </Stack>
  );
}

function State({ user }: { user: User }) {
  if (user.disabledAt) return <Badge color="gray">shut out</Badge>;
  if (user.lockedUntil && new Date(user.lockedUntil) > new Date()) return <Badge color="yellow">locked</Badge>;
  return <Badge color="teal">active</Badge>;
}

function Actions({ user, onReset, onEnable, onDisable }: { user: User; onReset: () => void; onEnable: () => void; onDisable: () => void }) {
  const self = useSession().user === user.name;
  return (
    // Of oneself nothing can be chosen: the focus has to have a place, for Escape to be heard.
    <Menu position="bottom-end" withInitialFocusPlaceholder={self}>
      <Menu.Target><Button size="compact-sm" variant="subtle" color="gray" aria-label={`Actions for ${user.name}`}><IconDots size={16} /></Button></Menu.Target>
      <Menu.Dropdown>
        {/* It would end this session before the new password was read. */}
        <Menu.Item disabled={self} onClick={onReset}>Give a new password</Menu.Item>
        {user.disabledAt ? <Menu.Item onClick={onEnable}>Let in again</Menu.Item> : <Menu.Item color="red" disabled={self} onClick={onDisable}>Shut out</Menu.Item>}
      </Menu.Dropdown>
    </Menu>
  );
}

const ROLES = ["admin", "clinician", "staff", "patient", "auditor"];

function Add({ opened, onClose, onMade }: { opened: boolean; onClose: () => void; onMade: (made: Made) => void }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState("clinician");
  const [patientIds, setPatientIds] = useState<string[]>([]);
  const add = useMutation({
    mutationFn: () => data(api.POST("/api/users", { body: { name, role, patientIds: role === "patient" ? patientIds : [] } })),
    onSuccess: (answer) => {
      setName("");
      setPatientIds([]);
      onClose();
      if (answer.password) onMade({ name: answer.name, password: answer.password });
    },
  });
  const fields = fieldErrors(add.error);
  return (
    <FormModal opened={opened} title="Add a user" action="Add" mutation={add} onClose={onClose} fields={["name", "role", "patientIds"]}>
      <TextInput label="Name" description="What they sign in with" required data-autofocus maxLength={128} value={name} error={fields.name} onChange={(e) => setName(e.currentTarget.value)} />
      <Select label="Role" required allowDeselect={false} data={ROLES} value={role} error={fields.role} onChange={(to) => to && setRole(to)} />
      {role === "patient" && <TagsInput label="Patients" description="Whose documents they see" required value={patientIds} error={fields.patientIds} onChange={setPatientIds} />}
      <Text size="sm" c="dimmed">A password is made and shown to you once.</Text>
    </FormModal>
  );
}
