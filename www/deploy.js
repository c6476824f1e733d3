// What puts the policy in force: files for each way to run Stillgate, ready to copy.

import { fill, h } from "./dom.js";
import { sentence } from "./engine.js";
import { prose } from "./help.js";
import { copy, save } from "./texts.js";

const KINDS = [
  ["envoy", "Envoy"],
  ["istio", "Istio"],
  ["envoy-gateway", "Envoy Gateway"],
  ["worker", "Worker"],
];

/** The part of the Policy view that shows them. */
export class Deploy {
  /** @param {(text: string, kind: string) => string} deploy - the engine's */
  constructor(deploy) {
    this.deploy = deploy;
    this.kind = KINDS[0][0];
    this.told = h("p", { class: "heard", role: "status" });
    this.body = h("div", { class: "stack" });
    this.element = h(
      "section",
      { class: "sheet stack", "aria-labelledby": "deploy-title" },
      h(
        "div",
        { class: "row spread" },
        h("h2", { id: "deploy-title" }, "Put it in force"),
        h(
          "div",
          { class: "segments", role: "radiogroup", "aria-label": "Where it runs" },
          KINDS.map((kind) => this.choice(kind)),
        ),
      ),
      this.told,
      this.body,
    );
  }

  choice([kind, name]) {
    const chosen = () => {
      this.kind = kind;
      this.render();
    };
    return h(
      "label",
      null,
      h("input", { type: "radio", name: "deploy", value: kind, checked: kind === this.kind, onchange: chosen }),
      name,
    );
  }

  /** @param {string} text @param {number} faults */
  show(text, faults) {
    if (text === this.text && faults === this.faults) return;
    Object.assign(this, { text, faults });
    this.render();
  }

  render() {
    if (this.faults > 0) {
      fill(
        this.body,
        h(
          "p",
          { class: "empty" },
          "The policy has faults, so nothing could put it in force. Mend them, and the files are shown here.",
        ),
      );
      return;
    }
    try {
      const { files, notes } = JSON.parse(this.deploy(this.text, this.kind));
      fill(
        this.body,
        notes.length > 0 &&
          h(
            "ul",
            { class: "notes" },
            notes.map((note) => h("li", null, prose(note))),
          ),
        files.map((file) => this.file(file)),
      );
    } catch (error) {
      fill(this.body, h("p", { class: "notice bad" }, sentence(error)));
    }
  }

  file({ name, text }) {
    const code = h("pre", { class: "text code", tabindex: "0", role: "region", "aria-label": name }, text);
    const answer = h("span", { class: "faint small" });
    const copied = async () => {
      answer.textContent = await copy(code);
      this.told.textContent = `${name}: ${answer.textContent}`;
    };
    return h(
      "div",
      { class: "file" },
      h(
        "div",
        { class: "row" },
        h("h3", null, h("code", null, name)),
        h(
          "span",
          { class: "row end" },
          answer,
          h("button", { type: "button", onclick: copied, "aria-label": `Copy ${name}` }, "Copy"),
          h("button", { type: "button", onclick: () => save(name, text), "aria-label": `Download ${name}` }, "Download"),
        ),
      ),
      code,
    );
  }
}
