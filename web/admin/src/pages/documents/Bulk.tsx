/** One action on everything that is marked; what failed is said by name and stays marked. */
import { Alert, Button, Group, Paper, Progress, Text } from "@mantine/core";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { api, type Document } from "../../api";
import { Confirm } from "../../parts/Confirm";
import { useRole } from "../../session";

export function Bulk({ documents, onDone }: { documents: Document[]; onDone: () => void }) {
  const is = useRole();
  const [asked, setAsked] = useState(false);
  const [past, setPast] = useState(0);
  const [failed, setFailed] = useState<string[]>([]);
  const trash = useMutation({
    mutationFn: async () => {
      const problems: string[] = [];
      setPast(0);
      for (const { id, filename } of documents) {
        await api.DELETE("/api/docs/{id}", { params: { path: { id } } }).catch((e: Error) => problems.push(`${filename}: ${e.message}`));
        setPast((count) => count + 1);
      }
      setFailed(problems);
      return problems;
    },
    onSuccess: (problems) => {
      setAsked(false);
      if (problems.length === 0) onDone();
    },
  });
  const removable = documents.every((document) => document.state === "available");
  return (
    <Paper withBorder p="xs" mb="sm">
      <Group justify="space-between">
        <Text size="sm" role="status">{documents.length} marked</Text>
        <Group gap="xs">
          {is("admin", "clinician", "staff") && removable && <Button size="xs" variant="light" color="red" onClick={() => setAsked(true)}>Move to the trash</Button>}
          <Button size="xs" variant="subtle" color="gray" onClick={onDone}>Unmark</Button>
        </Group>
      </Group>
      {failed.length > 0 && <Alert color="red" mt="xs" title={`${failed.length} could not be moved`}>{failed.map((text) => <Text size="sm" key={text}>{text}</Text>)}</Alert>}
      <Confirm opened={asked} title={`Move ${documents.length} to the trash`} action="Move to the trash" pending={trash.isPending} error={trash.error} onConfirm={() => trash.mutate()} onClose={() => setAsked(false)}>
        They can be taken out again until the trash is emptied.
        {trash.isPending && <Progress mt="sm" value={(100 * past) / documents.length} aria-label="Progress" />}
      </Confirm>
    </Paper>
  );
}
