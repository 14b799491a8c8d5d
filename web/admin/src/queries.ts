/** What the pages have asked, and when it is asked again: each read of patients' data is an event of the trail. */
import { MutationCache, type QueryClient as Cache, QueryClient, type QueryState } from "@tanstack/react-query";
import { useRef } from "react";
import { ApiError } from "./api";

declare module "@tanstack/react-query" {
  interface Register {
    /** `reads`: it takes something away and changes nothing, so nothing is asked again after it. */
    mutationMeta: { reads?: boolean };
  }
}

/** Stays what it is whatever is done on the pages. */
const APART: ReadonlySet<unknown> = new Set(["session", "suggestion"]);

/** Fetched once a look and not kept; nothing but another look fetches it again. */
export const LOOK = { staleTime: "static", gcTime: 0 } as const;

export function makeQueries(): QueryClient {
  const queries: QueryClient = new QueryClient({
    defaultOptions: {
      queries: {
        staleTime: 10_000,
        // To come back to a tab is not to ask for a list again.
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
        // What the caller did wrong stays wrong; only the server's own troubles pass.
        retry: (count, error) => count < 2 && error instanceof ApiError && (error.status === 0 || error.status >= 500),
      },
    },
    mutationCache: new MutationCache({
      onSuccess: (_answer, _asked, _context, { meta }) => {
        if (!meta?.reads) void queries.invalidateQueries({ predicate: ({ queryKey: [of] }) => !APART.has(of) });
      },
    }),
  });
  return queries;
}

/** A document has come or changed: lists and figures that are shown are asked again, the rest when it is opened. */
export function documentsChanged(cache: Cache) {
  void cache.invalidateQueries({ predicate: ({ queryKey: [of] }) => of === "documents" || of === "stats" });
  void cache.invalidateQueries({ predicate: ({ queryKey: [of] }) => of === "document" || of === "versions", refetchType: "none" });
}

const SOON = 2000;
const SELDOM = 30_000;

/** Asks again while something goes on: soon at first, then ever more seldom. */
export function useAgain<T>(goesOn: (data: T | undefined) => boolean) {
  const begun = useRef<number>(undefined);
  return ({ state }: { state: QueryState<T> }) => {
    if (!goesOn(state.data)) {
      begun.current = undefined;
      return false;
    }
    const asked = state.dataUpdateCount + state.errorUpdateCount;
    begun.current ??= asked;
    return Math.min(SELDOM, SOON * 1.5 ** (asked - begun.current));
  };
}
