/** What the overview asks, each thing once however many of its cards show it. */
import { useQuery } from "@tanstack/react-query";
import { answerOf, api, data, problemOf, type Schemas } from "../../api";

/** The page looks again by itself, but seldom: each look is an event of the trail. */
const AGAIN = 5 * 60_000;
const SOON = 30_000;

interface Part { status: "ok" | "unavailable" }
/** What `/readyz` says; it is for machines and no part of the contract. */
export interface Ready {
  status: string;
  database: Part & { engine: string };
  store: Part & { provider: string };
  scanner: Part & { kind: string };
}

export function useStats(days: number) {
  return useQuery({
    queryKey: ["stats", days],
    queryFn: () => data(api.GET("/api/v2/aws/s3/stats", { params: { query: { days } } })),
    refetchInterval: AGAIN,
    placeholderData: (before: Schemas["StatsJson"] | undefined) => before,
  });
}

export function useReady() {
  return useQuery({
    queryKey: ["ready"],
    queryFn: async () => {
      // 503 is an answer, too: it says what is not ready.
      const answer = await answerOf(fetch("/readyz"), 503);
      const told = (await answer.clone().json().catch(() => ({}))) as Partial<Ready>;
      if (told.database && told.store && told.scanner) return told as Ready;
      // So does one that stands before the server, of itself.
      throw await problemOf(answer, "/readyz");
    },
    refetchInterval: SOON,
  });
}

export function useConfig() {
  return useQuery({ queryKey: ["config"], queryFn: () => data(api.GET("/api/config")), refetchInterval: AGAIN });
}

export function useStorage() {
  return useQuery({ queryKey: ["storage"], queryFn: () => data(api.GET("/api/v2/aws/s3/config")), refetchInterval: AGAIN });
}

/** How long the document that waits longest for the scanner has waited. */
export function useOldestInQueue(any: boolean) {
  return useQuery({
    queryKey: ["documents", "queue"],
    enabled: any,
    queryFn: async () => (await data(api.GET("/api/docs", { params: { query: { state: "scanning", sort: "created", limit: 1 } } }))).items[0],
    refetchInterval: AGAIN,
  });
}
