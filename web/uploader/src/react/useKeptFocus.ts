// Where the focus goes when what had it goes: a button that did its work is taken away, a row with it. Without this
// whoever works by keyboard begins at the top of the page again, and a screen reader says nothing.
import { useEffect, useRef } from "react";

interface Had {
  element: HTMLElement;
  /** What it stood in: a row, the line above the list (`data-keeps-focus`). */
  group: HTMLElement | null;
  /** Where that stood among its likes. */
  index: number;
}

function hadOf(element: HTMLElement): Had {
  const group = element.closest<HTMLElement>("[data-keeps-focus]");
  return { element, group, index: [...(group?.parentElement?.children ?? [])].indexOf(group as Element) };
}

/** Nothing on the page has the focus. */
const isNowhere = () => !document.activeElement || document.activeElement === document.body;

/**
 * Keeps the focus inside `root`. It goes to what the element stood in, never to another button: whoever presses a key
 * twice must not cancel what they began. Where that is gone too, `instead` says where.
 */
export function useKeptFocus(
  root: { current: HTMLElement | null },
  instead: (gone: Had) => HTMLElement | null | undefined,
) {
  const had = useRef<Had>(undefined);
  useEffect(() => {
    const own = root.current;
    const came = ({ target }: FocusEvent) => {
      had.current = target instanceof HTMLElement ? hadOf(target) : undefined;
    };
    // Some browsers tell this of what is taken away, too; then it is not there any more.
    const went = ({ target }: FocusEvent) =>
      queueMicrotask(() => {
        const left = target === had.current?.element && had.current?.element.isConnected;
        if (left && target !== (own?.getRootNode() as Document | ShadowRoot).activeElement) had.current = undefined;
      });
    own?.addEventListener("focusin", came);
    own?.addEventListener("focusout", went);
    return () => {
      own?.removeEventListener("focusin", came);
      own?.removeEventListener("focusout", went);
    };
  }, [root]);
  // After every change of the page.
  useEffect(() => {
    const gone = had.current;
    if (!gone || gone.element.isConnected || !isNowhere()) return;
    had.current = undefined;
    const next = gone.group?.isConnected ? gone.group : instead(gone);
    (next ?? root.current)?.focus();
    // What is not shown cannot have it.
    if (isNowhere()) root.current?.focus();
  });
}
