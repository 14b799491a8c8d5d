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
  /**
   * The largest file in bytes, of a category and of whichever of these types may be largest; nothing while it is not
   * known.
   */
  maxBytes(category: string | undefined, types: readonly string[]): number | undefined;
}

/** Before the server was asked, and where it cannot be: the types of the contract, and no limit. */
export const KNOWN: Taken = { types: TYPES, maxBytes: () => undefined };

/** Files are always sent in parts, so what one request may carry does not matter here. */
export function takenOf({ types, maxBytesInParts, categories }: Limits): Taken {
  const all = types.map(({ contentType, extensions }) => [contentType, extensions] as const);
  const ofType = new Map(types.map((one) => [one.contentType, one.maxBytesInParts]));
  return {
    types: Object.fromEntries(all),
    sealed: all.some(([type]) => type === SEALED),
    maxBytes: (category, of) => {
      const own = categories.find((one) => one.category === category);
      const ofTypes = of.map((type) => ofType.get(type) ?? maxBytesInParts);
      const ofLargest = of.length > 0 ? Math.max(...ofTypes) : maxBytesInParts;
      return Math.min(maxBytesInParts, own?.maxBytes ?? maxBytesInParts, ofLargest);
    },
  };
}

/** What may be chosen where everything is sealed: the files as they are before, as large as sealed ones may be. */
export function beforeSealing(taken: Taken): Taken {
  const { [SEALED]: _sealed, ...types } = taken.types;
  return { ...taken, types, maxBytes: (category) => taken.maxBytes(category, [SEALED]) };
}
