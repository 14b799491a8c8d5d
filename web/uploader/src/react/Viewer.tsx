"use client";
// A picture, shown large over the page. Everything else opens in a tab of its own.
import { useEffect, useRef, useState } from "react";
import type { Texts } from "../core/texts.js";
import { CloseIcon } from "./icons.js";
import { IconButton, Name } from "./parts.js";

/** Types that every browser shows in an `<img>`. */
export const PICTURES: ReadonlySet<string> = new Set([
  "image/jpeg",
  "image/png",
  "image/gif",
  "image/webp",
]);

export function Viewer(props: { name: string; url: string; texts: Texts; onClose: () => void }) {
  const { name, url, texts, onClose } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const [broken, setBroken] = useState(false);
  useEffect(() => {
    if (!dialog.current?.open) dialog.current?.showModal();
  }, []);
  return (
    <dialog ref={dialog} className="srm-viewer" aria-label={name} onClose={onClose}>
      <div className="srm-viewer-head">
        <Name>{name}</Name>
        <IconButton label={texts.close} onClick={() => dialog.current?.close()}>
          <CloseIcon />
        </IconButton>
      </div>
      {broken ? (
        <p className="srm-note srm-wrong srm-viewer-note" role="alert">
          {texts.notShown}
        </p>
      ) : (
        <img src={url} alt={name} onError={() => setBroken(true)} />
      )}
    </dialog>
  );
}
