/** One document beside the list: what it looks like, what is known of it, and what may be done. */
import { Drawer, Group, Stack, Tabs, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, data, type Document } from "../../api";
import { Failed, Waiting } from "../../parts/states";
import { useFocusBack } from "../../parts/useFocusBack";
import { useAgain } from "../../queries";
import { useRole } from "../../session";
import { Actions } from "./Actions";
import { Details } from "./Details";
import { Preview } from "./Preview";
import { State } from "./Rows";
import { Trail } from "./Trail";
import { Versions } from "./Versions";

export default function Panel({ id, onClose }: { id: string; onClose: () => void }) {
  useFocusBack();
  const found = useQuery({
    queryKey: ["document", id],
    queryFn: () => data(api.GET("/api/docs/{id}", { params: { path: { id } } })),
    refetchInterval: useAgain<Document>((of) => of?.state === "scanning"),
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
        // What was asked or typed of one document must not come upon another.
        <Stack key={id}>
          <Actions document={document} onClose={onClose} />
          <Sides document={document} />
        </Stack>
      )}
    </Drawer>
  );
}

const SIDES = { preview: ["Preview", Preview], details: ["Details", Details], versions: ["Versions", Versions], trail: ["Trail", Trail] } as const;
type Side = keyof typeof SIDES;

/** What can be looked at; a side that is not there any more, as when the document went to the trash, gives way to the first. */
function Sides({ document }: { document: Document }) {
  const works = useRole()("admin", "clinician", "staff");
  const [chosen, choose] = useState<Side>();
  const there: Record<Side, boolean> = {
    preview: document.state === "available",
    details: true,
    versions: works || Boolean(document.supersedes ?? document.supersededBy),
    trail: works,
  };
  const offered = (Object.keys(SIDES) as Side[]).filter((side) => there[side]);
  const shown = offered.find((side) => side === chosen) ?? offered[0] ?? "details";
  const Shown = SIDES[shown][1];
  return (
    <Tabs value={shown} onChange={(to) => choose(to as Side)} keepMounted={false}>
      <Tabs.List mb="sm">{offered.map((side) => <Tabs.Tab key={side} value={side}>{SIDES[side][0]}</Tabs.Tab>)}</Tabs.List>
      <Tabs.Panel value={shown}><Shown document={document} /></Tabs.Panel>
    </Tabs>
  );
}
