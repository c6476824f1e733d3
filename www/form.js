// The form of one request. What is wrong is said beside its field; what another field makes needless is not shown.

import { APIS, CLIENTS } from "./clients.js";
import { h } from "./dom.js";
import { bodyOf, headersOf, request } from "./request.js";

const BEGIN = {
  api: "chat",
  method: "POST",
  path: "/v1/models",
  model: "demo",
  prompt: "hello there",
  cap: "",
  stream: false,
  raw: false,
  body: "",
  key: "sk-one",
  client: "openai",
  ja4: CLIENTS.openai.ja4,
  source: "203.0.113.7",
  country: "",
  asn: "",
  account: "",
  status: "200",
  input: "12",
  output: "40",
  times: "1",
  every: "0s",
  numbered: false,
};

/** The form is the whole view; its `bar`, which sends, may stand anywhere in it. */
export class Form {
  /** @param {(ask: object) => void} send @param {() => void} stop */
  constructor(send, stop) {
    this.fields = new Map();
    this.wrong = new Map();
    this.own = false;
    this.sending = false;
    this.sender = h("button", { class: "primary", type: "submit" }, "Send");
    this.bar = this.often();
    this.element = h(
      "form",
      { class: "try", novalidate: true },
      h("div", { class: "request stack" }, this.what(), this.who(), this.answer()),
      this.bar,
    );
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.sending) return stop();
      const { ask, faults } = request(this.filled());
      this.tell(faults);
      if (ask) return send(ask);
      return this.fields.get(Object.keys(faults)[0]).focus();
    });
    this.element.addEventListener("input", (event) => this.changed(event.target));
    this.arrange();
  }

  what() {
    return h(
      "fieldset",
      { class: "sheet stack" },
      h("legend", { class: "heard" }, "What is asked"),
      h("h2", null, "Request"),
      this.select(
        "api",
        "API",
        Object.entries(APIS).map(([value, { name }]) => [value, name]),
      ),
      this.only(
        "other",
        h("div", { class: "pair narrow" }, this.input("method", "Method"), this.input("path", "Path", { class: "code" })),
      ),
      this.only(
        "model",
        h(
          "div",
          { class: "pair" },
          this.input("model", "Model"),
          this.input("cap", "Output cap, in tokens", { inputmode: "numeric", placeholder: "none" }),
        ),
      ),
      this.only("prompt", this.area("prompt", "Prompt", 3)),
      this.only("body", this.area("body", "Body", 5, "body-note")),
      h(
        "div",
        { class: "row" },
        this.only("model", this.tick("stream", "Streamed")),
        this.only("raw", this.tick("raw", "Write the body myself")),
      ),
    );
  }

  who() {
    return h(
      "fieldset",
      { class: "sheet stack" },
      h("legend", { class: "heard" }, "Who asks"),
      h("h2", null, "Who asks"),
      h(
        "div",
        { class: "pair" },
        this.input("key", "Key", { class: "code", placeholder: "none" }),
        this.input("source", "Address", { class: "code", placeholder: "unknown" }),
      ),
      this.select(
        "client",
        "Client",
        Object.entries(CLIENTS).map(([value, { name }]) => [value, name]),
      ),
      this.input("ja4", "JA4 of its TLS", { class: "code", placeholder: "none" }),
      h(
        "div",
        { class: "pair" },
        this.input("country", "Country", { placeholder: "unknown" }),
        this.input("asn", "AS number", { inputmode: "numeric", placeholder: "unknown" }),
      ),
      this.area("account", "More headers, such as those about the account", 2, "account-note"),
      h(
        "details",
        null,
        h("summary", null, "All headers of the client"),
        h(
          "div",
          { class: "stack inner" },
          this.area("headers", "In its order, one a line", 10, "headers-note"),
          h("button", { type: "button", onclick: () => this.restore() }, "As the client sends them"),
        ),
      ),
    );
  }

  answer() {
    return h(
      "fieldset",
      { class: "sheet stack" },
      h("legend", { class: "heard" }, "What the origin answers"),
      h("h2", null, "What the origin answers"),
      h(
        "div",
        { class: "triple" },
        this.input("status", "Status", { inputmode: "numeric" }),
        this.input("input", "Input tokens", { inputmode: "numeric", placeholder: "not told" }),
        this.input("output", "Output tokens", { inputmode: "numeric", placeholder: "not told" }),
      ),
    );
  }

  often() {
    const quick = [1, 10, 61, 1000].map((times) =>
      h("button", { type: "button", onclick: () => this.set("times", String(times)) }, times.toLocaleString("en-US")),
    );
    return h(
      "fieldset",
      { class: "often" },
      h("legend", { class: "heard" }, "How often"),
      this.input("times", "Times", { inputmode: "numeric" }),
      h("div", { class: "row quick", role: "group", "aria-label": "Times" }, quick),
      this.input("every", "Pause"),
      this.tick("numbered", "Number them: # becomes 1, 2, 3 …"),
      this.sender,
    );
  }

  /** What has been filled in. @returns {import("./request.js").Filled} */
  filled() {
    const values = [...this.fields].map(([name, field]) => [name, field.type === "checkbox" ? field.checked : field.value]);
    const filled = Object.fromEntries(values);
    return { ...filled, headers: this.own ? filled.headers : null };
  }

  /** @param {boolean} can - whether there is an engine to send to */
  enable(can) {
    this.sender.disabled = !can;
  }

  /** The button that sends stops what is being sent. @param {boolean} sending */
  sends(sending) {
    this.sending = sending;
    this.sender.textContent = sending ? "Stop" : "Send";
  }

  set(name, value) {
    const field = this.fields.get(name);
    field.value = value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }

  restore() {
    this.own = false;
    this.arrange();
  }

  changed(field) {
    if (field.name === "headers") this.own = true;
    if (field.name === "client") this.fields.get("ja4").value = CLIENTS[field.value].ja4;
    if (field.name === "numbered" && field.checked) this.number();
    if (field.name === "raw" && field.checked) this.fields.get("body").value = bodyOf({ ...this.filled(), raw: false });
    this.arrange();
    this.tell(
      Object.fromEntries(
        Object.entries(request(this.filled()).faults).filter(
          ([name]) => name === field.name || this.wrong.get(name).textContent !== "",
        ),
      ),
    );
  }

  /** Without a # anywhere, to number would change nothing. */
  number() {
    const key = this.fields.get("key");
    const some = ["key", "source", "account", "headers", "prompt", "body"].some((name) =>
      this.fields.get(name).value.includes("#"),
    );
    if (!some) key.value = `${key.value || "sk"}-#`;
  }

  /** Shows what the other fields leave open. */
  arrange() {
    const filled = this.filled();
    const other = filled.api === "other";
    const shown = { other, model: !other && !filled.raw, prompt: !other && !filled.raw, body: other || filled.raw, raw: !other };
    for (const part of this.element.querySelectorAll("[data-only]")) part.hidden = !shown[part.dataset.only];
    const body = bodyOf(filled);
    if (!this.own)
      this.fields.get("headers").value = headersOf(filled, body)
        .map(([name, value]) => `${name}: ${value}`)
        .join("\n");
    this.note("headers-note", this.own ? "These are yours now: key and client change nothing in them." : "");
    this.note("body-note", shown.body && body !== null && !isJson(body) ? "This is no JSON. It is sent as it is." : "");
    this.note("account-note", "One a line, as name: value.");
  }

  /** Says what is wrong beside the fields, and nowhere else. @param {Record<string, string>} faults */
  tell(faults) {
    for (const [name, place] of this.wrong) {
      place.textContent = faults[name] ?? "";
      if (faults[name]) this.fields.get(name).setAttribute("aria-invalid", "true");
      else this.fields.get(name).removeAttribute("aria-invalid");
    }
  }

  note(id, text) {
    this.element.querySelector(`#${id}`).textContent = text;
  }

  only(what, part) {
    part.dataset.only = what;
    return part;
  }

  input(name, label, properties = {}) {
    return this.field(
      name,
      label,
      h("input", { type: "text", autocomplete: "off", spellcheck: "false", value: BEGIN[name], ...properties }),
    );
  }

  area(name, label, rows, note = null) {
    const text = h("textarea", { rows, spellcheck: "false", value: BEGIN[name] ?? "" });
    return this.field(name, label, text, note && h("p", { class: "faint small", id: note }));
  }

  select(name, label, options) {
    return this.field(
      name,
      label,
      h(
        "select",
        { value: BEGIN[name] },
        options.map(([value, text]) => h("option", { value }, text)),
      ),
    );
  }

  field(name, label, field, note = null) {
    const wrong = h("p", { class: "complaint", id: `${name}-wrong` });
    Object.assign(field, { name, id: `field-${name}` });
    field.setAttribute("aria-describedby", note ? `${note.id} ${wrong.id}` : wrong.id);
    this.fields.set(name, field);
    this.wrong.set(name, wrong);
    return h("div", { class: "field" }, h("label", { for: field.id }, label), field, note, wrong);
  }

  tick(name, label) {
    const box = h("input", { type: "checkbox", name, id: `field-${name}` });
    this.fields.set(name, box);
    return h("label", { class: "tick" }, box, label);
  }
}

function isJson(text) {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
