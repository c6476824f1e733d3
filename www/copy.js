// A text in code that a press copies.

import { h } from "./dom.js";
import { copy } from "./texts.js";

/** Milliseconds for which a button says what came of it. */
const SAID = 2000;

/** @param {string} text @returns {HTMLElement} */
export function copyable(text) {
  const code = h("code", null, text);
  const said = h("span", { class: "said", role: "status" });
  return h(
    "button",
    {
      type: "button",
      class: "copy",
      title: "Copy",
      onclick: async () => {
        said.textContent = await copy(code);
        setTimeout(() => (said.textContent = ""), SAID);
      },
    },
    code,
    said,
  );
}
