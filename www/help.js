// What a field of the policy means: beside the editor for the one at the cursor, and shorter where a pointer rests.

import { fill, foreign, h } from "./dom.js";

/** A description, of which the parts between backticks are code. @param {string} text */
export function prose(text) {
  return text.split("`").map((part, place) => (place % 2 === 0 ? part : h("code", null, part)));
}

/**
 * What is shown where a pointer rests.
 * @param {import("./schema.js").Schema | null} schema
 * @param {string[]} path
 * @returns {HTMLElement | null}
 */
export function tip(schema, path) {
  const field = path.length > 0 ? schema?.help(path) : null;
  if (!field?.about) return null;
  return h(
    "div",
    { class: "tip" },
    h("p", null, h("code", null, field.name), " – ", field.type),
    h("p", null, prose(field.about)),
  );
}

/** The help for one field after another. */
export class Help {
  /** @param {import("./schema.js").Schema | null} schema @param {() => void} left - Escape was pressed */
  constructor(schema, left) {
    this.schema = schema;
    this.shown = null;
    this.body = h("div", { class: "stack" });
    const keys = (event) => event.key === "Escape" && left();
    this.element = h(
      "section",
      { class: "help sheet", tabindex: "0", "aria-labelledby": "help-title", onkeydown: keys },
      h("h2", { id: "help-title" }, "At the cursor"),
      this.body,
    );
    if (!schema)
      fill(
        this.body,
        h("p", { class: "empty" }, "The schema did not come, so there is neither help nor completion. Load the page again."),
      );
  }

  /** @param {string[]} path */
  show(path) {
    const name = path.join("/");
    if (!this.schema || name === this.shown) return;
    this.shown = name;
    const known = path.findIndex((_, place) => !this.schema.help(path.slice(0, place + 1)));
    const unknown = known >= 0 && h("p", null, "There is no such field. What it stands in:");
    const field = this.schema.help(known < 0 ? path : path.slice(0, known));
    fill(this.body, h("p", { class: "path" }, h("code", null, foreign(`/${name}`))), unknown, this.about(field));
  }

  about(field) {
    const facts = [
      ["type", field.type],
      ["bounds", field.bounds],
      ["default", field.default],
      ["required", field.required && "yes"],
    ];
    return [
      field.about && h("p", null, prose(field.about)),
      h(
        "dl",
        { class: "facts" },
        facts.filter(([, text]) => text).map(([name, text]) => [h("dt", null, name), h("dd", null, text)]),
      ),
      field.values.some(({ about }) => about) &&
        list(
          "Values",
          field.values.map(({ text, about }) => ({ name: text, about })),
        ),
      field.fields.length > 0 && list("Fields", field.fields),
    ];
  }
}

function list(title, entries) {
  const seen = [...new Map(entries.map((entry) => [entry.name, entry])).values()];
  return h(
    "div",
    null,
    h("h3", null, title),
    h(
      "dl",
      { class: "glossary" },
      seen.map(({ name, about }) => [h("dt", null, h("code", null, name)), h("dd", null, prose(about))]),
    ),
  );
}
