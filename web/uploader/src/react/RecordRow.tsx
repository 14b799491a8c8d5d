// One document of a patient.
import { useState } from "react";
import type { Document } from "../client/index.js";
import { formatCategory, formatDate, formatSize } from "../core/format.js";
import { SEALED } from "../core/sealed.js";
import type { Texts } from "../core/texts.js";
import { DownloadIcon, TrashIcon } from "./icons.js";
import { Glyph, IconButton } from "./parts.js";

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
  const { filename, category, size, createdAt, state } = document;
  const readable = state === "available";
  const sealed = document.contentType === SEALED;
  const about = [formatCategory(category), formatSize(size), formatDate(createdAt)];
  return (
    <li className="srm-file" data-state={state}>
      <Glyph name={filename} />
      <div className="srm-file-main">
        {readable && !sealed ? (
          <button type="button" className="srm-name srm-name-button" onClick={onView} title={filename}>
            {filename}
          </button>
        ) : (
          <span className="srm-name" title={filename}>
            {filename}
          </span>
        )}
        <span className="srm-status">
          {!readable && <span className="srm-badge">{texts.state(state)}</span>}
          {sealed && <span className="srm-badge">{texts.sealed}</span>}
          {about.join(" · ")}
        </span>
        {asking && (
          <div className="srm-ask" role="group" aria-label={texts.sure}>
            <span>{texts.sure}</span>
            <button type="button" className="srm-link srm-danger" onClick={onDelete}>
              {texts.delete}
            </button>
            <button type="button" className="srm-link" onClick={() => setAsking(false)}>
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
          <IconButton label={texts.of(texts.delete, filename)} onClick={() => setAsking(!asking)}>
            <TrashIcon />
          </IconButton>
        )}
      </div>
    </li>
  );
}
