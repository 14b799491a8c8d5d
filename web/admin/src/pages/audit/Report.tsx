/** Events as they are printed: on A4 or Letter, upright or lying, black on white whatever the theme. On a screen nobody sees it. */
import "./report.css";
import { createPortal } from "react-dom";
import { useSession } from "../../session";
import type { Event, Events } from "./events";
import { onPaper, whoOf } from "./words";

export type Fact = [string, string];

export interface Told extends Events {
  title: string;
  /** Which events these are. */
  about: readonly Fact[];
  at: Date;
}

export function Report({ title, about, at, events, cut }: Told) {
  const { user, roles, clinicId } = useSession();
  const facts: Fact[] = [
    ["Clinic", clinicId],
    ...about,
    ["Events", howMany(events, cut)],
    ["Made", `${onPaper(at)} by ${user} (${roles.join(", ")})`],
    ["Times", `by the clock of ${zoneOf(at)}`],
  ];
  return createPortal(
    <section className="report">
      <h1>{title}</h1>
      <dl>{facts.map(([name, value]) => <div key={name}><dt>{name}</dt><dd>{value}</dd></div>)}</dl>
      {events.length === 0 ? <p>No event fits.</p> : (
        <table>
          <thead><tr>{COLUMNS.map(([name]) => <th key={name} scope="col">{name}</th>)}</tr></thead>
          <tbody>{events.map((event) => <tr key={event.id}>{COLUMNS.map(([name, of]) => <td key={name}>{of(event)}</td>)}</tr>)}</tbody>
        </table>
      )}
    </section>,
    document.body,
  );
}

const joined = (parts: (string | false | null | undefined)[], by: string) => parts.filter(Boolean).join(by);

const COLUMNS: [string, (event: Event) => string | number][] = [
  ["No.", (e) => e.seq],
  ["When", (e) => onPaper(e.at)],
  ["Who", (e) => joined([`${whoOf(e)} (${standing(e)})`, e.remoteAddress], "\n")],
  ["Action", (e) => e.action],
  ["Outcome", (e) => joined([e.outcome, e.code], ": ")],
  ["Patient", (e) => e.patientId ?? ""],
  ["On", (e) => joined([joined([e.targetKind, e.targetId], " "), e.detail && detailOf(e.detail)], "\n")],
];

/** In which role; the server's own upkeep has none. */
function standing({ actor: { inRole, roles, kind, onBehalfOf, id } }: Event): string {
  return joined([inRole || roles.join(", ") || kind, onBehalfOf && `by ${id}`], ", ");
}

function detailOf(detail: object): string {
  return Object.entries(detail).map(([name, value]) => `${name}: ${typeof value === "object" ? JSON.stringify(value) : value}`).join(", ");
}

function howMany(events: readonly Event[], cut: boolean): string {
  const count = events.length.toLocaleString();
  const first = events[0], last = events.at(-1);
  if (!first || !last) return count;
  const range = first === last ? `no. ${first.seq}` : `no. ${last.seq} to ${first.seq} of the trail, the newest first`;
  return `${count}${cut ? ", only the newest: there are older ones that fit" : ""} (${range})`;
}

function zoneOf(at: Date): string {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  const offset = new Intl.DateTimeFormat("en", { timeZoneName: "longOffset" }).formatToParts(at).find(({ type }) => type === "timeZoneName")?.value;
  return joined([timeZone, offset && offset !== timeZone && `(${offset})`], " ");
}
