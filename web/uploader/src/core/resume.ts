// What a reload interrupts: kept in this tab's own session storage, which ends with the tab. File names
// are health data, so nothing of them is left on a machine that several people use.
//
// A tab goes from one patient's page to the next. What was begun for one is found only where everything that it
// belongs to is the same: what the page says, what its ticket is for, what was said of the file alone.
import type { TicketWish } from "./types.js";

export interface Kept {
  /** Which uploader it belongs to, as its page says. */
  page: string;
  /** What its ticket was for, in the server's word; empty where there was none. */
  scope: string;
  /** What was said of it alone. */
  about?: TicketWish | undefined;
  /** The ticket it began with. */
  ticket?: string | undefined;
  uploadId: string;
  key: string;
  name: string;
  size: number;
  sha256: string;
}

const PLACE = "strongroom.uploads";

function read(): Kept[] {
  try {
    const all: unknown = JSON.parse(sessionStorage.getItem(PLACE) ?? "[]");
    return Array.isArray(all) ? (all as Kept[]) : [];
  } catch {
    return [];
  }
}

function write(all: Kept[]) {
  try {
    if (all.length === 0) sessionStorage.removeItem(PLACE);
    else sessionStorage.setItem(PLACE, JSON.stringify(all));
  } catch {
    // Storage may be full or forbidden; then a reload starts over.
  }
}

/** Whether an upload, of whatever page, can be gone on with in this tab. */
export function isKept(uploadId: string): boolean {
  return read().some((kept) => kept.uploadId === uploadId);
}

const listeners = new Set<() => void>();

/**
 * Forgets what reloads have interrupted in this tab: the names are not shown again, to whoever comes next. For
 * signing out. At the server it ends as what nobody completes.
 */
export function forgetUploads() {
  write([]);
  for (const listener of listeners) listener();
}

/** Tells when all is forgotten, until the answer is called. */
export function whenForgotten(listener: () => void): () => void {
  listeners.add(listener);
  return () => void listeners.delete(listener);
}

/** The same for the same, in whatever order it was said. */
export function sameAbout(one: TicketWish | undefined, other: TicketWish | undefined): boolean {
  const text = (about: TicketWish = {}) =>
    JSON.stringify(Object.entries(about).filter(([, value]) => value !== undefined).sort());
  return text(one) === text(other);
}

/** The open uploads of one uploader in this tab. */
export class Resume {
  constructor(
    private readonly page: () => string,
    private readonly enabled: () => boolean,
  ) {}

  /** Those of this page, for whatever they were. Not to be shown before it is known that they are for the same. */
  ids(): string[] {
    return this.#own().map(({ uploadId }) => uploadId);
  }

  /** `scope` is what the page's ticket is for; where nobody says it there is nothing to go on with. */
  all(scope: string | undefined): Kept[] {
    return scope === undefined ? [] : this.#own().filter((kept) => kept.scope === scope);
  }

  /** The upload that carries these very bytes under this name, for the same: the document is called as it began. */
  find(
    { name, sha256, size, about }: Pick<Kept, "name" | "sha256" | "size" | "about">,
    scope: string | undefined,
  ): Kept | undefined {
    return this.all(scope).find(
      (kept) =>
        kept.name === name && kept.sha256 === sha256 && kept.size === size && sameAbout(kept.about, about),
    );
  }

  /** Whether one is open that may be this file's. */
  expects({ name, size }: { name: string; size: number }, scope: string | undefined): boolean {
    return this.all(scope).some((kept) => kept.name === name && kept.size === size);
  }

  has(uploadId: string): boolean {
    return this.ids().includes(uploadId);
  }

  keep(kept: Omit<Kept, "page" | "scope">, scope: string | undefined) {
    if (!this.enabled() || scope === undefined) return;
    const others = read().filter((one) => one.uploadId !== kept.uploadId);
    write([...others, { ...kept, page: this.page(), scope }]);
  }

  drop(uploadId: string) {
    if (this.enabled()) write(read().filter((kept) => kept.uploadId !== uploadId));
  }

  #own(): Kept[] {
    return this.enabled() ? read().filter((kept) => kept.page === this.page()) : [];
  }
}
