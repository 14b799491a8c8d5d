/** What was asked for. When asking again fails, what is there stays, and with it what somebody is typing beside it. */
import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Failed, Waiting } from "./states";

type Query = Pick<UseQueryResult, "data" | "error" | "refetch">;

/** How it stands: on its way, failed, or there, of which nothing is said. */
export function Asked({ query }: { query: Query }) {
  if (query.error) return <Failed error={query.error} retry={() => query.refetch()} />;
  return query.data === undefined ? <Waiting /> : null;
}

export function Until<T>({ query, children }: { query: UseQueryResult<T>; children: (data: T) => ReactNode }) {
  return <><Asked query={query} />{query.data !== undefined && children(query.data)}</>;
}
