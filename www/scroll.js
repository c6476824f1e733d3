// A box that scrolls by itself, so that what is wide does not make the page wide. Keys reach it.

import { h } from "./dom.js";

/** @param {string} label - what is in it @param {...Node} children @returns {HTMLElement} */
export function scroll(label, ...children) {
  return h("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": label }, children);
}
