// The form that chooses what is to be simulated. The text of the scenario is what counts: the fields write into it and read from it.

import { counted, fill, h } from "./dom.js";

/** What is looked at first: a campaign that is found, among as much traffic as takes seconds. */
const FIRST = "a1";
const SCALE = 100;
const DAYS = 5;

/**
 * @param {{engine: object, policy: object}} context
 * @param {(order: {scenario: string, policy?: string}) => void} run
 * @returns {{root: HTMLElement}}
 */
export function scenarioForm({ engine, policy }, run) {
  const all = JSON.parse(engine.scenarios());
  const select = h(
    "select",
    { id: "scenario", onchange: () => choose() },
    all.map(({ name }) => h("option", { value: name }, name)),
    h("option", { value: "", hidden: true }, "of your own"),
  );
  const about = h("p", { class: "about", id: "scenario-about" });
  const numbers = [
    number(
      "scale",
      "Scale 1 :",
      SCALE,
      10_000,
      "By how much the numbers of keys are divided: 1 : 100 is 250 keys of a campaign, 1 : 1 is 25,000",
    ),
    number("days", "Days", DAYS, 49, "How long the traffic goes on"),
    number("seed", "Seed", 1, Number.MAX_SAFE_INTEGER, "All chance follows from it"),
  ];
  const text = h("textarea", {
    id: "scenario-text",
    rows: "16",
    spellcheck: "false",
    autocapitalize: "off",
    oninput: () => edited(),
  });
  const faults = h("ul", { id: "scenario-faults" });
  const more = h(
    "details",
    { class: "more" },
    h("summary", null, "More: the whole scenario"),
    h(
      "div",
      { class: "field" },
      h("label", { for: "scenario-text" }, "Scenario, as ", h("code", null, "stillgate simulate"), " reads it"),
      text,
    ),
  );
  const decides = (value, label, checked) =>
    h("label", { class: "tick" }, h("input", { type: "radio", name: "decides", value, checked }), label);
  const root = h(
    "form",
    {
      class: "scenario stack",
      novalidate: true,
      onsubmit: (event) => {
        event.preventDefault();
        submit();
      },
    },
    h(
      "div",
      { class: "fields" },
      h("div", { class: "field" }, h("label", { for: "scenario" }, "Scenario"), select),
      numbers.map(({ root: field }) => field),
    ),
    about,
    h(
      "fieldset",
      { class: "decides" },
      h("legend", null, "What decides"),
      decides("own", "the simulator's own policy: who is suspected is tagged, who is convicted is denied", true),
      decides("editor", "the policy in the editor", false),
    ),
    more,
    h("div", { class: "wrong", role: "alert" }, faults),
    h("div", { class: "row" }, h("button", { class: "primary" }, "Run")),
  );

  function number(name, label, value, most, title) {
    const input = h("input", {
      type: "number",
      id: `scenario-${name}`,
      min: "1",
      max: String(most),
      step: "1",
      value: String(value),
      title,
      inputmode: "numeric",
      oninput: () => write(),
    });
    return { name, input, root: h("div", { class: "field" }, h("label", { for: input.id }, label), input) };
  }

  function choose() {
    const chosen = all.find(({ name }) => name === select.value);
    about.textContent = `${chosen.about[0].toUpperCase()}${chosen.about.slice(1)}.`;
    put({ ...chosen.scenario, ...fields() });
  }

  function fields() {
    const typed = numbers.filter(({ input }) => Number.isFinite(input.valueAsNumber));
    return Object.fromEntries(typed.map(({ name, input }) => [name, input.valueAsNumber]));
  }

  function put(scenario) {
    text.value = JSON.stringify(scenario, null, 2);
    check();
  }

  /** A field has changed: the text has to say the same. */
  function write() {
    const scenario = parsed();
    if (scenario) put({ ...scenario, ...fields() });
  }

  /** The text has changed: fields say what it says, and it is no scenario of the list any more. */
  function edited() {
    const scenario = parsed();
    for (const { name, input } of numbers) if (Number.isFinite(scenario?.[name])) input.value = String(scenario[name]);
    select.value = "";
    about.textContent = "A scenario of your own; what it leaves out is as in a0.";
    check();
  }

  function parsed() {
    try {
      const value = JSON.parse(text.value);
      return value && typeof value === "object" && !Array.isArray(value) ? value : undefined;
    } catch {
      return undefined;
    }
  }

  /** Says what is wrong with the text. @returns {boolean} whether nothing is */
  function check() {
    const found = JSON.parse(engine.check_scenario(text.value));
    fill(
      faults,
      found.map((sentence) => h("li", null, sentence)),
    );
    text.setAttribute("aria-invalid", String(found.length > 0));
    if (found.length > 0) text.setAttribute("aria-describedby", faults.id);
    return found.length === 0;
  }

  function submit() {
    if (!check()) {
      more.open = true;
      text.focus();
      return;
    }
    if (new FormData(root).get("decides") === "own") {
      run({ scenario: text.value });
      return;
    }
    const wrong = JSON.parse(engine.read_policy(policy.text)).faults.length;
    if (wrong === 0) {
      run({ scenario: text.value, policy: policy.text });
      return;
    }
    fill(
      faults,
      h(
        "li",
        null,
        `The policy in the editor has ${counted(wrong, "fault")}: mend it in the `,
        h("a", { href: "#policy" }, "Policy view"),
        ", or let the simulator's own decide.",
      ),
    );
  }

  select.value = FIRST;
  choose();
  return { root };
}
