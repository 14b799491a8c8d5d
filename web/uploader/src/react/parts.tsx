// Small pieces that both components are made of.
import { type CSSProperties, Fragment, type ReactNode, type Ref, useMemo } from "react";
import { extensionOf } from "../core/rules.js";
import { TEXTS, type Texts } from "../core/texts.js";
import type { Said } from "../core/types.js";
import { AlertIcon, CheckIcon } from "./icons.js";

/** What every component can be told of its looks. */
export interface Looks {
  /** What the whole is called, for screen readers. */
  label?: string | undefined;
  /** Your own words for any text. */
  texts?: Partial<Texts> | undefined;
  /** The language that sizes and dates are written in (`de-AT`); left out: the browser's. */
  locale?: string | undefined;
  className?: string | undefined;
  style?: CSSProperties | undefined;
}

/** Every text, the app's own words first. */
export function useTexts(own: Partial<Texts> | undefined, locale: string | undefined): Texts {
  return useMemo(() => ({ ...TEXTS, ...own, ...(locale && { locale }) }), [own, locale]);
}

/** A file by its extension; with a mark when it is done or went wrong. */
export function Glyph(props: { name: string; texts: Texts; mark?: "done" | "failed" | undefined }) {
  const { name, texts, mark } = props;
  return (
    <span className="srm-glyph" data-mark={mark} aria-hidden="true">
      <span className="srm-glyph-text">{extensionOf(name).slice(0, 4) || texts.file}</span>
      {mark && <span className="srm-mark">{mark === "done" ? <CheckIcon /> : <AlertIcon />}</span>}
    </span>
  );
}

/** The name of a file, which may be broken where its words end. */
export function Name({ children: name }: { children: string }) {
  const words = name.split(/(?<=_)/);
  return (
    <span className="srm-name" title={name}>
      {words.map((word, at) => (
        // Words of a name stay in their places.
        <Fragment key={at}>
          {at > 0 && <wbr />}
          {word}
        </Fragment>
      ))}
    </span>
  );
}

export function IconButton(props: {
  label: string;
  onClick: () => void;
  children: ReactNode;
  button?: Ref<HTMLButtonElement> | undefined;
  /** Whether what it opens is open. */
  expanded?: boolean | undefined;
}) {
  return (
    <button
      ref={props.button}
      type="button"
      className="srm-icon-button"
      aria-label={props.label}
      title={props.label}
      onClick={props.onClick}
      aria-expanded={props.expanded}
    >
      {props.children}
    </button>
  );
}

/** A bar; without a value it only says that something happens. */
export function Progress({ label, value, state }: { label: string; value?: number; state?: string }) {
  const percent = value === undefined ? undefined : Math.round(value * 100);
  return (
    <div
      className="srm-bar"
      data-state={state}
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
    >
      {/* No style where none is needed: in a page that a server drew, a strict policy refuses it. */}
      <div className="srm-bar-fill" {...(percent !== undefined && { style: { width: `${percent}%` } })} />
    </div>
  );
}

/** Said by screen readers, not shown: each line once, when it comes. */
export function Announcer({ lines = [] }: { lines?: readonly Said[] | undefined }) {
  return (
    <div className="srm-hidden" role="log" aria-live="polite" aria-relevant="additions">
      {lines.map(({ id, text }) => (
        <p key={id}>{text}</p>
      ))}
    </div>
  );
}
