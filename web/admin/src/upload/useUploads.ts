/** The uploads of the drawer: made with it, ended with it. */
import { useQueryClient } from "@tanstack/react-query";
import { type Snapshot, Uploads } from "@strongroom/uploader";
import { useCallback, useEffect, useState, useSyncExternalStore } from "react";

const NOTHING: Snapshot = { items: [], offline: false, full: false, said: "" };
const nothing = () => NOTHING;
const never = () => () => undefined;

/** What lists and figures show of documents is asked for again when one has come or changed. */
export function useChanged(): () => void {
  const cache = useQueryClient();
  return useCallback(() => {
    void cache.invalidateQueries({ predicate: ({ queryKey: [of] }) => of !== "session" && of !== "suggestion" });
  }, [cache]);
}

/** `supersedes`: the one document that the file is a newer version of. */
export function useUploads(files: readonly File[], supersedes?: string) {
  const [uploads, setUploads] = useState<Uploads>();
  const changed = useChanged();
  useEffect(() => {
    // The next person in this tab must not find the names of this one's files: nothing is kept for a reload.
    const made = new Uploads({ autoStart: false, resumable: false, onUploadComplete: changed, ...(supersedes && { supersedes, maxFiles: 1 }) });
    setUploads(made);
    return () => made.destroy();
  }, [changed, supersedes]);
  useEffect(() => {
    if (files.length > 0) void uploads?.add(files);
  }, [uploads, files]);
  const snapshot = useSyncExternalStore(uploads?.subscribe ?? never, uploads?.snapshot ?? nothing);
  return { uploads, snapshot };
}
