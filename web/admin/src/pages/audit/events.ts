/** The events that fit, page after page through the same door that the list uses. */
import { api, data, type Schemas } from "../../api";

export type Event = Schemas["AuditEvent"];
export type Search = Record<string, string>;

interface Asked { limit: number; cursor?: string }
type Page = Schemas["Page_AuditEvent"];
/** Where events come from: the trail of the clinic, or of one document. */
export type Source = (asked: Asked, signal: AbortSignal) => Promise<Page>;

export interface Events {
  /** The newest first. */
  events: Event[];
  /** There are older ones that fit. */
  cut: boolean;
}

/** More than that is for no spreadsheet and no paper. */
export const MOST = 50_000;
const PAGE = 1000;

export const ofClinic = (search: Search): Source => (asked, signal) =>
  data(api.GET("/api/audit", { params: { query: { ...search, ...asked } }, signal }));

export const ofDocument = (id: string): Source => (asked, signal) =>
  data(api.GET("/api/docs/{id}/audit", { params: { path: { id }, query: asked }, signal }));

export async function gather(source: Source, onStep: (count: number) => void, signal: AbortSignal): Promise<Events> {
  const events: Event[] = [];
  let cursor: string | null | undefined;
  do {
    const page = await source({ limit: PAGE, ...(cursor && { cursor }) }, signal);
    events.push(...page.items);
    onStep(events.length);
    cursor = page.nextCursor;
  } while (cursor && events.length < MOST);
  return { events, cut: Boolean(cursor) };
}
