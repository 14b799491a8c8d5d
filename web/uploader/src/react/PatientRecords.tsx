"use client";
// A patient's documents: found, looked at, downloaded, and where it is allowed added and deleted.
import { useEffect, useId, useRef, useState } from "react";
import { type Connection, type Document, StrongroomError } from "../client/index.js";
import { messageOf } from "../core/failure.js";
import type { Texts } from "../core/texts.js";
import { CATEGORIES, type Category, type Said } from "../core/types.js";
import { FileUploader } from "./FileUploader.js";
import { SearchIcon } from "./icons.js";
import { Announcer, type Looks, Progress, useTexts } from "./parts.js";
import { RecordRow } from "./RecordRow.js";
import { useKeptFocus } from "./useKeptFocus.js";
import { linkOf, useClient, useRecords, useRested } from "./useRecords.js";
import { bytesOf, IN_MEMORY, save, saveBytes } from "./save.js";
import { PICTURES, Viewer } from "./Viewer.js";

/** What is no answer of the server is this page's own trouble. */
const saidOf = (error: StrongroomError, texts: Texts) =>
  error.code === "unknown" && error.status === 0 ? texts.recordsUnknown : messageOf(error, texts);

/** How much of what was said is kept. */
const LINES = 5;

export interface PatientRecordsProps extends Connection, Looks {
  patientId: string;
  /** Shows this category alone; without it people may choose. */
  category?: Category | undefined;
  /** Whether documents can be moved to the trash from here. */
  allowDelete?: boolean | undefined;
  /** Whether documents can be added from here; they get `category`. */
  allowUpload?: boolean | undefined;
  /** Public keys that documents added from here are sealed for, as `sealFor` of `FileUploader`. */
  sealFor?: string | readonly string[] | undefined;
  onError?: ((error: StrongroomError) => void) | undefined;
}

/**
 * A patient's documents. Another patient, server or category is another list: of the one before nothing stays, no
 * row, no picture, no text that was searched for, and what is still on its way opens nothing.
 */
export function PatientRecords(props: PatientRecordsProps) {
  const { endpoint, patientId, category } = props;
  return <Records key={JSON.stringify([endpoint, patientId, category])} {...props} />;
}

/** Ends when the component goes. */
function useGone(): () => AbortSignal | undefined {
  const gone = useRef<AbortController>(undefined);
  useEffect(() => {
    const mine = new AbortController();
    gone.current = mine;
    return () => mine.abort();
  }, []);
  return () => gone.current?.signal;
}

