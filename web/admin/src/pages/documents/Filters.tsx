import { Button, Group, MultiSelect, Select, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import type { Filter } from "./useFilter";
import { CATEGORIES, SORTS, STATES } from "./words";

interface Props {
  filter: Filter;
  fixed: Partial<Filter>;
  any: boolean;
  change: (to: Partial<Filter>) => void;
  clear: () => void;
}

const options = (words: Record<string, string>) => Object.entries(words).map(([value, label]) => ({ value, label }));
const states = Object.entries(STATES).map(([value, { name }]) => ({ value, label: name }));

export function Filters({ filter, fixed, any, change, clear }: Props) {
  return (
    <Group gap="xs" align="flex-end" mb="sm" role="search">
      <Typed label="Search file names" value={filter.q} onChange={(q) => change({ q })} search w={{ base: "100%", xs: 220 }} />
      {!fixed.patientId && <Typed label="Patient" value={filter.patientId} onChange={(patientId) => change({ patientId })} w={{ base: "100%", xs: 160 }} />}
      <MultiSelect label="Categories" size="sm" clearable w={{ base: "100%", xs: 220 }} data={options(CATEGORIES)} value={filter.category}
        placeholder={filter.category.length ? "" : "all"} onChange={(category) => change({ category })} />
      {!fixed.state && <Select label="State" size="sm" clearable w={{ base: "48%", xs: 150 }} data={states} value={filter.state || null} placeholder="all" onChange={(state) => change({ state: state ?? "" })} />}
      <TextInput label="From" type="date" size="sm" w={{ base: "48%", xs: 140 }} value={filter.from} onChange={(e) => change({ from: e.currentTarget.value })} />
      <TextInput label="To" type="date" size="sm" w={{ base: "48%", xs: 140 }} value={filter.to} onChange={(e) => change({ to: e.currentTarget.value })} />
      <Select label="Order" size="sm" allowDeselect={false} w={{ base: "48%", xs: 140 }} data={options(SORTS)} value={filter.sort} onChange={(sort) => change({ sort: sort ?? "-created" })} />
      {any && <Button variant="subtle" color="gray" onClick={clear}>Clear</Button>}
    </Group>
  );
}

/** A field that asks once its reader has stopped typing. */
function Typed({ label, value, onChange, search, w }: { label: string; value: string; onChange: (text: string) => void; search?: boolean; w: Record<string, string | number> }) {
  const [text, setText] = useState(value);
  const later = useDebouncedCallback(onChange, 300);
  useEffect(() => setText(value), [value]);
  return (
    <TextInput label={label} size="sm" w={w} value={text} leftSection={search ? <IconSearch size={15} /> : undefined}
      onChange={(e) => { setText(e.currentTarget.value); later(e.currentTarget.value); }} />
  );
}
