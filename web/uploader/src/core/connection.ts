// What an uploader belongs to and who is calling, out of what it was given.
import type { Connection, Lazy } from "../client/index.js";
import type { TicketWish, UploadOptions } from "./types.js";

/** What the documents belong to, in the API's words. */
export function wishOf({ category, entityType, entityId }: UploadOptions): TicketWish {
  const isPatient = entityType === "patient";
  return {
    ...(category && { category }),
    ...(isPatient && entityId && { patientId: entityId }),
    ...(!isPatient && entityType && entityId && { entityType, entityId }),
  };
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
