/** A dialog that is taken away, not closed, gives the focus back to where it was: who works by keys goes on from there. */
import { useEffect, useRef } from "react";

export function useFocusBack() {
  const before = useRef<Element>(undefined);
  before.current ??= origin();
  useEffect(() => () => {
    // After whatever is opened in its place.
    setTimeout(() => {
      const at = before.current;
      if (at instanceof HTMLElement && at.isConnected && document.activeElement === document.body) at.focus({ preventScroll: true });
    });
  }, []);
}

/** An entry of a menu is gone by then; its button is not. */
function origin(): Element {
  const at = document.activeElement ?? document.body;
  const menu = at.closest('[role="menu"]');
  return (menu && document.querySelector(`[aria-controls="${CSS.escape(menu.id)}"]`)) ?? at;
}
