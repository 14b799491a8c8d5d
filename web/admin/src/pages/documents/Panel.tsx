/** One document beside the list: what it looks like, what is known of it, and what may be done. */
import { Drawer, Group, Stack, Tabs, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { api, data } from "../../api";
import { Failed, Waiting } from "../../parts/states";
import { useFocusBack } from "../../parts/useFocusBack";
import { useRole } from "../../session";
import { Actions } from "./Actions";
import { Details } from "./Details";
import { Preview } from "./Preview";
import { State } from "./Rows";
import { Trail } from "./Trail";
import { Versions } from "./Versions";

export default function Panel({ id, onClose }: { id: string; onClose: () => void }) {
  useFocusBack();
  const works = useRole()("admin", "clinician", "staff");
  const found = useQuery({
    queryKey: ["document", id],
    queryFn: () => data(api.GET("/api/docs/{id}", { params: { path: { id } } })),
    refetchInterval: (query) => (query.state.data?.state === "scanning" ? 2000 : false),
  });
  const document = found.data;
  const title = document ? (
    <Stack gap={2}>
      <Text fw={600} style={{ overflowWrap: "anywhere" }}>{document.filename || "A document that was erased"}</Text>
      <Group gap="xs"><State document={document} /></Group>
    </Stack>
  ) : "Document";
  return (
    <Drawer opened onClose={onClose} position="right" size="lg" title={title} closeButtonProps={{ "aria-label": "Close" }}>
      {found.isPending && <Waiting />}
      {found.error && <Failed error={found.error} retry={() => found.refetch()} />}
      {document && (
        <Stack>
          <Actions document={document} onClose={onClose} />
          <Tabs defaultValue={document.state === "available" ? "preview" : "details"} keepMounted={false}>
            <Tabs.List mb="sm">
              {document.state === "available" && <Tabs.Tab value="preview">Preview</Tabs.Tab>}
              <Tabs.Tab value="details">Details</Tabs.Tab>
              {(works || document.supersedes || document.supersededBy) && <Tabs.Tab value="versions">Versions</Tabs.Tab>}
              {works && <Tabs.Tab value="trail">Trail</Tabs.Tab>}
            </Tabs.List>
            <Tabs.Panel value="preview"><Preview document={document} /></Tabs.Panel>
            <Tabs.Panel value="details"><Details document={document} /></Tabs.Panel>
            <Tabs.Panel value="versions"><Versions document={document} /></Tabs.Panel>
            <Tabs.Panel value="trail"><Trail document={document} /></Tabs.Panel>
          </Tabs>
        </Stack>
      )}
    </Drawer>
  );
}
