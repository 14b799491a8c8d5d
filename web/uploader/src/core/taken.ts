// What the server takes: as it says itself (`GET /api/docs/limits`), and until then what this package knows.
import type { Schemas } from "../client/index.js";
import { TYPES, type Types } from "./rules.js";
import { SEALED } from "./sealed.js";

/** As the server tells it. */
export type Limits = Schemas["LimitsAnswer"];

export interface Taken {
  types: Types;
  /** Whether sealed files are taken; nothing while it is not known. */
  sealed?: boolean | undefined;
  /** The largest file of a category in bytes; nothing while it is not known. */
  maxBytes(category: string | undefined): number | undefined;
}

/** Before the server was asked, and where it cannot be: the types of the contract, and no limit. */
export const KNOWN: Taken = { types: TYPES, maxBytes: () => undefined };

/** Files are always sent in parts, so what one request may carry does not matter here. */
export function takenOf({ types, maxBytesInParts, categories }: Limits): Taken {
  const all = types.map(({ contentType, extensions }) => [contentType, extensions] as const);
  return {
    types: Object.fromEntries(all),
    sealed: all.some(([type]) => type === SEALED),
    maxBytes: (category) => {
      const own = categories.find((one) => one.category === category);
      return Math.min(maxBytesInParts, own?.maxBytes ?? maxBytesInParts);
    },
  };
}

/** What may be chosen where everything is sealed: the files as they are before. */
export function beforeSealing(taken: Taken): Taken {
  const { [SEALED]: _sealed, ...types } = taken.types;
  return { ...taken, types };
}
