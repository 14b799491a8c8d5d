/** Who cares for a patient: these clinicians see the patient's documents. */
import { ActionIcon, Button, Card, Group, Stack, Text, TextInput, Title } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { IconPlus, IconX } from "@tabler/icons-react";
import { useState } from "react";
import { ApiError, api, data, fieldErrors } from "../../api";
import { Confirm } from "../../parts/Confirm";
import { FormModal } from "../../parts/FormModal";
import { When } from "../../parts/format";
import { Failed, Waiting } from "../../parts/states";
import { useRole } from "../../session";

export function CareTeam({ patientId }: { patientId: string }) {
  const is = useRole();
  const [adding, setAdding] = useState(false);
  const [out, setOut] = useState<string>();
  const path = (userId: string) => ({ params: { path: { patientId, userId } } });
  const team = useQuery({ queryKey: ["care-team", patientId], queryFn: () => data(api.GET("/api/patients/{patientId}/care-team", { params: { path: { patientId } } })) });
  const remove = useMutation({ mutationFn: (userId: string) => api.DELETE("/api/patients/{patientId}/care-team/{userId}", path(userId)), onSuccess: () => setOut(undefined) });
  const hidden = team.error instanceof ApiError && (team.error.status === 404 || team.error.status === 403);
  return (
    <Card withBorder padding="sm">
      <Group justify="space-between" mb="xs">
        <Title order={2} size="h4">Care team</Title>
        {is("admin") && <Button size="compact-sm" variant="light" leftSection={<IconPlus size={14} />} onClick={() => setAdding(true)}>Add</Button>}
      </Group>
      {team.isPending && <Waiting h={80} />}
      {hidden && <Text size="sm" c="dimmed">You are not in this patient&rsquo;s care team.</Text>}
      {team.error && !hidden && <Failed error={team.error} retry={() => team.refetch()} />}
      {team.data?.members.length === 0 && <Text size="sm" c="dimmed">Nobody yet: clinicians do not see this patient&rsquo;s documents where the clinic goes by care teams.</Text>}
      <Stack gap={6}>
        {team.data?.members.map((member) => (
          <Group key={member.userId} justify="space-between" wrap="nowrap" gap="xs">
            <div style={{ minWidth: 0 }}>
              <Text size="sm" fw={550} truncate>{member.userId}</Text>
              <Text size="xs" c="dimmed">since <When at={member.addedAt} /></Text>
            </div>
            {is("admin") && <ActionIcon variant="subtle" color="gray" onClick={() => setOut(member.userId)} aria-label={`Take ${member.userId} out`}><IconX size={15} /></ActionIcon>}
          </Group>
        ))}
      </Stack>
      {adding && <Add patientId={patientId} onClose={() => setAdding(false)} />}
      <Confirm opened={out !== undefined} title="Take out of the care team" action="Take out" pending={remove.isPending} error={remove.error} onConfirm={() => out && remove.mutate(out)} onClose={() => setOut(undefined)}>
        {out} does not see this patient&rsquo;s documents any more, where the clinic goes by care teams.
      </Confirm>
    </Card>
  );
}

function Add({ patientId, onClose }: { patientId: string; onClose: () => void }) {
  const [userId, setUserId] = useState("");
  const add = useMutation({
    mutationFn: () => api.PUT("/api/patients/{patientId}/care-team/{userId}", { params: { path: { patientId, userId: userId.trim() } } }),
    onSuccess: onClose,
  });
  return (
    <FormModal title="Add to the care team" action="Add" mutation={add} onClose={onClose} fields={["userId"]}>
      <TextInput label="Who" description="A clinician's name, or their id in your app" required data-autofocus maxLength={128} value={userId} error={fieldErrors(add.error).userId} onChange={(e) => setUserId(e.currentTarget.value)} />
    </FormModal>
  );
}
