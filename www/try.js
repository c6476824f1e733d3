// The Try view: which policy requests are tried against.

import { fill, h } from "./dom.js";

/** @param {HTMLElement} root @param {{policy: typeof import("./store.js").policy}} context */
export function mount(root, { policy }) {
  fill(root, h("h2", null, "Try"), h("pre", { class: "text" }, policy.text));
}
