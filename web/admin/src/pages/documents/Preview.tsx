/** What a document looks like. The bytes come through the server, so that each look is in the trail. */
import { Alert, Box, Code, Image, Table, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { lazy, Suspense } from "react";
import type { Document } from "../../api";
import { Failed, Waiting } from "../../parts/states";

const Pdf = lazy(() => import("./Pdf"));
const SHOWN_BY_BROWSERS = ["image/jpeg", "image/png", "image/gif", "image/webp"];
/** As much of a text as somebody reads in a preview. */
const TEXT = 64 * 1024;
const ROWS = 200;

export function Preview({ document }: { document: Document }) {
  const url = `/api/docs/${document.id}/content`;
  const { contentType: type } = document;
  if (SHOWN_BY_BROWSERS.includes(type)) {
    return <Image src={url} alt={document.filename} fit="contain" mah="70vh" radius="sm" bg="var(--mantine-color-default-hover)" />;
  }
  if (type === "application/pdf") return <Suspense fallback={<Waiting />}><Pdf url={url} /></Suspense>;
  if (type === "text/plain" || type === "text/csv") return <TextOf url={url} csv={type === "text/csv"} />;
  return <Alert variant="light" color="gray">There is no preview of this type. Download the file to look at it.</Alert>;
}

function TextOf({ url, csv }: { url: string; csv: boolean }) {
  const text = useQuery({
    queryKey: ["text", url],
    queryFn: async () => {
      const answer = await fetch(url, { headers: { Range: `bytes=0-${TEXT - 1}` } });
      if (!answer.ok) throw new Error(`The server answered ${answer.status}.`);
      return { text: await answer.text(), cut: total(answer) > TEXT };
    },
    staleTime: Infinity,
  });
  if (text.isPending) return <Waiting />;
  if (text.error) return <Failed error={text.error} />;
  return (
    <Box>
      {csv ? <Csv text={text.data.text} /> : <Code block mah="65vh" style={{ overflow: "auto", whiteSpace: "pre-wrap" }}>{text.data.text}</Code>}
      {text.data.cut && <Text size="xs" c="dimmed" mt="xs">The beginning only; download the file to see it all.</Text>}
    </Box>
  );
}

/** What `Content-Range: bytes 0-65535/70000` says behind its slash. */
function total(answer: Response): number {
  return Number(answer.headers.get("content-range")?.split("/")[1] ?? 0);
}

function Csv({ text }: { text: string }) {
  const rows = parse(text).slice(0, ROWS);
  const [head = [], ...body] = rows;
  return (
    <Table.ScrollContainer minWidth={300} mah="65vh">
      <Table striped verticalSpacing={3} fz="xs">
        <Table.Thead><Table.Tr>{head.map((cell, at) => <Table.Th key={at}>{cell}</Table.Th>)}</Table.Tr></Table.Thead>
        <Table.Tbody>{body.map((row, line) => <Table.Tr key={line}>{row.map((cell, at) => <Table.Td key={at}>{cell}</Table.Td>)}</Table.Tr>)}</Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

/** RFC 4180, with a semicolon where that is what parts the first line. */
function parse(text: string): string[][] {
  const first = text.slice(0, text.search(/\r?\n|$/));
  const comma = first.split(";").length > first.split(",").length ? ";" : ",";
  const rows: string[][] = [];
  let row: string[] = [], cell = "", quoted = false;
  for (let at = 0; at < text.length && rows.length <= ROWS; at++) {
    const c = text[at] ?? "";
    if (quoted) {
      if (c !== '"') cell += c;
      else if (text[at + 1] === '"') { cell += '"'; at++; }
      else quoted = false;
    } else if (c === '"') quoted = true;
    else if (c === comma) { row.push(cell); cell = ""; }
    else if (c === "\n") { rows.push([...row, cell]); row = []; cell = ""; }
    else if (c !== "\r") cell += c;
  }
  if (cell || row.length) rows.push([...row, cell]);
  return rows;
}
