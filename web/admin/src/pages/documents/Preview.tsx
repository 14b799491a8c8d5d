/** What a document looks like. The bytes come through the server, so that each look is in the trail. */
import { Alert, Box, Code, Image, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ComponentType, lazy, Suspense } from "react";
import type { Document } from "../../api";
import { answerOf } from "../../api";
import { Failed, Waiting } from "../../parts/states";
import { useObjectUrl } from "../../parts/useObjectUrl";
import { LOOK } from "../../queries";
import { contentOf } from "./content";
import { Csv } from "./Csv";
import { decode } from "./decode";

const Drawn = lazy(() => import("./Drawn").then((m) => ({ default: m.Drawn })));
const Pdf = lazy(() => import("./Pdf"));
/** As much of a text as somebody reads in a preview. */
const TEXT = 64 * 1024;

export interface Shown { document: Document; url: string }

/** How each type is shown; what is missing here has to be downloaded. */
const PREVIEWS: Record<string, ComponentType<Shown>> = {
  "image/jpeg": Picture,
  "image/png": Picture,
  "image/gif": Picture,
  "image/webp": Picture,
  "image/svg+xml": Drawing,
  "image/heic": Drawn,
  "image/tiff": Drawn,
  "application/dicom": Drawn,
  "application/pdf": Pdf,
  "text/plain": TextOf,
  "text/csv": TextOf,
};

export function Preview({ document }: { document: Document }) {
  const Kind = PREVIEWS[document.contentType];
  if (document.contentType === "application/vnd.age") return <Alert variant="light" color="gray">This file was sealed before it was sent, and nobody here can open it. Download it, and open it with the key it was sealed for.</Alert>;
  if (!Kind) return <Alert variant="light" color="gray">There is no preview of this type. Download the file to look at it.</Alert>;
  return <Suspense fallback={<Waiting />}><Kind document={document} url={contentOf(document)} /></Suspense>;
}

function Picture({ document, url }: Shown) {
  const bytes = useQuery({ queryKey: ["picture", url], queryFn: async () => (await answerOf(fetch(url))).blob(), ...LOOK });
  const source = useObjectUrl(bytes.data);
  if (bytes.error) return <Failed error={bytes.error} retry={() => bytes.refetch()} />;
  if (!source) return <Waiting />;
  return <Image src={source} alt={document.filename} fit="contain" mah="70vh" radius="sm" bg="var(--mantine-color-default-hover)" />;
}

/** An SVG is a program; the server gives it without what could run. */
function Drawing({ document, url }: Shown) {
  return <Picture document={document} url={`${url}?harmless=true`} />;
}

function TextOf({ document, url }: Shown) {
  const text = useQuery({
    queryKey: ["text", url],
    queryFn: async () => {
      const answer = await answerOf(fetch(url, { headers: { Range: `bytes=0-${TEXT - 1}` } }));
      const cut = total(answer) > TEXT;
      return { text: decode(await answer.arrayBuffer(), cut), cut };
    },
    ...LOOK,
  });
  if (text.isPending) return <Waiting />;
  if (text.error) return <Failed error={text.error} retry={() => text.refetch()} />;
  return (
    <Box>
      {document.contentType === "text/csv"
        ? <Csv text={text.data.text} />
        : <Code block mah="65vh" tabIndex={0} role="region" aria-label={document.filename} style={{ overflow: "auto", whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{text.data.text}</Code>}
      {text.data.cut && <Text size="xs" c="dimmed" mt="xs">The beginning only; download the file to see it all.</Text>}
    </Box>
  );
}

/** What `Content-Range: bytes 0-65535/70000` says behind its slash. */
function total(answer: Response): number {
  return Number(answer.headers.get("content-range")?.split("/")[1] ?? 0);
}
