// One document of a patient.
import { type KeyboardEvent, useEffect, useRef, useState } from "react";
import type { Document } from "../client/index.js";
import { formatDate, formatSize } from "../core/format.js";
import { SEALED } from "../core/sealed.js";
import type { Texts } from "../core/texts.js";
import { DownloadIcon, TrashIcon } from "./icons.js";
import { Glyph, IconButton, Name } from "./parts.js";

interface Props {
  document: Document;
  texts: Texts;
  allowDelete: boolean;
  onView: () => void;
  onDownload: () => void;
  onDelete: () => void;
}

export function RecordRow({ document, texts, allowDelete, onView, onDownload, onDelete }: Props) {
  const [asking, setAsking] = useState(false);
  const question = useRef<HTMLDivElement>(null);
  const bin = useRef<HTMLButtonElement>(null);
  useEffect(() => {
    if (asking) question.current?.focus();
  }, [asking]);
  const close = () => {
    setAsking(false);
    bin.current?.focus();
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.key !== "Escape") return;
    // It is not for a dialog around.
    event.stopPropagation();
    close();
  };
  const confirm = () => {
    close();
    onDelete();
  };
  const { filename, category, size, createdAt, state } = document;
  const readable = state === "available";
  const sealed = document.contentType === SEALED;
  const about = [
    texts.categoryName(category),
    formatSize(size, texts.locale),
    formatDate(createdAt, texts.locale),
  ];
  return (
    <li className="srm-file" data-state={state} data-keeps-focus tabIndex={-1}>
      <Glyph name={filename} texts={texts} />
      <div className="srm-file-main">
        {readable && !sealed ? (
          <button type="button" className="srm-name-button" onClick={onView}>
            <Name>{filename}</Name>
          </button>
        ) : (
          <Name>{filename}</Name>
        )}
        <span className="srm-status">
          {!readable && <span className="srm-badge">{texts.state(state)}</span>}
          {sealed && <span className="srm-badge">{texts.sealed}</span>}
          {about.join(" · ")}
        </span>
        {asking && (
          <div
            ref={question}
            className="srm-ask"
            role="group"
            aria-label={`${texts.sure} ${filename}`}
            tabIndex={-1}
            onKeyDown={onKey}
          >
            <span>{texts.sure}</span>
            <button type="button" className="srm-link srm-danger" onClick={confirm}>
              {texts.delete}
            </button>
            <button type="button" className="srm-link" onClick={close}>
              {texts.keep}
            </button>
          </div>
        )}
      </div>
      <div className="srm-actions">
        {readable && (
          <IconButton label={texts.of(texts.download, filename)} onClick={onDownload}>
            <DownloadIcon />
          </IconButton>
        )}
        {allowDelete && readable && (
          <IconButton
            button={bin}
            label={texts.of(texts.delete, filename)}
            expanded={asking}
            onClick={() => (asking ? close() : setAsking(true))}
          >
            <TrashIcon />
          </IconButton>
        )}
      </div>
    </li>
  );
}
