/** The events that fit, as a CSV file: page after page through the same door that the list uses. */
import { api, data, type Schemas } from "../../api";

export type Event = Schemas["AuditEvent"];
export type Search = Record<string, string>;

/** More than that is not for a spreadsheet. */
export const MOST = 50_000;
const PAGE = 1000;

const COLUMNS: [string, (event: Event) => unknown][] = [
  ["seq", (e) => e.seq],
  ["id", (e) => e.id],
  ["at", (e) => e.at],
  ["action", (e) => e.action],
  ["outcome", (e) => e.outcome],
  ["code", (e) => e.code],
  ["actorKind", (e) => e.actor.kind],
  ["actorId", (e) => e.actor.id],
  ["roles", (e) => e.actor.roles.join(" ")],
  ["onBehalfOf", (e) => e.actor.onBehalfOf],
  ["inRole", (e) => e.actor.inRole],
  ["targetKind", (e) => e.targetKind],
  ["targetId", (e) => e.targetId],
  ["patientId", (e) => e.patientId],
  ["requestId", (e) => e.requestId],
  ["remoteAddress", (e) => e.remoteAddress],
  ["detail", (e) => (e.detail ? JSON.stringify(e.detail) : "")],
];

export async function csv(search: Search, onStep: (events: number) => void, signal: AbortSignal): Promise<{ file: Blob; cut: boolean }> {
  const lines = [COLUMNS.map(([name]) => name).join(",")];
  let cursor: string | null | undefined;
  do {
    const query = { ...search, limit: PAGE, ...(cursor && { cursor }) };
    const page = await data(api.GET("/api/audit", { params: { query }, signal }));
    lines.push(...page.items.map((event) => COLUMNS.map(([, of]) => cell(of(event))).join(",")));
    onStep(lines.length - 1);
    cursor = page.nextCursor;
  } while (cursor && lines.length <= MOST);
  return { file: new Blob([lines.join("\r\n"), "\r\n"], { type: "text/csv" }), cut: Boolean(cursor) };
}

/** RFC 4180. What a spreadsheet would run as a formula gets an apostrophe before it. */
export function cell(value: unknown): string {
  const text = value === undefined || value === null ? "" : String(value);
  const tame = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(tame) ? `"${tame.replaceAll('"', '""')}"` : tame;
}
