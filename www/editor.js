// The editor of a policy: CodeMirror in a shadow root, where it can have its styles under a policy that forbids inline ones.

import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { bracketMatching, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { json } from "@codemirror/lang-json";
import { lintGutter, nextDiagnostic, previousDiagnostic, setDiagnostics } from "@codemirror/lint";
import { EditorState } from "@codemirror/state";
import { EditorView, highlightActiveLineGutter, highlightSpecialChars, hoverTooltip, keymap, lineNumbers } from "@codemirror/view";

import { completion } from "./complete.js";
import { h, plain } from "./dom.js";
import { prose } from "./help.js";
import { look, painted } from "./ink.js";
import { placeAt, spot } from "./pointer.js";
import { typing } from "./typing.js";

const HINT =
  "Tab leaves the editor. Control and Space completes, F8 goes to the next fault, F1 to the help for the field at the cursor.";

/**
 * @typedef {object} Listeners
 * @property {(text: () => string) => void} changed - the text is another
 * @property {(path: string[]) => void} moved - the cursor is at another place of the policy
 * @property {() => void} asked - help was asked for
 * @property {(path: string[]) => HTMLElement | null} explain - what a pointer that rests on a place is shown
 * @property {(file: File) => void} dropped
 */

/** One editor. */
export class Editor {
  /**
   * @param {string} text
   * @param {import("./schema.js").Schema | null} schema - without it there is neither completion nor help
   * @param {Listeners} listeners
   */
  constructor(text, schema, listeners) {
    this.element = h("div", { class: "editor" });
    const root = this.element.attachShadow({ mode: "open" });
    this.view = new EditorView({
      root,
      parent: root,
      state: EditorState.create({ doc: text, extensions: extensions(schema, listeners) }),
    });
    root.append(h("p", { id: "hint", hidden: true }, HINT));
  }

  get text() {
    return this.view.state.doc.toString();
  }

  /** Another text, as one step that can be undone. @param {string} text */
  replace(text) {
    const { state } = this.view;
    this.view.dispatch({
      changes: { from: 0, to: state.doc.length, insert: text },
      selection: { anchor: 0 },
      scrollIntoView: true,
    });
  }

  /** Shows where faults and warnings are, and what they are. @param {import("./faults.js").Note[]} notes */
  underline(notes) {
    const { state } = this.view;
    const found = notes.map(({ pointer, place, text, severity }) => ({
      ...(place ?? spot(state, pointer)),
      message: text,
      renderMessage: () => h("span", null, prose(plain(text))),
      severity,
    }));
    this.view.dispatch(
      setDiagnostics(
        state,
        found.toSorted((one, other) => one.from - other.from),
      ),
    );
  }

  /** Puts the cursor at a place. @param {{from: number, to: number}} place */
  go({ from, to }) {
    this.view.dispatch({ selection: { anchor: from, head: to }, effects: EditorView.scrollIntoView(from, { y: "center" }) });
    this.view.focus();
  }

  /** Where a pointer is. @param {string} pointer */
  spot(pointer) {
    return spot(this.view.state, pointer);
  }

  focus() {
    this.view.focus();
  }
}

function extensions(schema, { changed, moved, asked, explain, dropped }) {
  const hears = EditorView.updateListener.of((update) => {
    if (update.docChanged) changed();
    if (update.docChanged || update.selectionSet) moved(placed(update.state, update.state.selection.main.head));
  });
  const takesFiles = EditorView.domEventHandlers({
    drop(event) {
      const file = event.dataTransfer?.files[0];
      if (!file) return false;
      event.preventDefault();
      dropped(file);
      return true;
    },
  });
  const tips = hoverTooltip((view, position) => {
    const dom = explain(placed(view.state, position));
    return dom && { pos: position, above: true, create: () => ({ dom }) };
  });
  const help = { key: "F1", run: () => (asked(), true) };
  const faults = [
    { key: "F8", run: nextDiagnostic },
    { key: "Shift-F8", run: previousDiagnostic },
  ];
  return [
    lineNumbers(),
    lintGutter(),
    highlightActiveLineGutter(),
    highlightSpecialChars(),
    history(),
    bracketMatching(),
    closeBrackets(),
    json(),
    indentUnit.of("  "),
    EditorView.lineWrapping,
    syntaxHighlighting(painted),
    look,
    autocompletion({ override: [completion(schema)], icons: false }),
    keymap.of([help, ...faults, ...closeBracketsKeymap, ...completionKeymap, ...defaultKeymap, ...historyKeymap]),
    EditorView.contentAttributes.of({ tabindex: "0", "aria-label": "Policy, as JSON", "aria-describedby": "hint" }),
    typing,
    tips,
    hears,
    takesFiles,
  ];
}

/** The whole path of what stands at a position. */
function placed(state, position) {
  const { path, name } = placeAt(state, position);
  return name === null ? path : [...path, name];
}
