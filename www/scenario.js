// The form that chooses what is to be simulated. The text of the scenario is what counts: the fields write into it and read from it.

import { counted, fill, grouped, h, plain } from "./dom.js";

/** What is looked at first: a campaign that is found, among as much traffic as takes seconds. */
const FIRST = "a1";
const SCALE = 100;
const DAYS = 5;

/**
 * @param {{engine: object, policy: object}} context
 * @param {(order: {name: string, scenario: string, policy?: string}) => void} run - is given what to call it too
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
    number("seed", "Seed", 1, Number.MAX_SAFE_INTEGER, "All chance follows from it", 0),
  ];
  const text = h("textarea", {
    id: "scenario-text",
    rows: "16",
    spellcheck: "false",
    autocapitalize: "off",
    oninput: () => edited(),
  });
  const faults = h("ul", { id: "scenario-faults" });
  /** Whether it is said there that the policy in the editor cannot decide. */
  let unfit = false;
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
    h(
      "label",
      { class: "tick" },
      h("input", { type: "radio", name: "decides", value, checked, onchange: () => check() }),
      label,
    );
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
    h(
      "div",
      { class: "complaints" },
      numbers.map(({ wrong }) => wrong),
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

  function number(name, label, value, most, title, least = 1) {
    const wrong = h("p", { class: "complaint", id: `scenario-${name}-wrong` });
    const input = h("input", {
      type: "number",
      id: `scenario-${name}`,
      min: String(least),
      max: String(most),
      step: "1",
      value: String(value),
      title,
      inputmode: "numeric",
      "aria-describedby": wrong.id,
      oninput: () => write(field),
    });
    const field = { name, input, wrong, root: h("div", { class: "field" }, h("label", { for: input.id }, label), input) };
    field.is = () => Number.isSafeInteger(input.valueAsNumber) && input.valueAsNumber >= least && input.valueAsNumber <= most;
    field.fault = `${name[0].toUpperCase()}${name.slice(1)} is a whole number from ${grouped(least)} to ${grouped(most)}.`;
    return field;
  }

  /** Says at a field what it takes, where it has something else. */
  function mark({ input, wrong, fault }, sound) {
    input.setAttribute("aria-invalid", String(!sound));
    wrong.textContent = sound ? "" : fault;
  }

  function choose() {
    const chosen = all.find(({ name }) => name === select.value);
    about.textContent = `${chosen.about[0].toUpperCase()}${chosen.about.slice(1)}.`;
    put({ ...chosen.scenario, ...fields() });
  }

  function fields() {
    const typed = numbers.filter((field) => field.is());
    return Object.fromEntries(typed.map(({ name, input }) => [name, input.valueAsNumber]));
  }

  function put(scenario) {
    text.value = JSON.stringify(scenario, null, 2);
    check();
  }

  /** A field has changed: the text has to say the same, if that can be said. */
  function write(field) {
    mark(field, field.is());
    const scenario = parsed();
    if (scenario && field.is()) put({ ...scenario, [field.name]: field.input.valueAsNumber });
  }

  /** The text has changed: fields say what it says, and it is no scenario of the list any more. */
  function edited() {
    const scenario = parsed();
    for (const field of numbers) {
      if (!Number.isFinite(scenario?.[field.name])) continue;
      field.input.value = String(scenario[field.name]);
      mark(field, true);
    }
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

  /** Says what is wrong with the text, and no more what was with the policy. @returns {boolean} whether nothing is */
  function check() {
    const found = JSON.parse(engine.check_scenario(text.value)).map(plain);
    unfit = false;
    fill(
      faults,
      found.map((sentence) => h("li", null, sentence)),
    );
    text.setAttribute("aria-invalid", String(found.length > 0));
    if (found.length > 0) text.setAttribute("aria-describedby", faults.id);
    return found.length === 0;
  }

  /** What is run, in a few words. */
  function nameOf() {
    const { scale, days, seed } = parsed();
    const said = [
      select.value || "a scenario of your own",
      scale !== undefined && `1:${grouped(scale)}`,
      days !== undefined && counted(days, "day"),
      seed !== undefined && `seed ${seed}`,
    ];
    return said.filter(Boolean).join(", ");
  }

  function submit() {
    const unsound = numbers.find(({ input }) => input.getAttribute("aria-invalid") === "true");
    if (unsound) {
      unsound.input.focus();
      return;
    }
    if (!check()) {
      more.open = true;
      text.focus();
      return;
    }
    if (new FormData(root).get("decides") === "own") {
      run({ name: nameOf(), scenario: text.value });
      return;
    }
    const wrong = JSON.parse(engine.read_policy(policy.text)).faults.length;
    if (wrong === 0) {
      run({ name: nameOf(), scenario: text.value, policy: policy.text });
      return;
    }
    unfit = true;
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

  policy.subscribe(() => unfit && check());
  select.value = FIRST;
  choose();
  return { root };
}
