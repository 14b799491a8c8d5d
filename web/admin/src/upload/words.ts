/** Where a file stands, in a few words. */
import { type ErrorCode, type Item, TEXTS } from "@strongroom/uploader";
import { size } from "../parts/format";

/** Whole minutes, and nothing where it is over soon: a number that jumps is no help. */
function leftOf(seconds: number | undefined): string | undefined {
  if (seconds === undefined || seconds < 15) return undefined;
  return TEXTS.left(seconds < 50 ? 0 : Math.round(seconds / 60));
}

export function statusOf(item: Item, queued: boolean, state: string | undefined): string {
  const whole = size(item.size);
  const sent = size(Math.round(item.progress * item.size));
  switch (item.phase) {
    case "waiting": return queued ? `${TEXTS.queued}, ${whole}` : whole;
    case "sealing": return TEXTS.sealing(sent, whole);
    case "checking": return TEXTS.checking;
    case "uploading": return [TEXTS.uploading(sent, whole), leftOf(item.secondsLeft)].filter(Boolean).join(", ");
    case "paused": return TEXTS.paused(sent, whole);
    case "finishing": return TEXTS.finishing;
    case "done": return state === "quarantined" ? "In quarantine: the scanner did not let it pass" : `${state === "scanning" ? TEXTS.scanning : TEXTS.done}, ${whole}`;
    case "failed":
    case "refused": return item.message ?? TEXTS.unknown;
    // Nothing is kept for a reload here.
    case "interrupted": return "";
  }
}

/** What was refused because of what it is said to be or whose: said otherwise, the same file may go. */
const ABOUT: ReadonlySet<ErrorCode> = new Set<ErrorCode>(["file_too_large", "forbidden", "invalid_fields"]);

/** What would help a file that did not make it: the same once more, the same as something else, or another file. */
export function helpOf({ phase, retryable }: Item, code: ErrorCode | undefined): "again" | "about" | "other" | undefined {
  if (phase === "refused") return "other";
  if (phase !== "failed") return undefined;
  if (retryable) return "again";
  return code && ABOUT.has(code) ? "about" : "other";
}
