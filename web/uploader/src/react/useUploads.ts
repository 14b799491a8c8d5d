// The uploads of a component: made when it is shown, stopped when it goes.
import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import { scopeOf } from "../core/connection.js";
import type { Texts } from "../core/texts.js";
import type { Snapshot, UploadOptions } from "../core/types.js";
import { Uploads } from "../core/uploads.js";

const NOTHING: Snapshot = { items: [], offline: false, full: false, said: "" };
const noUploads = () => NOTHING;
const never = () => () => undefined;

export function useUploads(options: UploadOptions, texts: Texts) {
  const [uploads, setUploads] = useState<Uploads>();
  const latest = useRef({ options, texts });
  latest.current = { options, texts };
  // A page that begins or ceases to seal has another uploader: none of its files is taken over.
  const scope = scopeOf(options) + JSON.stringify(options.sealFor ?? null);
  useEffect(() => {
    const made = new Uploads(latest.current.options, latest.current.texts);
    setUploads(made);
    return () => {
      made.destroy();
      setUploads(undefined);
    };
  }, [scope]);
  useEffect(() => uploads?.setOptions(options, texts));
  const snapshot = useSyncExternalStore(
    uploads?.subscribe ?? never,
    uploads?.snapshot ?? noUploads,
    noUploads,
  );
  return { uploads, snapshot };
}
