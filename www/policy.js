// The Policy view: the text of the policy.

import { fill, h } from "./dom.js";

/** @param {HTMLElement} root @param {{policy: typeof import("./store.js").policy}} context */
export function mount(root, { policy }) {
  fill(root, h("h2", null, "Policy"), h("pre", { class: "text" }, policy.text));
}
