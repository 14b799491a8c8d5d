// What is true of all files together, and what can be done with all of them.
import type { Texts } from "../core/texts.js";
import { ACTIVE, type Item } from "../core/types.js";
import type { Uploads } from "../core/uploads.js";
import { Progress } from "./parts.js";

export function Summary(props: {
  items: readonly Item[];
  uploads: Uploads;
  texts: Texts;
  autoStart: boolean;
}) {
  const { items, uploads, texts, autoStart } = props;
  const is = (...phases: Item["phase"][]) => items.filter(({ phase }) => phases.includes(phase));
  const active = items.filter(({ phase }) => ACTIVE.has(phase));
  const waiting = is("waiting");
  const done = is("done");
  const wrong = is("failed", "refused");
  const sending = active.length > 0 || (autoStart && waiting.length > 0);
  const all = [...active, ...waiting, ...done];
  const bytes = all.reduce((sum, { size }) => sum + size, 0);
  const sent = all.reduce((sum, item) => sum + item.size * sentOf(item), 0);
  const paused = is("paused").length;
  const said = sending
    ? texts.overall(done.length, all.length)
    : [
        done.length > 0 && texts.allDone(done.length),
        wrong.length > 0 && texts.someFailed(wrong.length),
      ]
        .filter(Boolean)
        .join(" · ");
  const several = all.length > 1;
  if (said === "" && waiting.length === 0) return null;
  if (items.length < 2 && waiting.length === 0) return null;
  return (
    <div className="srm-summary" data-keeps-focus tabIndex={-1}>
      <div className="srm-summary-line">
        <span className="srm-summary-text">{said}</span>
        {sending && several && is("uploading", "paused").length > 0 && (
          <button
            type="button"
            className="srm-link"
            onClick={() => (paused === is("uploading", "paused").length ? uploads.resumeAll() : uploads.pauseAll())}
          >
            {paused > 0 && is("uploading").length === 0 ? texts.resumeAll : texts.pauseAll}
          </button>
        )}
        {sending && several && (
          <button type="button" className="srm-link" onClick={() => uploads.cancelAll()}>
            {texts.cancelAll}
          </button>
        )}
        {!sending && waiting.length > 0 && (
          <button type="button" className="srm-button" onClick={() => uploads.start()}>
            {texts.start(waiting.length)}
          </button>
        )}
        {!sending && waiting.length === 0 && done.length + wrong.length > 1 && (
          <button type="button" className="srm-link" onClick={() => uploads.clear()}>
            {texts.clear}
          </button>
        )}
      </div>
      {sending && several && (
        <Progress label={texts.label} state="uploading" value={bytes === 0 ? 0 : sent / bytes} />
      )}
    </div>
  );
}

/** How much of a file is at the server, 0 to 1. */
function sentOf({ phase, progress }: Item): number {
  if (phase === "done" || phase === "finishing") return 1;
  return phase === "uploading" || phase === "paused" ? progress : 0;
}
