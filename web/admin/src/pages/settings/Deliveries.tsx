/** What a webhook was told lately, and what it answered. */
import { Badge, Button, Group, Stack, Text } from "@mantine/core";
import { useMutation, useQuery } from "@tanstack/react-query";
import { api, data } from "../../api";
import { Id, When } from "../../parts/format";
import { Empty, Failed } from "../../parts/states";
import { Asked } from "../../parts/Until";

const COLORS: Record<string, string> = { delivered: "teal", pending: "blue", failed: "red" };

const tries = (count: number) => (count === 0 ? "not sent yet" : count === 1 ? "sent once" : `sent ${count} times`);

export function Deliveries({ webhookId }: { webhookId: string }) {
  const hook = useQuery({
    queryKey: ["webhooks", webhookId],
    queryFn: () => data(api.GET("/api/webhooks/{webhookId}", { params: { path: { webhookId } } })),
    // Shown while somebody watches for an answer.
    refetchInterval: ({ state }) => (state.data?.deliveries.some((one) => one.state === "pending") ? 2000 : false),
  });
  const again = useMutation({ mutationFn: (deliveryId: string) => api.POST("/api/webhooks/{webhookId}/deliveries/{deliveryId}/retry", { params: { path: { webhookId, deliveryId } } }) });
  if (!hook.data) return <Asked query={hook} />;
  return (
    <Stack>
      <Asked query={hook} />
      <Text size="sm" style={{ overflowWrap: "anywhere" }}>{hook.data.url}</Text>
      {again.error && <Failed error={again.error} />}
      {hook.data.deliveries.length === 0 && <Empty title="No messages yet">Send a test to see whether one arrives.</Empty>}
      {hook.data.deliveries.map((one) => (
        <Group key={one.id} justify="space-between" align="flex-start" wrap="nowrap" gap="xs">
          <div style={{ minWidth: 0 }}>
            <Group gap="xs"><Text size="sm" fw={550}>{one.event}</Text><Badge size="sm" color={COLORS[one.state] ?? "gray"}>{one.state}</Badge></Group>
            <Text size="xs" c="dimmed" component="div"><When at={one.createdAt} />, {tries(one.attempts)}{one.answer && `, answer: ${one.answer}`}{one.state === "pending" && one.dueAt && <>, again <When at={one.dueAt} /></>}</Text>
            {one.documentId && <Group gap={4}><Text size="xs" c="dimmed">document</Text><Id id={one.documentId} /></Group>}
          </div>
          {one.state !== "pending" && <Button size="compact-xs" variant="default" loading={again.isPending && again.variables === one.id} onClick={() => again.mutate(one.id)}>Send again</Button>}
        </Group>
      ))}
    </Stack>
  );
}
