/** A CSV file as a table: its first rows. */
import { Table, Text } from "@mantine/core";

const ROWS = 200;

export function Csv({ text }: { text: string }) {
  const rows = parse(text);
  const [head = [], ...body] = rows.slice(0, ROWS);
  return (
    <>
    <Table.ScrollContainer minWidth={300} maxHeight="65vh">
      <Table striped verticalSpacing={3} fz="xs">
        <Table.Thead><Table.Tr>{head.map((cell, at) => <Table.Th key={at}>{cell}</Table.Th>)}</Table.Tr></Table.Thead>
        <Table.Tbody>{body.map((row, line) => <Table.Tr key={line}>{row.map((cell, at) => <Table.Td key={at}>{cell}</Table.Td>)}</Table.Tr>)}</Table.Tbody>
      </Table>
    </Table.ScrollContainer>
    {rows.length > ROWS && <Text size="xs" c="dimmed" mt="xs">The first {ROWS} rows.</Text>}
    </>
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
