// Who shows something subscribes, and is told once for all that changes in a moment.

export class Telling<Shown> {
  #listeners = new Set<() => void>();
  #isDue = false;

  /** `look` makes what is shown; until something changes it is `shown`. */
  constructor(
    private readonly look: () => Shown,
    private shown: Shown,
  ) {}

  readonly subscribe = (listener: () => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  readonly snapshot = () => this.shown;

  readonly tell = () => {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      this.shown = this.look();
      for (const listener of this.#listeners) listener();
    });
  };

  stop() {
    this.#listeners.clear();
  }
}
