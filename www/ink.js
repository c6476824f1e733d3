// How the editor looks: the page's own colours.

import { EditorView } from "@codemirror/view";

const CLASSES = { propertyName: "ink-name", string: "ink-string", number: "ink-number", bool: "ink-number", null: "ink-number" };

/** Which class a piece of JSON has. @type {import("@lezer/highlight").Highlighter} */
export const painted = { style: (tags) => CLASSES[String(tags[0])] ?? null };

const tooltip = {
  backgroundColor: "var(--sheet)",
  color: "var(--ink)",
  border: "1px solid var(--edge)",
  borderRadius: "var(--round)",
  boxShadow: "0 4px 16px rgb(0 0 0 / 18%)",
  fontFamily: "var(--sans)",
  fontSize: "0.8125rem",
  maxWidth: "min(26rem, 80vw)",
};

export const look = EditorView.theme({
  "&": { height: "100%", color: "var(--ink)", fontSize: "0.8125rem" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--ink)", padding: "0.5rem 0" },
  ".cm-content ::selection": { backgroundColor: "color-mix(in srgb, var(--accent) 30%, transparent)" },
  ".cm-gutters": { backgroundColor: "var(--sunk)", color: "var(--faint)", borderRight: "1px solid var(--line)" },
  ".cm-activeLineGutter": { backgroundColor: "var(--accent-soft)", color: "var(--ink)" },
  "&.cm-focused .cm-matchingBracket": { backgroundColor: "var(--accent-soft)", outline: "1px solid var(--accent)" },
  ".cm-specialChar": { color: "var(--refuse-ink)" },
  ".cm-lintRange-error": {
    backgroundImage: "none",
    textDecoration: "underline wavy var(--refuse) 1.5px",
    textUnderlineOffset: "3px",
    textDecorationSkipInk: "none",
  },
  ".cm-lintRange-warning": {
    backgroundImage: "none",
    textDecoration: "underline dotted var(--tag) 2px",
    textUnderlineOffset: "3px",
    textDecorationSkipInk: "none",
  },
  ".cm-lintPoint-error:after": { borderBottomColor: "var(--refuse)" },
  ".cm-tooltip": tooltip,
  ".cm-tooltip.cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", maxHeight: "16rem", minWidth: "12rem" },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": { padding: "0.1875rem 0.5rem", lineHeight: "1.4" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": {
    backgroundColor: "var(--accent)",
    color: "var(--on-accent)",
    // Seen where colours are the reader's own, which take the background away.
    outline: "2px solid transparent",
    outlineOffset: "-2px",
  },
  ".cm-completionDetail": { fontFamily: "var(--sans)", fontStyle: "normal", fontSize: "0.75rem", opacity: "0.9" },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "700" },
  ".cm-completionInfo": { ...tooltip, padding: "0.5rem 0.75rem", lineHeight: "1.45" },
  ".cm-diagnostic": { padding: "0.375rem 0.625rem", borderLeftWidth: "4px" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--refuse)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--tag)" },
  ".tip": { padding: "0.5rem 0.75rem", lineHeight: "1.45" },
  ".tip p": { margin: "0" },
  ".tip p + p": { marginTop: "0.25rem" },
  ".tip code, .cm-completionInfo code, .cm-diagnostic code": { fontFamily: "var(--mono)" },
  ".ink-name": { color: "var(--accent)" },
  ".ink-string": { color: "var(--let-ink)" },
  ".ink-number": { color: "var(--tag-ink)" },
});
