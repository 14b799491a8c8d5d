/** What is known of one thing, a fact a line; what is not known has none. */
import { type StyleProp, Table, Text } from "@mantine/core";
import type { ReactNode } from "react";

export type Row = [string, ReactNode];

export function Facts({ rows, w = 132 }: { rows: readonly Row[]; w?: StyleProp<number> }) {
  return (
    <Table variant="vertical" layout="fixed" verticalSpacing={6}>
      <Table.Tbody>
        {rows.filter(([, value]) => value).map(([name, value]) => (
          <Table.Tr key={name}>
            <Table.Th w={w} scope="row"><Text size="sm">{name}</Text></Table.Th>
            <Table.Td><Text size="sm" component="div" style={{ overflowWrap: "anywhere" }}>{value}</Text></Table.Td>
          </Table.Tr>
        ))}
      </Table.Tbody>
    </Table>
  );
}
