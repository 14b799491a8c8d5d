// What an uploader belongs to and who is calling, out of what it was given.
import type { Connection, Lazy } from "../client/index.js";
import type { TicketWish, UploadOptions } from "./types.js";

const isBlank = (id: unknown) => id === undefined || id === null || String(id).trim() === "";

/** What the documents belong to, in the API's words. */
export function wishOf({ category, entityType, entityId }: UploadOptions): TicketWish {
  const isPatient = entityType === "patient";
  return {
    ...(category && { category }),
    ...(!isBlank(entityId) && isPatient && { patientId: entityId }),
    ...(!isBlank(entityId) && !isPatient && entityType && { entityType, entityId }),
  } as TicketWish;
}

/**
 * Whether only half is said of what the documents belong to. A page that is still loading says it so, and what was
 * sent then would belong to nobody.
 */
export function isHalfSaid({ entityType, entityId }: UploadOptions): boolean {
  const said = [entityType, entityId].filter((one) => one !== undefined && one !== null);
  return said.length > 0 && (isBlank(entityType) || isBlank(entityId));
}

/** The same of what was said of one file alone: who names a patient means one. */
export function isAboutHalfSaid(about: TicketWish = {}): boolean {
  return ("patientId" in about && isBlank(about.patientId)) || isHalfSaid(about);
}

/** Which uploader an open upload belongs to, so that another page's does not show it. */
export function scopeOf(options: UploadOptions): string {
  const { endpoint, ticketUrl, category, entityType, entityId, supersedes } = options;
  return JSON.stringify([endpoint, ticketUrl, category, entityType, entityId, supersedes]);
}

async function valueOf<T>(lazy: Lazy<T>): Promise<T> {
  return typeof lazy === "function" ? (lazy as () => T | Promise<T>)() : lazy;
}

/** A connection that asks for token and headers as they are at each call. */
export function latest(current: () => Connection): Connection {
  return {
    endpoint: current().endpoint,
    token: () => valueOf(current().token),
    headers: async () => (await valueOf(current().headers)) ?? {},
  };
}
