import { Anchor, Badge, Group, List, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useSearchParams } from "react-router";
import { api, data, type Document } from "../../api";
import { When } from "../../parts/format";
import { Asked } from "../../parts/Until";

/** What this document replaced and what replaced it, the oldest first. */
export function Versions({ document }: { document: Document }) {
  const [, setParams] = useSearchParams();
  const path = { id: document.id };
  const chain = useQuery({ queryKey: ["versions", document.id], queryFn: () => data(api.GET("/api/docs/{id}/versions", { params: { path } })) });
  if (!chain.data) return <Asked query={chain} />;
  const show = (id: string) => setParams((old) => {
    const next = new URLSearchParams(old);
    next.set("doc", id);
    return next;
  });
  return (
    <>
    <Asked query={chain} />
    <List type="ordered" spacing="sm">
      {chain.data.items.map((version) => (
        <List.Item key={version.id}>
          <Group gap="xs">
            {version.id === document.id
              ? <Text size="sm" fw={600}>{version.filename}</Text>
              : <Anchor component="button" size="sm" onClick={() => show(version.id)}>{version.filename || version.id}</Anchor>}
            {version.id === chain.data.current && <Badge size="xs" color="teal">current</Badge>}
          </Group>
          <Text size="xs" c="dimmed"><When at={version.createdAt} /> by {version.uploadedBy}</Text>
        </List.Item>
      ))}
    </List>
    </>
  );
}
