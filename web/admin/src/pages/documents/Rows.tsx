/** Documents as rows of a table; on a small screen a row says underneath its name what the columns would. */
import { ActionIcon, Badge, Checkbox, Group, Menu, Table, Text, Tooltip, UnstyledButton } from "@mantine/core";
import { IconAdjustmentsHorizontal, IconArrowDown, IconArrowUp, IconLock } from "@tabler/icons-react";
import { Fragment, type ReactNode } from "react";
import { Link } from "react-router";
import type { Document } from "../../api";
import { Id, size, When } from "../../parts/format";
import { WaitingRows } from "../../parts/states";
import { type Chosen, type Column, COLUMNS, HEADINGS, type Own, useColumns } from "./columns";
import { useSession } from "../../session";
import { category, RELEASES, STATES, typeName } from "./words";

interface Props {
  items: Document[];
  waiting: boolean;
  /** Left out where nothing can be marked. */
  marked?: ReadonlyMap<string, Document>;
  mark?: (documents: Document[], on: boolean) => void;
  open: (id: string) => void;
  openId: string | undefined;
  sort?: string;
  onSort?: (sort: string) => void;
  /** Columns that would say the same in every row. */
  without?: Chosen[];
  /** Columns that stand in this list alone. */
  own?: Own[];
  /** What rows that follow each other have in common; a heading stands above the first of them. */
  group?: (document: Document) => string;
  /** There are no others: the headings say how many rows follow. */
  whole?: boolean;
}

const DAY = 86_400_000;
const LEFT = { textAlign: "left" } as const;

/** What a click on a heading asks for: the first, then the other way round where there is one. */
const ORDERS: Partial<Record<Column | "name", string[]>> = { name: ["filename"], created: ["-created", "created"], size: ["-size"] };

export function Rows({ items, waiting, marked, mark, open, openId, sort, onSort, without = [], own = [], group, whole }: Props) {
  const [chosen, choose] = useColumns();
  const columns: Column[] = [...chosen.filter((column) => !without.includes(column)), ...own];
  const all = items.length > 0 && items.every((item) => marked?.has(item.id));
  const some = !all && items.some((item) => marked?.has(item.id));
  const wide = columns.length + 2 + (mark ? 1 : 0);
  const heading = (of: Column | "name", label: string) => <Heading key={of} label={label} orders={ORDERS[of]} sort={sort} onSort={onSort} right={of === "size"} narrow={of === "name" || of === "state"} />;
  return (
    <Table.ScrollContainer minWidth={0}>
      <Table highlightOnHover verticalSpacing={6}>
        <Table.Thead>
          <Table.Tr>
            {mark && <Table.Th w={36}><Checkbox size="xs" aria-label="Mark all that are shown" disabled={items.length === 0} checked={all} indeterminate={some} onChange={(e) => mark(items, e.currentTarget.checked)} /></Table.Th>}
            {heading("name", "Name")}
            {columns.map((column) => heading(column, HEADINGS[column]))}
            <Table.Th w={40} visibleFrom="sm"><Columns {...{ chosen, choose, without }} /></Table.Th>
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {waiting && <WaitingRows wide={wide} h={34} />}
          {items.map((item, at) => {
            const before = items[at - 1];
            const begins = group && (!before || group(before) !== group(item));
            return (
              <Fragment key={item.id}>
                {begins && <GroupHeading name={group(item)} count={whole ? items.filter((other) => group(other) === group(item)).length : undefined} wide={wide} />}
                <Table.Tr {...(item.id === openId && { "data-selected": true, bg: "var(--mantine-primary-color-light)" })}>
                  {mark && <Table.Td><Checkbox size="xs" aria-label={`Mark ${item.filename}`} checked={marked?.has(item.id) ?? false} onChange={(e) => mark([item], e.currentTarget.checked)} /></Table.Td>}
                  <Table.Td maw={{ base: 0, sm: 340 }} w={{ base: "100%", sm: "auto" }}><Name document={item} open={open} without={without}>{own.map((column) => <Own key={column} column={column} document={item} />)}</Name></Table.Td>
                  {columns.map((column) => (
                    <Table.Td key={column} {...(column !== "state" && { visibleFrom: "sm" })} {...(column === "size" && { ta: "right", style: { whiteSpace: "nowrap" } })}>{cell(column, item)}</Table.Td>
                  ))}
                  <Table.Td visibleFrom="sm" />
                </Table.Tr>
              </Fragment>
            );
          })}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  );
}

function GroupHeading({ name, count, wide }: { name: string; count: number | undefined; wide: number }) {
  return (
    <Table.Tr bg="transparent">
      <Table.Th colSpan={wide} scope="rowgroup" pt="lg">
        <Text component="h2" size="md" fw={650} m={0}>{name} <Text span size="sm" c="dimmed">{count}</Text></Text>
      </Table.Th>
    </Table.Tr>
  );
}

interface NameProps { document: Document; open: (id: string) => void; without: Chosen[]; children: ReactNode }

