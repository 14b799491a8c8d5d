/** What the list shows, kept in the address so that it can be sent to a colleague. */
import { useCallback, useMemo } from "react";
import { useSearchParams } from "react-router";

export interface Filter {
  q: string;
  patientId: string;
  category: string[];
  state: string;
  from: string;
  to: string;
  sort: string;
}

const NONE: Filter = { q: "", patientId: "", category: [], state: "", from: "", to: "", sort: "-created" };

export function useFilter(fixed: Partial<Filter> = {}) {
  const [params, setParams] = useSearchParams();
  const filter = useMemo<Filter>(() => ({
    q: params.get("q") ?? "",
    patientId: fixed.patientId ?? params.get("patient") ?? "",
    category: params.get("category")?.split(",").filter(Boolean) ?? [],
    state: fixed.state ?? params.get("state") ?? "",
    from: params.get("from") ?? "",
    to: params.get("to") ?? "",
    sort: params.get("sort") ?? NONE.sort,
  }), [params, fixed.patientId, fixed.state]);
  const change = useCallback((to: Partial<Filter>) => {
    setParams((old) => {
      const next = new URLSearchParams(old);
      for (const [name, value] of Object.entries(to)) {
        const key = name === "patientId" ? "patient" : name;
        const text = Array.isArray(value) ? value.join(",") : value;
        if (!text || (name === "sort" && text === NONE.sort)) next.delete(key);
        else next.set(key, text);
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
  const any = filter.q !== "" || filter.category.length > 0 || filter.from !== "" || filter.to !== ""
    || (!fixed.patientId && filter.patientId !== "") || (!fixed.state && filter.state !== "");
  const clear = () => change({ q: "", category: [], from: "", to: "", ...(fixed.patientId ? {} : { patientId: "" }), ...(fixed.state ? {} : { state: "" }) });
  return { filter, change, clear, any, openId: params.get("doc") ?? undefined, open };
}

/** As the API asks for it; a day ends when the next begins, in the reader's own time. */
export function query(filter: Filter) {
  const day = (text: string, plus = 0) => {
    const [year = 0, month = 1, date = 1] = text.split("-").map(Number);
    return new Date(year, month - 1, date + plus).toISOString();
  };
  return {
    sort: filter.sort,
    ...(filter.q && { q: filter.q }),
    ...(filter.patientId && { patientId: filter.patientId }),
    ...(filter.category.length > 0 && { category: filter.category.join(",") }),
    ...(filter.state && { state: filter.state }),
    ...(filter.from && { from: day(filter.from) }),
    ...(filter.to && { to: day(filter.to, 1) }),
  };
}
