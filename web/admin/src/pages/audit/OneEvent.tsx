/** One event, everything that is kept of it. */
import { Anchor, Badge, Code } from "@mantine/core";
import { Link } from "react-router";
import { Facts, type Row } from "../../parts/Facts";
import { Id, When } from "../../parts/format";
import { useRole } from "../../session";
import { patientPath } from "../patients/Patients";
import { inWords } from "./actions";
import type { Event } from "./events";
import { OUTCOMES } from "./words";

export function OneEvent({ event: e, narrow }: { event: Event; narrow: (name: string, value: string) => void }) {
  const is = useRole();
  const same = (name: string, value: string) => <Anchor component="button" size="sm" onClick={() => narrow(name, value)}>all of the same</Anchor>;
  const target = e.targetId && <>{e.targetKind} <Id id={e.targetId} />{e.targetKind === "document" && is("admin") && <><Anchor component={Link} size="sm" to={`/storage/documents?doc=${e.targetId}`}>open it</Anchor>, </>}{same("targetId", e.targetId)}</>;
  const patient = e.patientId && <>{is("admin") ? <Anchor component={Link} size="sm" to={patientPath(e.patientId)}>{e.patientId}</Anchor> : e.patientId} {same("patientId", e.patientId)}</>;
  const rows: Row[] = [
    ["When", <When at={e.at} exact />],
    ["Action", <>{inWords(e.action)} <Code>{e.action}</Code> {same("action", e.action)}</>],
    ["Outcome", <><Badge color={OUTCOMES[e.outcome] ?? "gray"}>{e.outcome}</Badge>{e.code && <> {e.code}</>}</>],
    ["Who", <>{e.actor.id} {same("actor", e.actor.id)}</>],
    ["How they came", e.actor.kind],
    ["In the roles", e.actor.roles.join(", ")],
    ["On behalf of", e.actor.onBehalfOf && <>{e.actor.onBehalfOf}{e.actor.inRole && `, as ${e.actor.inRole}`}</>],
    ["On", target || e.targetKind],
    ["Patient", patient],
    ["From address", e.remoteAddress],
    ["Request", <><Id id={e.requestId} /> {same("requestId", e.requestId)}</>],
    ["Place in the trail", e.seq],
    ["Id", <Id id={e.id} />],
    ["More", e.detail && <Code block style={{ whiteSpace: "pre-wrap", overflowWrap: "anywhere" }}>{JSON.stringify(e.detail, null, 2)}</Code>],
  ];
  return <Facts rows={rows} />;
}
