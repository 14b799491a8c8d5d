// The two components as custom elements: attributes in, events out. Styles and all stay inside a shadow
// root; the custom properties of the page reach in.
import { type ComponentType, createElement } from "react";
import { createRoot, type Root } from "react-dom/client";
import style from "../style.css?inline";

/** Light or dark, where it is not the system that decides. */
const THEME = "data-theme";

/** How an attribute's text becomes a prop. */
export type Reader = (text: string) => unknown;

const camel = (name: string) => name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());

export const asText: Reader = (text) => text;
export const asNumber: Reader = (text) => (text === "" ? undefined : Number(text));
export const asFlag: Reader = (text) => text !== "false";
export const asList: Reader = (text) =>
  text
    .split(",")
    .map((one) => one.trim())
    .filter(Boolean);

let sheet: CSSStyleSheet | undefined;

function styles(): CSSStyleSheet {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(`:host{display:block}${style}`);
  }
  return sheet;
}

/**
 * An element that shows a component. `attributes` become props; `properties` can be set from a script
 * (functions, tokens); `events` are props that are called: event name → prop.
 */
export function elementOf<Props extends object>(
  component: ComponentType<Props>,
  attributes: Record<string, Reader>,
  properties: readonly string[],
  events: Record<string, string>,
): CustomElementConstructor {
  class StrongroomElement extends HTMLElement {
    static readonly observedAttributes = [...Object.keys(attributes), THEME];
    #root: Root | undefined;
    #set: Record<string, unknown> = {};
    #due = false;

    constructor() {
      super();
      this.attachShadow({ mode: "open" }).adoptedStyleSheets = [styles()];
    }

    connectedCallback() {
      // What a script set before the element was defined.
      for (const name of properties) {
        if (!Object.hasOwn(this, name)) continue;
        const early = (this as unknown as Record<string, unknown>)[name];
        delete (this as unknown as Record<string, unknown>)[name];
        this.#set[name] = early;
      }
      this.#root ??= createRoot(this.shadowRoot as ShadowRoot);
      this.#show();
    }

    disconnectedCallback() {
      // An element that is moved is taken out and put in again: what is under way in it goes on.
      queueMicrotask(() => {
        if (this.isConnected) return;
        this.#root?.unmount();
        this.#root = undefined;
      });
    }

    attributeChangedCallback() {
      this.#show();
    }

    take(name: string, value: unknown) {
      this.#set[name] = value;
      this.#show();
    }

    given(name: string): unknown {
      return this.#set[name];
    }

    /** Shows it once for all that is set in a moment. */
    #show() {
      if (!this.#root || this.#due) return;
      this.#due = true;
      queueMicrotask(() => {
        this.#due = false;
        // What is around the element does not reach in by itself.
        const theme = this.closest(`[${THEME}]`)?.getAttribute(THEME) ?? undefined;
        const shown = createElement(component, this.#props() as Props);
        this.#root?.render(createElement("div", { [THEME]: theme }, shown));
      });
    }

    #props(): Record<string, unknown> {
      const props: Record<string, unknown> = { ...this.#set };
      for (const [name, read] of Object.entries(attributes)) {
        const text = this.getAttribute(name);
        if (text !== null) props[camel(name)] = read(text);
      }
      for (const [event, prop] of Object.entries(events)) {
        props[prop] = (detail: unknown, more?: unknown) => {
          const said = more === undefined ? detail : { error: detail, file: more };
          this.dispatchEvent(new CustomEvent(event, { detail: said, bubbles: true, composed: true }));
        };
      }
      return props;
    }
  }
  for (const name of properties) {
    Object.defineProperty(StrongroomElement.prototype, name, {
      get(this: StrongroomElement) {
        return this.given(name);
      },
      set(this: StrongroomElement, value: unknown) {
        this.take(name, value);
      },
    });
  }
  return StrongroomElement;
}
