// What an uploader hears of the page around it: a paste that is meant for it, a file that is dropped beside it.
import { useEffect, useRef } from "react";

/** Uploaders on the page: with one alone, a paste anywhere is meant for it. */
const shown = new Set<HTMLElement>();

const FIELDS = "input, textarea, select, [role=textbox]";

const asElements = (path: readonly EventTarget[]) => path.filter((one) => one instanceof HTMLElement);

/** Whether somebody writes there: what is pasted belongs into the text, pictures too. */
function isWriting(path: readonly EventTarget[]): boolean {
  return asElements(path).some((one) => one.isContentEditable || one.matches(FIELDS));
}

/** Hands over what is pasted into the uploader, or anywhere while it is the only one. */
export function usePaste(root: { current: HTMLElement | null }, add: (files: File[]) => void) {
  const latest = useRef(add);
  latest.current = add;
  useEffect(() => {
    const own = root.current;
    if (!own) return;
    shown.add(own);
    const onPaste = (event: ClipboardEvent) => {
      // Somebody took it already.
      if (event.defaultPrevented) return;
      const path = event.composedPath();
      if (isWriting(path) || (shown.size > 1 && !path.includes(own))) return;
      const files = [...(event.clipboardData?.files ?? [])];
      if (files.length === 0) return;
      event.preventDefault();
      latest.current(files);
    };
    document.addEventListener("paste", onPaste);
    return () => {
      shown.delete(own);
      document.removeEventListener("paste", onPaste);
    };
  }, [root]);
}

/** The app's own fields for files take what is dropped on them, by themselves. */
function isFileField(path: readonly EventTarget[]): boolean {
  return asElements(path).some((one) => one instanceof HTMLInputElement && one.type === "file");
}

/** A file dropped beside the uploader would open in the place of the page. */
export function useNoStrayDrops() {
  useEffect(() => {
    const onStray = (event: DragEvent) => {
      if (event.defaultPrevented || !event.dataTransfer?.types.includes("Files")) return;
      if (isFileField(event.composedPath())) return;
      event.preventDefault();
      event.dataTransfer.dropEffect = "none";
    };
    window.addEventListener("dragover", onStray);
    window.addEventListener("drop", onStray);
    return () => {
      window.removeEventListener("dragover", onStray);
      window.removeEventListener("drop", onStray);
    };
  }, []);
}
