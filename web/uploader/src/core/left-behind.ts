// What was under way when an uploader went, because the page is about something else now: the next one on the page says
// so, without names, since another patient's page is no place for them.
import { isKept, whenForgotten } from "./resume.js";
import type { Texts } from "./texts.js";

/** A file whose uploader went; the upload that can be gone on with, if there is one. */
export interface Left {
  page: string;
  uploadId?: string | undefined;
}

/** On its way from one uploader to the next. */
let onItsWay: readonly Left[] = [];
whenForgotten(() => (onItsWay = []));

export class LeftBehind {
  #all: readonly Left[];

  /** Takes over what was left on other pages than this. */
  constructor(page: string) {
    this.#all = onItsWay.filter((left) => left.page !== page);
    onItsWay = [];
  }

  /** It was read, or is of no concern any more. */
  clear() {
    this.#all = [];
  }

  /** Leaves all of it to the next uploader, and more. */
  leave(more: readonly Left[]) {
    onItsWay = [...this.#all, ...more];
  }

  notes(texts: Texts): string[] {
    const ended = this.#all.filter(({ uploadId }) => uploadId === undefined).length;
    const waiting = this.#all.filter(({ uploadId }) => uploadId && isKept(uploadId)).length;
    return [
      ...(waiting > 0 ? [texts.leftWaiting(waiting)] : []),
      ...(ended > 0 ? [texts.leftEnded(ended)] : []),
    ];
  }
}
