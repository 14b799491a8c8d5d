/** Events as a CSV file, with everything that is kept of them. */
import type { Event } from "./events";

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

/** Without it a spreadsheet takes the letters of other scripts for something else. */
const MARK = "\ufeff";

export function csv(events: readonly Event[]): Blob {
  const lines = events.map((event) => COLUMNS.map(([, of]) => cell(of(event))).join(","));
  return new Blob([MARK, [COLUMNS.map(([name]) => name).join(","), ...lines, ""].join("\r\n")], { type: "text/csv" });
}

/** RFC 4180. What a spreadsheet would run as a formula gets an apostrophe before it. */
export function cell(value: unknown): string {
  const text = value === undefined || value === null ? "" : String(value);
  const tame = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(tame) ? `"${tame.replaceAll('"', '""')}"` : tame;
}
