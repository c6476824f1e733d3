// What the JSON Schema says of a place of the policy: the fields and values that may stand there, and what they mean.

/**
 * @typedef {object} Field
 * @property {string} name
 * @property {string} type - what may stand there, in words
 * @property {string} about - its description
 * @property {string | null} bounds - "8 to 32", "at most 24"
 * @property {string | null} default - as JSON
 * @property {boolean} required
 * @property {Value[]} values - what may stand there, where that is a list
 * @property {Array<{name: string, about: string}>} fields - what an object there may have
 */
/** @typedef {{text: string, about: string}} Value - a value as JSON */

export class Schema {
  /** @param {object} root - the schema */
  constructor(root) {
    this.root = root;
  }

  /** The schemas of a place, each of which may hold there. @param {string[]} path @returns {object[]} */
  at(path) {
    return path.reduce(
      (nodes, step) => nodes.flatMap((node) => this.forms(node)).flatMap((form) => below(form, step)),
      [this.root],
    );
  }

  /** All forms of a schema: references and choices resolved. */
  forms(node) {
    if (node.$ref) return this.forms(this.target(node));
    const choices = node.anyOf ?? node.oneOf;
    if (!choices) return [node];
    return choices.flatMap((choice) =>
      this.forms(choice).map((form) => ({ ...form, description: choice.description ?? form.description })),
    );
  }

  /** The fields that an object at this place may have. @param {string[]} path @returns {Field[]} */
  fields(path) {
    const found = new Map();
    for (const form of this.at(path).flatMap((node) => this.forms(node))) {
      for (const name of Object.keys(form.properties ?? {})) {
        const field = this.field([...path, name], form.properties[name]);
        if (!found.has(name)) found.set(name, { ...field, required: (form.required ?? []).includes(name) });
      }
    }
    return [...found.values()];
  }

  /** What is known of a place; null where nothing is. @param {string[]} path @returns {Field | null} */
  help(path) {
    const nodes = this.at(path);
    if (nodes.length === 0) return null;
    const above = this.at(path.slice(0, -1)).flatMap((node) => this.forms(node));
    const holders = above.filter((form) => form.properties?.[path.at(-1)]);
    const required = holders.length > 0 && holders.every((form) => (form.required ?? []).includes(path.at(-1)));
    return { ...this.field(path, nodes[0]), required };
  }

  field(path, node) {
    const forms = this.forms(node);
    const about = joined(node.description ?? this.target(node).description ?? forms[0].description ?? "");
    const fixed = [node, ...forms].find((form) => form.default !== undefined);
    return {
      name: path.at(-1) ?? "policy",
      type: this.types(forms),
      about,
      bounds: forms.map(bounds).find(Boolean) ?? null,
      default: fixed ? JSON.stringify(fixed.default) : (about.match(/Default: `([^`]+)`/)?.[1] ?? null),
      required: false,
      values: forms.flatMap(values),
      fields: forms.flatMap((form) =>
        Object.entries(form.properties ?? {}).map(([name, { description }]) => ({ name, about: joined(description ?? "") })),
      ),
    };
  }

  target(node) {
    return node.$ref ? this.root.$defs[node.$ref.slice("#/$defs/".length)] : node;
  }

  types(forms) {
    return [...new Set(forms.map((form) => this.typed(form)))].join(" or ");
  }

  typed(form) {
    if (form.const !== undefined) return JSON.stringify(form.const);
    if (form.type === "array") return `list of ${this.types(this.forms(form.items)).replace(/^(string|object)\b/, "$1s")}`;
    if (form.type === "object" && !form.properties) return "object with names of your choice";
    if (form.type === "object") return form.required ? `object with ${form.required.join(", ")}` : "object";
    if (form.type === "integer") return "whole number";
    if (form.type === "boolean") return "true or false";
    if (form.examples) return `string such as ${form.examples.map((example) => JSON.stringify(example)).join(", ")}`;
    return form.type ?? "anything";
  }
}

function below(form, step) {
  if (form.type === "array") return /^\d+$/.test(step) && form.items ? [form.items] : [];
  if (form.properties && Object.hasOwn(form.properties, step)) return [form.properties[step]];
  return typeof form.additionalProperties === "object" ? [form.additionalProperties] : [];
}

function values(form) {
  const about = joined(form.description ?? "");
  if (form.const !== undefined) return [{ text: JSON.stringify(form.const), about }];
  if (form.type === "boolean") return ["true", "false"].map((text) => ({ text, about: "" }));
  return (form.examples ?? []).map((example) => ({ text: JSON.stringify(example), about: "" }));
}

function bounds(form) {
  const low = form.minimum ?? form.minItems ?? form.minLength;
  const high = form.maximum ?? form.maxItems ?? form.maxLength;
  const what = form.type === "array" ? " entries" : form.type === "string" ? " characters" : "";
  const write = (number) => number.toLocaleString("en-US");
  if (form.const !== undefined) return null;
  if (form.exclusiveMinimum !== undefined && high !== undefined)
    return `above ${write(form.exclusiveMinimum)}, up to ${write(high)}${what}`;
  if (low !== undefined && high !== undefined)
    return low === high ? `exactly ${write(low)}${what}` : `${write(low)} to ${write(high)}${what}`;
  if (high !== undefined) return `at most ${write(high)}${what}`;
  return low > 1 ? `at least ${write(low)}${what}` : null;
}

/** Descriptions have the line ends of the source that they come from. */
function joined(text) {
  return text.replaceAll("\n", " ");
}