function Records(props: PatientRecordsProps) {
  const { patientId, category, allowDelete = false, allowUpload = false, onError } = props;
  const { endpoint, token, headers } = props;
  const texts = useTexts(props.texts, props.locale);
  const client = useClient({ endpoint, token, headers });
  const [written, setWritten] = useState("");
  const [chosen, setChosen] = useState("");
  const q = useRested(written.trim());
  const records = useRecords(client, { patientId, q, category: category ?? chosen });
  const [viewed, setViewed] = useState<{ name: string; url: string }>();
  const [failure, setFailure] = useState<string>();
  const [lines, setLines] = useState<readonly Said[]>([]);
  const say = (text: string) =>
    setLines((old) => [...old, { id: (old.at(-1)?.id ?? 0) + 1, text }].slice(-LINES));
  const searchId = useId();
  const root = useRef<HTMLElement>(null);
  const list = useRef<HTMLUListElement>(null);
  const search = useRef<HTMLInputElement>(null);
  // After a row that went comes the next one, and after the button for more what it brought.
  useKeptFocus(root, ({ element, index }) => {
    const rows = [...(list.current?.children ?? [])] as HTMLElement[];
    const isOfRows = index >= 0 || element.classList.contains("srm-more");
    return (isOfRows && (rows[index] ?? rows.at(-1))) || search.current;
  });
  const gone = useGone();

  const act = async (work: (signal: AbortSignal | undefined) => Promise<unknown>) => {
    const signal = gone();
    setFailure(undefined);
    try {
      await work(signal);
    } catch (error) {
      if (signal?.aborted) return;
      const known = error instanceof StrongroomError;
      setFailure(known ? messageOf(error, texts) : texts.recordsUnknown);
      if (known) onError?.(error);
    }
  };
  const view = (document: Document) => {
    const isPicture = PICTURES.has(document.contentType);
    // Opened at once, while the browser still knows that somebody clicked.
    const tab = isPicture ? null : window.open("", "_blank");
    if (tab) tab.opener = null;
    void act(async (signal) => {
      const link = await linkOf(client, document.id, "inline", signal).catch((error: unknown) => {
        tab?.close();
        throw error;
      });
      if (isPicture) setViewed({ name: document.filename, url: link.url });
      else if (tab) tab.location.replace(link.url);
      else window.location.assign(link.url);
    });
  };
  const download = (document: Document) =>
    act(async (signal) => {
      const link = await linkOf(client, document.id, "attachment", signal);
      const bytes = document.size <= IN_MEMORY ? await bytesOf(link.url, signal) : undefined;
      if (bytes) saveBytes(bytes, link.filename);
      else save(link.url, link.filename);
    });
  const remove = (document: Document) =>
    act(async (signal) => {
      const id = document.id;
      // Once asked for it is not given up, whatever is shown.
      await client.DELETE("/api/docs/{id}", { params: { path: { id } } });
      if (signal?.aborted) return;
      say(texts.saidDeleted(document.filename));
      await records.reload();
    });

  const { documents, loading, error, next } = records;
  const filtered = q !== "" || chosen !== "";
  const shownError = error ? saidOf(error, texts) : failure;
  return (
    <section
      ref={root}
      className={`srm srm-records ${props.className ?? ""}`}
      tabIndex={-1}
      style={props.style}
      aria-label={props.label ?? texts.records}
      aria-busy={loading}
    >
      {allowUpload && (
        <FileUploader
          {...{ endpoint, token, headers, category, texts, sealFor: props.sealFor }}
          entityType="patient"
          entityId={patientId}
          onUploadComplete={() => void records.reload()}
        />
      )}
      <div className="srm-filter">
        <label className="srm-search" htmlFor={searchId}>
          <SearchIcon />
          <span className="srm-hidden">{texts.search}</span>
          <input
            ref={search}
            id={searchId}
            type="search"
            placeholder={texts.search}
            value={written}
            onChange={(event) => setWritten(event.currentTarget.value)}
          />
        </label>
        {!category && (
          <select
            className="srm-select"
            aria-label={texts.category}
            value={chosen}
            onChange={(event) => setChosen(event.currentTarget.value)}
          >
            <option value="">{texts.anyCategory}</option>
            {CATEGORIES.map((one) => (
              <option key={one} value={one}>
                {texts.categoryName(one)}
              </option>
            ))}
          </select>
        )}
      </div>
      <div className="srm-loading">
        {loading && <Progress label={texts.recordsLoading} state="finishing" />}
      </div>
      {shownError && (
        <p className="srm-note srm-wrong" role="alert">
          {shownError}{" "}
          {error && (
            <button type="button" className="srm-link" onClick={() => void records.reload()}>
              {texts.reload}
            </button>
          )}
        </p>
      )}
      {documents.length === 0 && !loading && !error && (
        <p className="srm-empty">{filtered ? texts.recordsNone : texts.recordsEmpty}</p>
      )}
      {documents.length > 0 && (
        <ul ref={list} className="srm-files" aria-label={texts.records}>
          {documents.map((document) => (
            <RecordRow
              key={document.id}
              document={document}
              texts={texts}
              allowDelete={allowDelete}
              onView={() => view(document)}
              onDownload={() => void download(document)}
              onDelete={() => void remove(document)}
            />
          ))}
        </ul>
      )}
      {next && (
        <button
          type="button"
          className="srm-button srm-quiet srm-more"
          // Disabled it would lose the focus.
          aria-disabled={loading}
          onClick={() => loading || void records.load(next)}
        >
          {texts.more}
        </button>
      )}
      {viewed && <Viewer {...viewed} texts={texts} onClose={() => setViewed(undefined)} />}
      <Announcer lines={lines} />
    </section>
  );
}
