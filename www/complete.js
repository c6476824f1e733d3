// What the editor offers to write: fields and values that the schema knows, and the traits and facts that rules go by.

import { pickedCompletion, startCompletion } from "@codemirror/autocomplete";
import { syntaxTree } from "@codemirror/language";

import { h } from "./dom.js";
import { prose } from "./help.js";
import { fields, placeAt, wholeTree } from "./pointer.js";

/** What rules can go by, besides the facts under `account`; the schema has them in words only. */
const TRAITS = ["key", "network", "path", "method", "model", "shape", "agent", "ja4", "ja3", "country", "asn"];

const WORD = /[\w.*-]*$/;

/**
 * @param {import("./schema.js").Schema | null} schema
 * @returns {import("@codemirror/autocomplete").CompletionSource}
 */
export function completion(schema) {
  return (context) => {
    const { state, pos } = context;
    const { from } = context.matchBefore(WORD);
    if (!schema || (from === pos && !context.explicit && !opens(state, pos - 1))) return null;
    const place = placeAt(state, pos);
    const options = place.at === "name" ? names(state, schema, place) : texts(state, schema, place);
    const to = pos + /^[\w.*-]*/.exec(state.sliceDoc(pos, pos + 200))[0].length;
    return { from, to, options, validFor: WORD };
  };
}

/** Whether a string begins at a position. */
function opens(state, position) {
  return state.sliceDoc(position, position + 1) === '"' && syntaxTree(state).resolveInner(position + 1, -1).from === position;
}

function names(state, schema, { path, name, inside }) {
  const there = inside
    ? fields(state, inside)
        .map((field) => field.name)
        .filter((each) => each !== name)
    : [];
  const left = schema.fields(path).filter((field) => !there.includes(field.name));
  return left.map((field, place) => ({
    label: field.name,
    detail: field.required ? "required" : "",
    info: () => explained(field.about),
    boost: 99 - place,
    apply: (view, chosen, from, to) => applyName(view, chosen, field, unquoted(view.state, from, to)),
  }));
}

function texts(state, schema, { path, name }) {
  const whole = name === null ? path : [...path, name];
  const known = schema.help(whole)?.values ?? [];
  const rule = whole.at(-1) === "distinct" || whole.at(-1) === "trait" || whole.at(-2) === "per";
  const traits = rule ? [...TRAITS, ...facts(state)].map((trait) => ({ text: JSON.stringify(trait), about: "" })) : [];
  return [...known, ...traits].map(({ text, about }, place) => ({
    label: text.replace(/^"|"$/g, ""),
    info: about ? () => explained(about) : undefined,
    boost: 99 - place,
    apply: (view, chosen, from, to) => {
      const range = unquoted(view.state, from, to);
      const anchor = range.from + text.length;
      view.dispatch({
        changes: { ...range, insert: text },
        selection: { anchor },
        userEvent: "input.complete",
        annotations: pickedCompletion.of(chosen),
      });
    },
  }));
}

function explained(about) {
  return h("div", null, prose(about));
}

/** A range with the quotation marks around it, since what is written there brings its own. */
function unquoted(state, from, to) {
  const before = state.sliceDoc(from - 1, from) === '"';
  const after = before && state.sliceDoc(to, to + 1) === '"';
  return { from: before ? from - 1 : from, to: after ? to + 1 : to };
}

/** The names under `account`. */
function facts(state) {
  const top = wholeTree(state).topNode.getChild("Object");
  const account = top && fields(state, top).find(({ name }) => name === "account")?.value;
  return account?.name === "Object" ? fields(state, account).map(({ name }) => name) : [];
}

/** Writes a field's name and, where there is no value yet, what its value begins with, and commas where they are missing. */
function applyName(view, chosen, field, { from, to }) {
  const { state } = view;
  const before = state.sliceDoc(0, from).trimEnd();
  const after = state.sliceDoc(to, to + 200).trimStart();
  const value = after.startsWith(":") ? null : beginning(field);
  const comma = value !== null && after.startsWith('"') ? "," : "";
  const insert = JSON.stringify(field.name) + (value === null ? "" : `: ${value}${comma}`);
  const changes = [{ from, to, insert }];
  const lacks = !/[{,]$/.test(before) && before !== "";
  if (lacks) changes.unshift({ from: before.length, insert: "," });
  const within = value && /^(""|\[\]|\{\})$/.test(value) ? 1 : 0;
  const anchor = from + (lacks ? 1 : 0) + insert.length - comma.length - within;
  view.dispatch({ changes, selection: { anchor }, userEvent: "input.complete", annotations: pickedCompletion.of(chosen) });
  if (value === '""' && field.values.length > 0) startCompletion(view);
}

function beginning({ type, values }) {
  if (values.length === 1) return values[0].text;
  if (type.startsWith("list")) return "[]";
  if (type.startsWith("object")) return "{}";
  return type.startsWith('"') || type.startsWith("string") ? '""' : "";
}
