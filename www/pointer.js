// Where a place of the policy stands in its text, and which place of the policy a position in the text is. A place is a path of
// names and indices; a fault tells it as a JSON Pointer (RFC 6901).

import { ensureSyntaxTree, syntaxTree } from "@codemirror/language";

const VALUES = new Set(["Object", "Array", "String", "Number", "True", "False", "Null"]);
/** How long the text may be parsed, in milliseconds, before what there is of its tree is used. */
const PATIENCE = 200;

/** The steps of a JSON Pointer. @param {string} pointer @returns {string[]} */
function steps(pointer) {
  return pointer
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/** The tree of the whole text, as far as there is patience for. @param {import("@codemirror/state").EditorState} state */
export function wholeTree(state, patience = PATIENCE) {
  return ensureSyntaxTree(state, state.doc.length, patience) ?? syntaxTree(state);
}

/** The nodes of values directly in a list. @param {import("@lezer/common").SyntaxNode} array */
export function items(array) {
  return childrenOf(array).filter((node) => VALUES.has(node.name));
}

/** The fields of an object: name, node of the name, node of the value or null. */
export function fields(state, object) {
  return object.getChildren("Property").map((property) => {
    const name = property.getChild("PropertyName");
    const value = childrenOf(property).find((node) => VALUES.has(node.name)) ?? null;
    return { property, node: name, value, name: name ? unquoted(state.sliceDoc(name.from, name.to)) : "" };
  });
}

/**
 * What to underline for a pointer: a short value with its name, the name alone where the value is long, and the beginning of
 * what should hold it where there is no such place.
 * @param {import("@codemirror/state").EditorState} state
 * @param {string} pointer
 * @returns {{from: number, to: number}}
 */
export function spot(state, pointer) {
  let value = childrenOf(wholeTree(state).topNode).find((node) => VALUES.has(node.name));
  if (!value) return { from: 0, to: state.doc.length };
  let found = opening(state, value);
  for (const step of steps(pointer)) {
    if (value?.name === "Array") {
      value = items(value)[step];
      if (!value) return found;
      found = opening(state, value);
    } else if (value?.name === "Object") {
      const field = fields(state, value).find(({ name }) => name === step);
      if (!field?.node) return found;
      ({ value } = field);
      const whole = value && value.name !== "Object" && value.name !== "Array";
      found = { from: field.node.from, to: whole ? value.to : field.node.to };
    } else {
      return found;
    }
  }
  return found;
}

/** A value, as far as it stands in its first line. */
function opening(state, { from, to }) {
  return { from, to: Math.min(to, state.doc.lineAt(from).to) };
}

/**
 * The place at a position: the path of the object or list that it is in; the name of the field, if it is in one; and whether a
 * `name` or a `value` stands or would stand there.
 * @param {import("@codemirror/state").EditorState} state
 * @param {number} position
 * @returns {{path: string[], name: string | null, at: "name" | "value", inside: import("@lezer/common").SyntaxNode | null}}
 */
export function placeAt(state, position) {
  let back = position;
  while (back > 0 && /\s/.test(state.sliceDoc(back - 1, back))) back -= 1;
  const before = state.sliceDoc(back - 1, back);
  let node = syntaxTree(state).resolveInner(before === "" ? position : back, -1);
  const afterName = before === ":";
  if (back < position && /[}\]"\w]/.test(before)) node = outer(node);
  while (node.parent && !["Object", "Array", "Property"].includes(node.name)) node = node.parent;
  if (/[}\]]/.test(before) && back === position && node.to === position && node.parent) node = outer(node);
  if (node.name === "Property") {
    const name = node.getChild("PropertyName");
    const past = afterName || (name !== null && back > name.to);
    return { path: pathOf(state, node.parent), name: named(state, node), at: past ? "value" : "name", inside: node.parent };
  }
  if (node.name === "Array") {
    const count = items(node).filter((item) => item.to < back || (item.to === back && back < position)).length;
    return { path: [...pathOf(state, node), String(count)], name: null, at: "value", inside: node };
  }
  return { path: pathOf(state, node), name: null, at: "name", inside: node.name === "Object" ? node : null };
}

/** What a finished value or name stands in. */
function outer(node) {
  let at = node;
  while (at.parent && !VALUES.has(at.name) && at.name !== "PropertyName") at = at.parent;
  if (at.name === "PropertyName") return at.parent ?? at;
  return at.parent?.name === "Property" ? at.parent.parent : (at.parent ?? at);
}

/** The path of an object or list. */
function pathOf(state, node) {
  const path = [];
  for (let at = node; at?.parent; at = at.parent) {
    const { parent } = at;
    if (parent.name === "Property") path.unshift(named(state, parent) ?? "");
    else if (parent.name === "Array" && VALUES.has(at.name))
      path.unshift(String(items(parent).findIndex(({ from }) => from === at.from)));
  }
  return path;
}

function named(state, property) {
  const name = property.getChild("PropertyName");
  return name && unquoted(state.sliceDoc(name.from, name.to));
}

function childrenOf(node) {
  const children = [];
  for (let child = node.firstChild; child; child = child.nextSibling) children.push(child);
  return children;
}

function unquoted(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text.replace(/^"|"$/g, "");
  }
}
