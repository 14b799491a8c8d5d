/** The uploads of the drawer: made with it, ended with it. */
import { useQueryClient } from "@tanstack/react-query";
import { type ErrorCode, type Item, type Snapshot, Uploads } from "@strongroom/uploader";
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { documentsChanged } from "../queries";

const NOTHING: Snapshot = { items: [], offline: false, full: false, said: "" };
const nothing = () => NOTHING;
const never = () => () => undefined;

/** What lists and figures show of documents is asked for again when one has come or changed. */
export function useChanged(): () => void {
  const cache = useQueryClient();
  return useCallback(() => documentsChanged(cache), [cache]);
}

/** `supersedes`: the one document that the file is a newer version of. */
export function useUploads(files: readonly File[], supersedes?: string) {
  const [uploads, setUploads] = useState<Uploads>();
  const changed = useChanged();
  const codes = useRef(new Map<string, ErrorCode>());
  useEffect(() => {
    // The next person in this tab must not find the names of this one's files: nothing is kept for a reload.
    const made = new Uploads({
      autoStart: false, resumable: false, onUploadComplete: changed, ...(supersedes && { supersedes, maxFiles: 1 }),
      onError: ({ code }, file) => void codes.current.set(keyOf(file), code),
    });
    setUploads(made);
    return () => made.destroy();
  }, [changed, supersedes]);
  useEffect(() => {
    if (files.length > 0) void uploads?.add(files);
  }, [uploads, files]);
  const snapshot = useSyncExternalStore(uploads?.subscribe ?? never, uploads?.snapshot ?? nothing);
  /** Why a file did not make it, as the contract names it. */
  const codeOf = (item: Item) => codes.current.get(keyOf(item));
  return { uploads, snapshot, codeOf };
}

/** As the uploads tell two files apart. */
const keyOf = ({ name, size }: Pick<Item, "name" | "size">) => `${size} ${name}`;
