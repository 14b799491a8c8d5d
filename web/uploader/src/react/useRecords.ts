// A patient's documents, a page at a time; and what can be done with one.
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import {
  type Connection,
  createClient,
  type Document,
  StrongroomError,
  type StrongroomClient,
} from "../client/index.js";
import { latest } from "../core/connection.js";

const PAGE = 25;

export interface Wanted {
  patientId: string;
  category?: string | undefined;
  q: string;
}

interface State {
  /** What the documents were asked for with. */
  of: string;
  documents: readonly Document[];
  next: string | undefined;
  loading: boolean;
  error: StrongroomError | undefined;
}

const EMPTY: State = { of: "", documents: [], next: undefined, loading: true, error: undefined };

function asError(error: unknown): StrongroomError {
  return error instanceof StrongroomError
    ? error
    : new StrongroomError("unknown", String(error), { cause: error });
}

/** A client that asks for token and headers as they are at each call. */
export function useClient(connection: Connection): StrongroomClient {
  const current = useRef(connection);
  current.current = connection;
  const { endpoint } = connection;
  return useMemo(() => createClient({ ...latest(() => current.current), endpoint }), [endpoint]);
}

/** The documents that are wanted; what is asked for later wins. */
export function useRecords(client: StrongroomClient, wanted: Wanted) {
  const { patientId, category, q } = wanted;
  const [state, setState] = useState<State>(EMPTY);
  const asked = useRef<AbortController>(undefined);
  const of = JSON.stringify([category, q]);

  const load = useCallback(
    async (cursor?: string) => {
      asked.current?.abort();
      const mine = new AbortController();
      asked.current = mine;
      setState((old) => ({ ...old, loading: true, error: undefined }));
      try {
        const { data } = await client.GET("/api/docs", {
          params: {
            query: {
              patientId,
              limit: PAGE,
              ...(category && { category }),
              ...(q && { q }),
              ...(cursor && { cursor }),
            },
          },
          signal: mine.signal,
        });
        if (mine.signal.aborted) return;
        setState((old) => ({
          of,
          documents: cursor ? [...old.documents, ...data.items] : data.items,
          next: data.nextCursor ?? undefined,
          loading: false,
          error: undefined,
        }));
      } catch (error) {
        if (mine.signal.aborted) return;
        // What was found otherwise is no answer to this.
        setState((old) => ({ ...(old.of === of ? old : EMPTY), loading: false, error: asError(error) }));
      }
    },
    [client, patientId, category, q, of],
  );
  useEffect(() => {
    void load();
    return () => asked.current?.abort();
  }, [load]);
  // Who waited for an answer asks for what is wanted by then.
  const current = useRef(load);
  current.current = load;
  const reload = useCallback(() => current.current(), []);
  return { ...state, load, reload };
}

/** A short-lived link to a document's bytes. */
export async function linkOf(
  client: StrongroomClient,
  id: string,
  how: "inline" | "attachment",
  signal: AbortSignal | undefined,
) {
  const { data } = await client.GET("/api/docs/{id}/download", {
    params: { path: { id }, query: { disposition: how } },
    ...(signal && { signal }),
  });
  // It may have arrived just before.
  signal?.throwIfAborted();
  return data;
}

/** A value that has rested for a moment: not every letter is asked for (and written into the trail). */
export function useRested<T>(value: T, milliseconds = 250): T {
  const [rested, setRested] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setRested(value), milliseconds);
    return () => clearTimeout(timer);
  }, [value, milliseconds]);
  return rested;
}
