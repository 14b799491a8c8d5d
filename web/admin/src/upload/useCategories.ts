/** What each file is: as somebody chose, else as the server takes it from the name, else something other. */
import type { Category, Item } from "@strongroom/uploader";
import { useQueries } from "@tanstack/react-query";
import { useState } from "react";
import { api, data } from "../api";

export type Categories = Readonly<Record<string, Category | undefined>>;

/** `first`: what they are before somebody chooses, whatever their names say. */
export function useCategories(items: readonly Item[], first?: string) {
  const [chosen, setChosen] = useState<Categories>({});
  const named = items.filter(({ phase }) => phase !== "refused");
  const suggested = useQueries({
    queries: named.map(({ name }) => ({
      queryKey: ["suggestion", name],
      queryFn: () => data(api.GET("/api/docs/category-suggestion", { params: { query: { filename: name } } })),
      staleTime: Number.POSITIVE_INFINITY,
      retry: false,
    })),
  });
  const categories: Categories = Object.fromEntries(named.map(({ id }, at) => {
    const answer = suggested[at];
    const said = answer?.isPending ? undefined : ((answer?.data?.category ?? "other") as Category);
    return [id, chosen[id] ?? (first as Category | undefined) ?? said];
  }));
  const choose = (ids: readonly string[], category: Category) =>
    setChosen((old) => ({ ...old, ...Object.fromEntries(ids.map((id) => [id, category])) }));
  return { categories, choose };
}
