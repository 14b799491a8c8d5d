/** The trail as people read it. */
import type { Event } from "./events";

/** How an event ended, and its colour. */
export const OUTCOMES: Record<string, string> = { granted: "teal", denied: "red", failed: "orange" };

/** What narrows the trail, beside time. */
export const FILTERS: Record<string, string> = { actor: "Who", action: "Action", outcome: "Outcome", patientId: "Patient", targetId: "Document or id", requestId: "Request" };

/** Who did it; of a call that an app made for somebody, that person. */
export const whoOf = ({ actor }: Event) => actor.onBehalfOf ?? actor.id;

const exact = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium" });

/** A time that reads the same everywhere, by the reader's own clock: 2026-02-03 14:05:06. */
export const onPaper = (at: string | Date) => exact.format(new Date(at));