/** On a small screen it says what the columns would, without what all rows have in common. */
function Name({ document: d, open, without, children }: NameProps) {
  const said = [!without.includes("patient") && d.patientId, typeName(d.contentType), !without.includes("category") && category(d.category), size(d.size)].filter(Boolean);
  return (
    <UnstyledButton onClick={() => open(d.id)} maw="100%" style={{ display: "block" }}>
      {/* A name that is written from right to left is cut at its own end. */}
      <Text size="sm" fw={550} truncate dir="auto" style={LEFT}>{d.filename || "An erased document"}</Text>
      <Text size="xs" c="dimmed" visibleFrom="sm">{typeName(d.contentType)}</Text>
      <Text size="xs" c="dimmed" hiddenFrom="sm" style={{ whiteSpace: "normal", overflowWrap: "anywhere" }}>{said.join(", ")}, <When at={d.createdAt} /></Text>
      {children}
    </UnstyledButton>
  );
}

/** What a list is about, where there is no room for its columns. */
function Own({ column, document }: { column: Own; document: Document }) {
  const said = cell(column, document);
  return said && <Group gap={4} hiddenFrom="sm" align="baseline"><Text size="xs" c="dimmed">{HEADINGS[column]}:</Text>{said}</Group>;
}

/** When the trash lets go of it: not while it is held, nor before its retention is over. */
function Erasure({ document: d, deletedAt }: { document: Document; deletedAt: string }) {
  const { trashDays } = useSession();
  if (d.onHold) return <Text size="sm">not while it is held</Text>;
  const at = new Date(Math.max(Date.parse(deletedAt) + trashDays * DAY, Date.parse(d.retainUntil ?? deletedAt)));
  return <Text size="sm" component="span"><When at={at.toISOString()} /></Text>;
}

function cell(column: Column, d: Document): ReactNode {
  switch (column) {
    case "patient": return d.patientId ? <Patient id={d.patientId} /> : <Text size="sm" c="dimmed">none</Text>;
    case "category": return <Text size="sm">{category(d.category)}</Text>;
    case "state": return <State document={d} />;
    case "size": return <Text size="sm">{size(d.size)}</Text>;
    case "created": return <Text size="sm" component="span"><When at={d.createdAt} /></Text>;
    case "uploader": return <Text size="sm" truncate maw={160}>{d.uploadedBy}</Text>;
    case "release": return <Text size="sm">{d.patientId ? RELEASES[d.release] ?? d.release : ""}</Text>;
    case "found": return <Text size="sm" style={{ overflowWrap: "anywhere" }}>{d.scanVerdict ?? d.stateReason}</Text>;
    case "deleted": return d.deletedAt ? <Text size="sm" component="span"><When at={d.deletedAt} /></Text> : null;
    case "erasure": return d.deletedAt ? <Erasure document={d} deletedAt={d.deletedAt} /> : null;
    case "reason": return <Text size="sm" lineClamp={3} title={d.holdReason ?? ""} style={{ overflowWrap: "anywhere" }}>{d.holdReason}</Text>;
    case "held": return d.heldSince ? <Text size="sm" component="span"><When at={d.heldSince} /></Text> : null;
    case "type": return <Text size="sm">{typeName(d.contentType)}</Text>;
  }
}

export function Patient({ id }: { id: string }) {
  return (
    <Text size="sm" component={Link} to={`/storage/patients/${encodeURIComponent(id)}`} c="inherit" truncate display="block" maw={200}>
      {id.length > 24 ? <Id id={id} bare /> : id}
    </Text>
  );
}

export function State({ document }: { document: Document }) {
  const { name, color } = STATES[document.state] ?? { name: document.state, color: "gray" };
  return (
    <Group gap={4} wrap="nowrap">
      <Badge color={color}>{name}</Badge>
      {document.onHold && <Tooltip label="under legal hold"><IconLock size={15} role="img" aria-label="under legal hold" /></Tooltip>}
    </Group>
  );
}

interface HeadingProps {
  label: string;
  orders: string[] | undefined;
  sort: string | undefined;
  onSort: ((sort: string) => void) | undefined;
  right: boolean;
  narrow: boolean;
}

function Heading({ label, orders, sort, onSort, right, narrow }: HeadingProps) {
  const place = orders?.indexOf(sort ?? "") ?? -1;
  const up = sort === "created" || sort === "filename";
  const side = { ...(!narrow && { visibleFrom: "sm" as const }), ...(right && { ta: "right" as const }) };
  if (!orders || !onSort) return <Table.Th {...side}>{label}</Table.Th>;
  const next = orders[(place + 1) % orders.length] ?? "-created";
  return (
    <Table.Th {...side} aria-sort={place < 0 ? "none" : up ? "ascending" : "descending"}>
      <UnstyledButton fz="sm" fw={700} onClick={() => onSort(next)} style={{ whiteSpace: "nowrap" }}>
        {label}{place >= 0 && (up ? <IconArrowUp size={13} aria-hidden /> : <IconArrowDown size={13} aria-hidden />)}
      </UnstyledButton>
    </Table.Th>
  );
}

function Columns({ chosen, choose, without }: { chosen: Chosen[]; choose: (columns: Chosen[]) => void; without: Chosen[] }) {
  const offered = (Object.entries(COLUMNS) as [Chosen, string][]).filter(([column]) => !without.includes(column));
  return (
    <Menu position="bottom-end" closeOnItemClick={false} withinPortal>
      <Menu.Target><ActionIcon variant="subtle" color="gray" aria-label="Columns"><IconAdjustmentsHorizontal size={16} /></ActionIcon></Menu.Target>
      <Menu.Dropdown>
        {offered.map(([column, label]) => (
          <Menu.CheckboxItem key={column} checked={chosen.includes(column)} onChange={(on) => choose(on ? [...chosen, column] : chosen.filter((one) => one !== column))}>{label}</Menu.CheckboxItem>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
