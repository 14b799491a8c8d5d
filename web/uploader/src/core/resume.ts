// What a reload interrupts: kept in this tab's own session storage, which ends with the tab. File names
// are health data, so nothing of them is left on a machine that several people use.

export interface Kept {
  /** Which uploader it belongs to. */
  scope: string;
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

/** The open uploads of one uploader in this tab. */
export class Resume {
  constructor(
    private readonly scope: string,
    private readonly enabled: boolean,
  ) {}

  all(): Kept[] {
    return this.enabled ? read().filter((kept) => kept.scope === this.scope) : [];
  }

  /** The upload that carries these very bytes. */
  find(sha256: string, size: number): Kept | undefined {
    return this.all().find((kept) => kept.sha256 === sha256 && kept.size === size);
  }

  /** Whether one is open that may be this file's. */
  expects({ name, size }: { name: string; size: number }): boolean {
    return this.all().some((kept) => kept.name === name && kept.size === size);
  }

  keep(kept: Omit<Kept, "scope">) {
    if (!this.enabled) return;
    const others = read().filter((one) => one.uploadId !== kept.uploadId);
    write([...others, { ...kept, scope: this.scope }]);
  }

  drop(uploadId: string) {
    if (this.enabled) write(read().filter((kept) => kept.uploadId !== uploadId));
  }
}
