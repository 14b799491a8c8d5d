/** What narrows a list of documents. */
import { MultiSelect, Select, TextInput } from "@mantine/core";
import { useDebouncedCallback } from "@mantine/hooks";
import { IconSearch } from "@tabler/icons-react";
import { useEffect, useState } from "react";
import { FilterBar } from "../../parts/FilterBar";
import type { Filter } from "./useFilter";
import { CATEGORIES, options, SORTS, STATES, TYPES } from "./words";

interface Props {
  filter: Filter;
  fixed: Partial<Filter>;
  any: boolean;
  change: (to: Partial<Filter>) => void;
  clear: () => void;
}

const states = [{ value: "", label: "in use" }, ...Object.entries(STATES).map(([value, { name }]) => ({ value, label: name })), { value: "every", label: "every state" }];
const THIRD = { base: "100%", xs: 112 };
/** The lists are wider than their fields, so that the filters fit beside each other. */
const LIST = { width: "max-content", position: "bottom-start" } as const;

export function Filters(props: Props) {
  const { filter, fixed, any, change, clear } = props;
  const inside = Object.entries(filter).some(([field, value]) => field !== "q" && field !== "sort" && !(field in fixed) && value.length > 0);
  const search = <Typed label="Search file names" value={filter.q} onChange={(q) => change({ q })} search w={{ base: "100%", xs: 180 }} />;
  return <FilterBar first={search} {...{ any, inside, clear }}><Narrow {...props} /></FilterBar>;
}

function Narrow({ filter, fixed, change }: Props) {
  const asked = (field: keyof Filter) => !(field in fixed);
  return (
    <>
      {asked("patientId") && <Typed label="Patient" value={filter.patientId} onChange={(patientId) => change({ patientId })} w={THIRD} />}
      <MultiSelect label="Categories" size="sm" clearable w={{ base: "100%", xs: 165 }} comboboxProps={LIST} data={options(CATEGORIES)} value={filter.category}
        placeholder={filter.category.length ? "" : "all"} onChange={(category) => change({ category })} />
      {asked("state") && <Select label="State" size="sm" allowDeselect={false} w={THIRD} comboboxProps={LIST} data={states} value={filter.state} onChange={(state) => change({ state: state ?? "" })} />}
      <Select label="Type" size="sm" clearable w={THIRD} comboboxProps={LIST} data={options(TYPES)} value={filter.type || null} placeholder="all" onChange={(type) => change({ type: type ?? "" })} />
      <TextInput label="From" type="date" size="sm" w={{ base: "48%", xs: 136 }} value={filter.from} onChange={(e) => change({ from: e.currentTarget.value })} />
      <TextInput label="To" type="date" size="sm" w={{ base: "48%", xs: 136 }} value={filter.to} onChange={(e) => change({ to: e.currentTarget.value })} />
      {/* Where there are columns, their headings do that. */}
      <Select hiddenFrom="xs" label="Order" size="sm" allowDeselect={false} w={THIRD} data={options(SORTS)} value={filter.sort} onChange={(sort) => change({ sort: sort ?? "-created" })} />
    </>
  );
}

/** A field that asks once its reader has stopped typing. */
export function Typed({ label, value, onChange, search, w }: { label: string; value: string; onChange: (text: string) => void; search?: boolean; w: Record<string, string | number> }) {
  const [text, setText] = useState(value);
  const later = useDebouncedCallback(onChange, 300);
  useEffect(() => setText(value), [value]);
  return (
    <TextInput label={label} size="sm" w={w} value={text} leftSection={search ? <IconSearch size={15} /> : undefined}
      onChange={(e) => { setText(e.currentTarget.value); later(e.currentTarget.value); }} />
  );
}
