/** Pictures that the server draws: TIFF by page, HEIC, DICOM by frame with its grey values chosen. Never for a diagnosis. */
import { Box, Button, Group, Image, NumberInput, Pagination, Text } from "@mantine/core";
import { useDebouncedValue } from "@mantine/hooks";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { answerOf } from "../../api";
import { Failed, Waiting } from "../../parts/states";
import { useObjectUrl } from "../../parts/useObjectUrl";
import { LOOK } from "../../queries";
import type { Shown } from "./Preview";

/** Window centre and width: which grey values of a DICOM picture are told apart. */
interface Window { centre: number; width: number }

export function Drawn({ document }: Shown) {
  const [page, setPage] = useState(1);
  const [chosen, setChosen] = useState<Window>();
  const [window] = useDebouncedValue(chosen, 400);
  const asked = new URLSearchParams({ size: "page", page: String(page) });
  if (window) {
    asked.set("wc", String(window.centre));
    asked.set("ww", String(window.width));
  }
  const url = `/api/docs/${document.id}/preview?${asked}`;
  const drawn = useQuery({
    queryKey: ["drawn", url],
    queryFn: async () => {
      const answer = await answerOf(fetch(url));
      const number = (name: string) => Number(answer.headers.get(name) ?? Number.NaN);
      return { picture: await answer.blob(), pages: number("x-page-count") || 1, centre: number("x-window-center"), width: number("x-window-width") };
    },
    placeholderData: keepPreviousData,
    ...LOOK,
  });
  const source = useObjectUrl(drawn.data?.picture);
  const last = useRef<{ pages: number; centre: number; width: number }>(undefined);
  if (drawn.data) last.current = drawn.data;
  if (!last.current) return drawn.error ? <Failed error={drawn.error} retry={() => drawn.refetch()} /> : <Waiting />;
  const { pages, centre, width } = last.current;
  const dicom = document.contentType === "application/dicom";
  const shown: Window = chosen ?? { centre, width };
  return (
    <Box aria-busy={drawn.isFetching}>
      {/* A page or a window that cannot be drawn leaves those that can within reach. */}
      {drawn.error ? <Failed error={drawn.error} retry={() => drawn.refetch()} /> : !source && <Waiting />}
      {!drawn.error && source && <Image src={source} alt={document.filename} fit="contain" mah="65vh" radius="sm" bg={dicom ? "black" : "var(--mantine-color-default-hover)"} />}
      {pages > 1 && (
        <Group justify="center" mt="sm">
          <Pagination total={pages} value={page} onChange={setPage} size="sm" siblings={0} getItemProps={(to) => ({ "aria-label": `${dicom ? "Frame" : "Page"} ${to}` })} getControlProps={(control) => ({ "aria-label": control })} />
        </Group>
      )}
      {dicom && Number.isFinite(shown.centre) && (
        <Group mt="sm" gap="sm" align="flex-end">
          <NumberInput label="Window centre" value={shown.centre} step={10} w={130} onChange={(to) => typeof to === "number" && setChosen({ ...shown, centre: to })} />
          <NumberInput label="Window width" value={shown.width} min={1} step={10} w={130} onChange={(to) => typeof to === "number" && to >= 1 && setChosen({ ...shown, width: to })} />
          {chosen && <Button variant="subtle" onClick={() => setChosen(undefined)}>As in the file</Button>}
        </Group>
      )}
      <Text size="xs" c="dimmed" mt="xs">{dicom ? "A preview, not for diagnosis: download the file for a viewer." : "A preview made by the server; the download is the original."}</Text>
    </Box>
  );
}
