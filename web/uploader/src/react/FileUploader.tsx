"use client";
// Where files are dropped, pasted, chosen or photographed, and the list of what becomes of them.
import { type DragEvent, useRef, useState } from "react";
import { formatLimit } from "../core/format.js";
import { dropped, named } from "../core/picked.js";
import { dialogAccept, isAccepted, kinds } from "../core/rules.js";
import type { UploadOptions } from "../core/types.js";
import { FileRow } from "./FileRow.js";
import { CameraIcon, UploadIcon } from "./icons.js";
import { Announcer, type Looks, useTexts } from "./parts.js";
import { Summary } from "./Summary.js";
import { useNoStrayDrops, usePaste } from "./usePage.js";
import { useKeptFocus } from "./useKeptFocus.js";
import { useUploads } from "./useUploads.js";

export interface FileUploaderProps extends UploadOptions, Looks {}

/** Uploads files for a patient or another entity. */
export function FileUploader(props: FileUploaderProps) {
  const { label, texts: own, locale, className, style, ...options } = props;
  const texts = useTexts(own, locale);
  const { uploads, snapshot } = useUploads(options, texts);
  const { accept, maxSize, multiple = true, maxFiles, autoStart = true } = options;
  const several = multiple && maxFiles !== 1;
  const root = useRef<HTMLElement>(null);
  const input = useRef<HTMLInputElement>(null);
  const camera = useRef<HTMLInputElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const [over, setOver] = useState(0);
  const add = (files: readonly File[]) => void uploads?.add(files);
  usePaste(root, (files) => add(named(files, texts.pastedName)));
  useNoStrayDrops();
  useKeptFocus(root, () => button.current);

  const onDrag = (change: number) => (event: DragEvent) => {
    if (!event.dataTransfer.types.includes("Files")) return;
    event.preventDefault();
    setOver((count) => Math.max(0, count + change));
  };
  const onDrop = (event: DragEvent) => {
    event.preventDefault();
    setOver(0);
    void dropped(event.dataTransfer).then(add);
  };
  const takes = (field: HTMLInputElement) => {
    add(named(field.files ?? [], texts.photoName));
    field.value = "";
  };
  const { items, types } = snapshot;
  const most = snapshot.maxSize ?? maxSize;
  return (
    <section
      ref={root}
      className={`srm srm-uploader ${className ?? ""}`}
      style={style}
      tabIndex={-1}
      aria-label={label ?? texts.label}
      onDragEnter={onDrag(1)}
      onDragOver={onDrag(0)}
      onDragLeave={onDrag(-1)}
      onDrop={onDrop}
    >
      <div className="srm-drop" data-over={over > 0 || undefined} data-full={snapshot.full || undefined}>
        <span className="srm-drop-icon">
          <UploadIcon />
        </span>
        <p className="srm-drop-text">
          {over > 0 ? texts.dropNow : several ? texts.drop : texts.dropOne}
          {over === 0 && <span className="srm-muted"> {texts.or}</span>}
        </p>
        <div className="srm-drop-buttons">
          <button
            ref={button}
            type="button"
            className="srm-button"
            onClick={() => input.current?.click()}
          >
            {several ? texts.choose : texts.chooseOne}
          </button>
          {isAccepted("image/jpeg", accept, types) && (
            <button
              type="button"
              className="srm-button srm-quiet srm-touch"
              onClick={() => camera.current?.click()}
            >
              <CameraIcon />
              {texts.photo}
            </button>
          )}
        </div>
        <p className="srm-hint">
          {texts.hint(kinds(accept, types, texts), most === undefined ? undefined : formatLimit(most, texts.locale))}
        </p>
        {options.sealFor !== undefined && !snapshot.problem && (
          <p className="srm-hint">{texts.sealHint}</p>
        )}
        <input
          ref={input}
          className="srm-hidden"
          type="file"
          tabIndex={-1}
          aria-hidden="true"
          multiple={several}
          accept={dialogAccept(accept, types)}
          onChange={(event) => takes(event.currentTarget)}
        />
        <input
          ref={camera}
          className="srm-hidden"
          type="file"
          tabIndex={-1}
          aria-hidden="true"
          accept="image/*"
          capture="environment"
          onChange={(event) => takes(event.currentTarget)}
        />
      </div>
      {snapshot.problem && (
        <p className="srm-note srm-wrong" role="alert">
          {snapshot.problem}
        </p>
      )}
      {/* There before its text is: else nobody is told. */}
      <div role="status">{snapshot.offline && <p className="srm-note">{texts.offline}</p>}</div>
      <div role="status">
        {snapshot.notes?.map((note) => (
          <p key={note} className="srm-note">
            {note}
          </p>
        ))}
      </div>
      {uploads && items.length > 0 && (
        <>
          <Summary items={items} uploads={uploads} texts={texts} autoStart={autoStart} />
          <ul className="srm-files" aria-label={texts.list}>
            {items.map((item) => (
              <FileRow
                key={item.id}
                item={item}
                uploads={uploads}
                texts={texts}
                autoStart={autoStart}
                onChoose={() => input.current?.click()}
              />
            ))}
          </ul>
        </>
      )}
      <Announcer lines={snapshot.lines} />
    </section>
  );
}
