// The Try view: a request, how often it is sent, and what the engine makes of it, with counters that last until the policy changes.

import { runsOf, showAnswer, total } from "./answers.js";
import { counted, fill, grouped, h, plain, span } from "./dom.js";
import { sentence } from "./engine.js";
import { Form } from "./form.js";
import { gauges } from "./gauges.js";
import { slices } from "./slices.js";

const PASSES = [
  ["a minute", 60_000],
  ["an hour", 3_600_000],
  ["a day", 86_400_000],
];

/**
 * @param {HTMLElement} root
 * @param {{engine: typeof import("./stillgate.js"), policy: typeof import("./store.js").policy}} context
 */
export function mount(root, { engine, policy }) {
  const view = new TryView(engine, policy);
  fill(root, view.element);
  return { shown: () => view.look() };
}

class TryView {
  constructor(engine, policy) {
    Object.assign(this, { engine, policy, desk: null, text: null, sending: null });
    this.form = new Form(
      (ask) => this.send(ask),
      () => (this.sending = null),
    );
    this.told = h("p", { class: "told", role: "status" });
    this.clock = h("p", { class: "faint small" });
    this.faulty = h("div", { class: "faulty" });
    this.total = h("p", { class: "total", role: "status" });
    this.progress = h("div", { class: "row", hidden: true }, h("progress", { "aria-label": "Requests sent" }), h("span"));
    this.runs = h("div", { class: "stack" });
    this.summary = h(
      "section",
      { class: "sheet stack summary", "aria-labelledby": "came-title" },
      h("h2", { id: "came-title" }, "What came of it"),
      this.total,
      this.progress,
      this.runs,
    );
    this.answer = h("section", { class: "sheet stack answer", "aria-label": "One answer" });
    this.state = h("section", { class: "sheet stack standing", "aria-label": "How things stand" });
    this.element = this.form.element;
    this.element.append(
      h(
        "div",
        { class: "outcome" },
        this.faulty,
        h("div", { class: "sheet stack" }, this.form.bar, this.time()),
        this.summary,
        h("div", { class: "halves" }, this.answer, this.state),
      ),
    );
    this.empty();
    policy.subscribe(() => this.look());
    this.look();
  }

  time() {
    const passes = PASSES.map(([name, millis]) =>
      h("button", { type: "button", onclick: () => this.pass(name, millis) }, `Let ${name} pass`),
    );
    const afresh = h("button", { type: "button", onclick: () => this.afresh() }, "Start afresh");
    return h("div", { class: "clock" }, h("div", { class: "row" }, passes, afresh, this.clock), this.told);
  }

  /** Whether the policy is still the desk's, and whether it can be tried at all. */
  look() {
    const { text } = this.policy;
    if (text === this.text) return;
    const before = this.text;
    this.text = text;
    const { faults } = JSON.parse(this.engine.read_policy(text));
    this.form.enable(faults.length === 0);
    fill(
      this.faulty,
      faults.length > 0 &&
        h(
          "div",
          { class: "notice bad" },
          h(
            "p",
            null,
            `The policy has ${counted(faults.length, "fault")}, so nothing can be tried. `,
            h("a", { href: "#policy" }, "Mend it in the Policy view"),
            ".",
          ),
        ),
    );
    if (before === null) return;
    const began = this.desk !== null;
    this.close();
    this.empty();
    if (began) fill(this.told, "The policy is another now: counters start afresh.");
  }

  async send(ask) {
    const sending = (this.sending = {});
    const goesOn = (sent) => {
      const on = this.sending === sending;
      if (on) this.watch(sent, ask.times);
      return on;
    };
    try {
      this.desk ??= this.open();
      const { desk } = this;
      const came = await slices(desk, ask, goesOn);
      // Counters that were closed meanwhile are not of this policy any more.
      if (this.desk === desk) this.show(came, ask.times);
    } catch (error) {
      fill(this.told, plain(sentence(error)));
    } finally {
      this.sending = null;
      this.progress.hidden = true;
      this.form.sends(false);
    }
  }

  /** Shows how far a sending has come that takes its time. */
  watch(sent, times) {
    this.form.sends(true);
    this.total.textContent = "";
    const [bar, text] = this.progress.children;
    Object.assign(bar, { max: times, value: sent });
    text.textContent = `${grouped(sent)} of ${grouped(times)}`;
    this.progress.hidden = false;
  }

  open() {
    this.began = Date.now();
    return new this.engine.Desk(this.policy.text, this.began);
  }

  close() {
    this.sending = null;
    this.desk?.free();
    this.desk = null;
    this.clock.textContent = "";
  }

  afresh() {
    this.close();
    this.empty();
    fill(this.told, "All counters are at zero.");
  }

  pass(name, millis) {
    if (this.sending) {
      fill(this.told, "Requests are being sent. Stop that first.");
      return;
    }
    this.desk ??= this.open();
    this.desk.advance(millis);
    this.tick();
    fill(
      this.told,
      `${name[0].toUpperCase()}${name.slice(1)} has passed. What is below is as it was; send again to see what is back.`,
    );
  }

  tick() {
    this.clock.textContent = `${span(this.desk.now() - this.began)} since it began`;
  }

  show(came, times) {
    this.tick();
    const left = times - came.runs.at(-1).to;
    fill(this.told, left > 0 && `Stopped: ${counted(left, "request")} ${left === 1 ? "was" : "were"} not sent.`);
    this.total.textContent = total(came.runs);
    fill(
      this.runs,
      runsOf(came.runs, came.shown, (answer) => showAnswer(this.answer, answer)),
    );
    fill(this.state, h("h2", null, "How things stand"), gauges(came));
    this.answer.hidden = this.state.hidden = false;
    [...this.runs.querySelectorAll("button.run")].at(-1).click();
    this.summary.scrollIntoView({ block: "nearest" });
  }

  empty() {
    this.total.textContent = "";
    fill(
      this.runs,
      h(
        "p",
        { class: "empty" },
        "Nothing has been sent yet. Send the request once, or 61 times, to see what this policy does with it: " +
          "the verdict, what client and origin get, and what is left of every quota.",
      ),
    );
    this.answer.hidden = this.state.hidden = true;
  }
}
