// Lays a policy out: what is short stands in one line, what is long has a line for each of its parts. Nothing is read and
// written anew, so numbers, and names that are there twice, stay as they are.

import { fields, items, wholeTree } from "./pointer.js";

const WIDTH = 100;

/**
 * The text, laid out; null where it is no JSON.
 * @param {import("@codemirror/state").EditorState} state
 * @returns {string | null}
 */
export function pretty(state) {
  try {
    const parsed = JSON.parse(state.doc.toString());
    const tree = wholeTree(state, 5_000);
    return tree.length < state.doc.length ? JSON.stringify(parsed, null, 2) : `${laid(state, tree.topNode.firstChild, 0, 0)}\n`;
  } catch {
    return null;
  }
}

/** One value; `indent` is that of its line, `used` what stands before it there. */
function laid(state, node, indent, used) {
  const text = (each) => state.sliceDoc(each.from, each.to);
  const parts =
    node.name === "Object"
      ? fields(state, node).map((field) => ({ head: `${text(field.node)}: `, value: field.value }))
      : items(node).map((value) => ({ head: "", value }));
  if (node.name !== "Object" && node.name !== "Array") return text(node);
  const [open, close] = node.name === "Object" ? ["{", "}"] : ["[", "]"];
  if (parts.length === 0) return open + close;
  const short =
    indent > 0 &&
    node.to - node.from < WIDTH * 8 &&
    `${open}${parts.map(({ head, value }) => head + laid(state, value, 1, -Infinity)).join(", ")}${close}`;
  if (short && !short.includes("\n") && used + short.length <= WIDTH) return short;
  const pad = " ".repeat(indent + 2);
  const lines = parts.map(({ head, value }) => pad + head + laid(state, value, indent + 2, indent + 2 + head.length + 1));
  return `${open}\n${lines.join(",\n")}\n${" ".repeat(indent)}${close}`;
}
