// One file: what it is, how far it is, what can be done with it.
import { formatSize } from "../core/format.js";
import type { Texts } from "../core/texts.js";
import type { Item } from "../core/types.js";
import type { Uploads } from "../core/uploads.js";
import { CloseIcon, PauseIcon, PlayIcon, RetryIcon } from "./icons.js";
import { Glyph, IconButton, Name, Progress } from "./parts.js";

interface Props {
  item: Item;
  uploads: Uploads;
  texts: Texts;
  autoStart: boolean;
  /** Opens the file dialog, to go on with an interrupted file. */
  onChoose: () => void;
}

/** Whole minutes, and nothing where it is over soon: a number that jumps is no help. */
function leftOf({ secondsLeft }: Item, texts: Texts): string | undefined {
  if (secondsLeft === undefined || secondsLeft < 15) return undefined;
  return texts.left(secondsLeft < 50 ? 0 : Math.round(secondsLeft / 60));
}

function statusOf(item: Item, texts: Texts, auto: boolean) {
  const { phase, progress, size, message } = item;
  const sent = formatSize(Math.round(progress * size), texts.locale);
  const whole = formatSize(size, texts.locale);
  switch (phase) {
    case "waiting":
      return `${auto ? texts.queued : texts.waiting} · ${whole}`;
    case "sealing":
      return texts.sealing(sent, whole);
    case "checking":
      return texts.checking;
    case "uploading":
      return [texts.uploading(sent, whole), leftOf(item, texts)].filter(Boolean).join(" · ");
    case "paused":
      return texts.paused(sent, whole);
    case "finishing":
      return texts.finishing;
    case "done":
      return `${doneOf(item, texts)} · ${whole}`;
    case "failed":
    case "refused":
      return message ?? texts.unknown;
    case "interrupted":
      return texts.interrupted(Math.round(progress * 100));
  }
}

function doneOf({ sealed, document }: Item, texts: Texts): string {
  if (sealed) return texts.doneSealed;
  return document?.state === "scanning" ? texts.scanning : texts.done;
}

const WITH_BAR = new Set(["sealing", "checking", "uploading", "paused", "finishing", "interrupted"]);

export function FileRow({ item, uploads, texts, autoStart, onChoose }: Props) {
  const { id, name, phase, progress } = item;
  const wrong = phase === "failed" || phase === "refused";
  return (
    <li className="srm-file" data-phase={phase} data-keeps-focus tabIndex={-1}>
      <Glyph name={name} texts={texts} mark={wrong ? "failed" : phase === "done" ? "done" : undefined} />
      <div className="srm-file-main">
        <Name>{name}</Name>
        <span className="srm-status">{statusOf(item, texts, autoStart)}</span>
        {WITH_BAR.has(phase) && (
          <Progress
            label={name}
            state={phase}
            {...(phase !== "finishing" && { value: phase === "checking" ? 0 : progress })}
          />
        )}
      </div>
      <div className="srm-actions">
        {phase === "interrupted" && (
          <button type="button" className="srm-link" onClick={onChoose}>
            {texts.continue}
            <span className="srm-hidden"> {name}</span>
          </button>
        )}
        {(phase === "uploading" || phase === "paused") && (
          <IconButton
            label={texts.of(phase === "paused" ? texts.resume : texts.pause, name)}
            onClick={() => (phase === "paused" ? uploads.resume(id) : uploads.pause(id))}
          >
            {phase === "paused" ? <PlayIcon /> : <PauseIcon />}
          </IconButton>
        )}
        {phase === "failed" && item.retryable && (
          <IconButton label={texts.of(texts.retry, name)} onClick={() => uploads.retry(id)}>
            <RetryIcon />
          </IconButton>
        )}
        <IconButton label={texts.of(endOf(phase, texts), name)} onClick={() => uploads.remove(id)}>
          <CloseIcon />
        </IconButton>
      </div>
    </li>
  );
}

/** What taking a file from the list means. */
function endOf(phase: Item["phase"], texts: Texts): string {
  if (phase === "interrupted") return texts.discard;
  if (phase === "done" || phase === "refused") return texts.dismiss;
  return phase === "waiting" || phase === "failed" ? texts.remove : texts.cancel;
}
