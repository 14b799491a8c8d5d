/** How everything looks, and what the library leaves short of WCAG AA. */
import { Badge, createTheme, type CSSVariablesResolver, Drawer, Menu, Modal, Table } from "@mantine/core";

// The head of a dialog is none of the page's: two banners would be one too many. Its button stays at the top
// beside a title of many lines.
const dialog = { attributes: { header: { role: "none" } }, styles: { header: { alignItems: "flex-start" }, title: { fontWeight: 600 } } };

export const theme = createTheme({
  primaryColor: "cyan",
  primaryShade: 9,
  fontFamily: 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  defaultRadius: "md",
  cursorType: "pointer",
  components: {
    // Never cut, not in a narrow column either.
    Badge: Badge.extend({ defaultProps: { variant: "light", tt: "none", miw: "max-content" } }),
    // A menu holds items alone; the first of them has the focus when it opens. It belongs to the page, not beside it.
    Menu: Menu.extend({ defaultProps: { withInitialFocusPlaceholder: false, portalProps: { target: "#page" } } }),
    Modal: Modal.extend({ defaultProps: dialog }),
    Drawer: Drawer.extend({ defaultProps: dialog }),
    // What scrolls is reached by keys, too.
    TableScrollContainer: Table.ScrollContainer.extend({ defaultProps: { scrollAreaProps: { viewportProps: { tabIndex: 0 } } } }),
  },
});

/** Text has to stand out 4.5 to 1: its grey and the words on pale colours are darker than the library's. */
export const readable: CSSVariablesResolver = () => ({
  variables: {},
  light: {
    "--mantine-color-dimmed": "#5b636b",
    "--mantine-color-placeholder": "#6b747c",
    "--mantine-color-teal-light-color": "#066649",
    "--mantine-color-orange-light-color": "#9c3206",
    "--mantine-color-yellow-light-color": "#7a4a00",
    "--mantine-color-red-light-color": "#b02525",
    "--mantine-color-blue-light-color": "#14548f",
    // What a menu and a wrong field are written in.
    "--mantine-color-red-6": "#c92a2a",
  },
  dark: {
    "--mantine-color-dimmed": "#adb5bd",
    "--mantine-color-placeholder": "#9aa2aa",
    "--mantine-color-red-6": "#ff8787",
    "--mantine-color-error": "#ff8787",
    // Pale is dark here: a warning is seen without shouting, and what is grey is no black hole.
    "--mantine-color-red-light": "#4a2224",
    "--mantine-color-red-light-color": "#ffb3b3",
    "--mantine-color-orange-light": "#4a2d1a",
    "--mantine-color-yellow-light": "#43371a",
    "--mantine-color-gray-light": "#3b3f44",
    "--mantine-color-gray-light-color": "#dee2e6",
  },
});
