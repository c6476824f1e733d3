// The Policy view: the text of the policy, what is wrong with it, what its fields mean, and what puts it in force.

import { Deploy } from "./deploy.js";
import { counted, fill, foreign, grouped, h, plain } from "./dom.js";
import { Editor } from "./editor.js";
import { readText, save } from "./texts.js";
import { Help, prose, tip } from "./help.js";
import { reading } from "./faults.js";
import { pretty } from "./pretty.js";
import { Schema } from "./schema.js";

/** How long nobody has typed, in milliseconds, when the policy is read. */
const PAUSE = 200;

/**
 * @param {HTMLElement} root
 * @param {{engine: typeof import("./stillgate.js"), policy: typeof import("./store.js").policy}} context
 */
export async function mount(root, { engine, policy }) {
  const schema = await fetch(new URL("./policy.schema.json", import.meta.url))
    .then(
      (answer) => (answer.ok ? answer.json() : null),
      () => null,
    )
    .then((found) => found && new Schema(found));
  const view = new PolicyView(engine, policy, schema);
  fill(root, view.element);
  view.read();
  return { hidden: () => view.settle() };
}

class PolicyView {
  constructor(engine, policy, schema) {
    Object.assign(this, { engine, policy });
    this.help = new Help(schema, () => this.editor.focus());
    this.deploy = new Deploy(engine.deploy);
    this.editor = new Editor(policy.text, schema, {
      changed: () => this.changed(),
      moved: (path) => this.help.show(path),
      asked: () => this.help.element.focus(),
      explain: (path) => tip(schema, path),
      dropped: (file) => this.open(file),
    });
    this.state = h("p", { class: "order", role: "status" });
    this.found = h("div", { class: "found stack" });
    this.notice = h("p", { class: "told", role: "status" });
    this.help.show([]);
    this.element = h("div", { class: "policy" }, this.templates(), this.workbench(), this.help.element, this.deploy.element);
    policy.subscribe((text) => text !== this.editor.text && this.editor.replace(text));
    addEventListener("pagehide", () => this.settle());
  }

  workbench() {
    const chosen = h("input", {
      type: "file",
      accept: ".json,application/json,text/plain",
      hidden: true,
      "aria-label": "A policy's file",
    });
    chosen.addEventListener("change", () => {
      if (chosen.files[0]) this.open(chosen.files[0]);
      chosen.value = "";
    });
    const button = (text, act) => h("button", { type: "button", onclick: act }, text);
    const over = (event) => event.dataTransfer.types.includes("Files") && event.preventDefault();
    this.editor.element.addEventListener("dragover", over);
    return h(
      "section",
      { class: "workbench", "aria-labelledby": "policy-title" },
      h(
        "div",
        { class: "row spread" },
        h("h2", { id: "policy-title" }, "Policy"),
        h(
          "div",
          { class: "row" },
          button("Format", () => this.format()),
          button("Open …", () => chosen.click()),
          button("Download", () => save("policy.json", this.editor.text)),
          chosen,
        ),
      ),
      this.editor.element,
      h(
        "div",
        { class: "row spread below" },
        this.state,
        h(
          "p",
          { class: "faint small keys" },
          h("kbd", null, "Ctrl Space"),
          " completes · ",
          h("kbd", null, "F8"),
          " next fault · ",
          h("kbd", null, "F1"),
          " help · ",
          h("kbd", null, "Tab"),
          " leaves",
        ),
      ),
      this.notice,
      this.found,
    );
  }

  templates() {
    const templates = JSON.parse(this.engine.templates());
    return h(
      "section",
      { class: "templates sheet", "aria-labelledby": "templates-title" },
      h("h2", { id: "templates-title" }, "Start from"),
      h(
        "ul",
        null,
        templates.map((template) =>
          h(
            "li",
            null,
            h("button", { type: "button", class: "link", onclick: () => this.start(template) }, template.title),
            h("p", { class: "faint small" }, template.about),
          ),
        ),
      ),
    );
  }

  start({ title, text }) {
    this.put(text, `This is now the template “${title}”.`);
  }

  async open(file) {
    try {
      this.put(await readText(file), ["This is now ", foreign(file.name), "."]);
    } catch (error) {
      fill(this.notice, prose(plain(error.message)));
    }
  }

  format() {
    const text = pretty(this.editor.view.state);
    if (text === null) fill(this.notice, "Only JSON can be laid out. Mend the fault first.");
    else if (text === this.editor.text) fill(this.notice, "It is laid out already.");
    else this.put(text, "It is laid out.");
  }

  /** Another text in place of what is there, which can be had back. */
  put(text, sentence) {
    const before = this.editor.text;
    const back = () => {
      this.editor.replace(before);
      this.settle();
      fill(this.notice, "It is as it was.");
      this.editor.focus();
    };
    if (text !== before) this.editor.replace(text);
    this.settle();
    fill(this.notice, sentence, " ", text !== before && h("button", { type: "button", class: "link", onclick: back }, "Undo"));
  }

  changed() {
    clearTimeout(this.pause);
    this.pause = setTimeout(() => this.settle(), PAUSE);
    if (this.notice.firstChild) fill(this.notice);
  }

  /** Shares and reads what has been typed, now. */
  settle() {
    clearTimeout(this.pause);
    const { text } = this.editor;
    this.policy.set(text);
    if (text !== this.known) this.read();
  }

  read() {
    const { text } = this.editor;
    this.known = text;
    const { faults, warnings } = JSON.parse(this.engine.read_policy(text));
    const notes = reading(text, faults, warnings);
    this.editor.underline(notes);
    const says = faults.length > 0 ? counted(faults.length, "fault") : "The policy is in order";
    const also = warnings.length > 0 ? `, ${counted(warnings.length, "warning")}` : "";
    if (this.state.textContent !== says + also) this.state.textContent = says + also;
    this.state.className = `order ${faults.length > 0 ? "faulty" : "sound"}`;
    fill(
      this.found,
      this.list(
        "Faults",
        notes.filter(({ severity }) => severity === "error"),
        faults.length,
      ),
      this.list(
        "Warnings",
        notes.filter(({ severity }) => severity === "warning"),
        warnings.length,
      ),
    );
    this.deploy.show(text, faults.length);
  }

  list(title, notes, all) {
    if (all === 0) return null;
    const more = all - notes.length;
    const go = ({ place, pointer }) => this.editor.go(place ?? this.editor.spot(pointer));
    return h(
      "div",
      null,
      h("h3", null, title),
      h(
        "ul",
        { class: `notes-found ${title.toLowerCase()}` },
        notes.map((note) =>
          h(
            "li",
            null,
            h(
              "button",
              { type: "button", onclick: () => go(note) },
              h("code", null, foreign(note.pointer || "/")),
              h("span", null, prose(plain(note.text))),
            ),
          ),
        ),
      ),
      more > 0 && h("p", { class: "faint small" }, `and ${grouped(more)} more, which are neither listed nor underlined`),
    );
  }
}
