/** What the list shows, kept in the address so that it can be sent to a colleague. */
import { useCallback, useMemo } from "react";
import { useSearchParams } from "react-router";
import { timeOf } from "../../parts/format";
import { EVERY, IN_USE } from "./words";

export interface Filter {
  q: string;
  patientId: string;
  category: string[];
  state: string;
  type: string;
  from: string;
  to: string;
  held: string;
  sort: string;
}

const NONE: Filter = { q: "", patientId: "", category: [], state: "", type: "", from: "", to: "", held: "", sort: "-created" };
/** Names in the address, where they differ from ours. */
const NAMES: Partial<Record<keyof Filter, string>> = { patientId: "patient" };
const FIELDS = Object.keys(NONE) as (keyof Filter)[];
const DAYS: (keyof Filter)[] = ["from", "to"];
const inAddress = (field: keyof Filter) => NAMES[field] ?? field;

export function useFilter(fixed: Partial<Filter> = {}) {
  const [params, setParams] = useSearchParams();
  const kept = JSON.stringify(fixed);
  const filter = useMemo<Filter>(() => {
    const said = FIELDS.map((field) => {
      const given = params.get(inAddress(field)) ?? NONE[field];
      const text = DAYS.includes(field) && !timeOf(new Date(String(given))) ? "" : given;
      return [field, field === "category" && typeof text === "string" ? text.split(",").filter(Boolean) : text];
    });
    return { ...(Object.fromEntries(said) as unknown as Filter), ...(JSON.parse(kept) as Partial<Filter>) };
  }, [params, kept]);
  const change = useCallback((to: Partial<Filter>) => {
    setParams((old) => {
      const next = new URLSearchParams(old);
      for (const [field, value] of Object.entries(to)) {
        const name = inAddress(field as keyof Filter);
        const text = Array.isArray(value) ? value.join(",") : value;
        if (!text || (field === "sort" && text === NONE.sort)) next.delete(name);
        else next.set(name, text);
      }
      return next;
    }, { replace: true });
  }, [setParams]);
  const open = useCallback((id: string | undefined) => {
    setParams((old) => {
      const next = new URLSearchParams(old);
      if (id) next.set("doc", id);
      else next.delete("doc");
      return next;
    });
  }, [setParams]);
  const changeable = FIELDS.filter((field) => field !== "sort" && !(field in fixed));
  const any = changeable.some((field) => filter[field].length > 0);
  const clear = () => change(Object.fromEntries(changeable.map((field) => [field, NONE[field]])));
  return { filter, change, clear, any, openId: params.get("doc") ?? undefined, open };
}

/** As the API asks for it; a day ends when the next begins, in the reader's own time. */
export function query(filter: Filter) {
  const day = (text: string, plus = 0) => {
    const [year = 0, month = 1, date = 1] = text.split("-").map(Number);
    return timeOf(new Date(year, month - 1, date + plus));
  };
  const from = filter.from && day(filter.from);
  const to = filter.to && day(filter.to, 1);
  return {
    sort: filter.sort,
    ...(filter.q && { q: filter.q }),
    ...(filter.patientId && { patientId: filter.patientId }),
    ...(filter.category.length > 0 && { category: filter.category.join(",") }),
    state: filter.state === "every" ? EVERY : filter.state || IN_USE,
    ...(filter.type && { type: filter.type }),
    ...(filter.held && { held: filter.held === "yes" }),
    ...(from && { from }),
    ...(to && { to }),
  };
}
