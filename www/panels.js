// The tables of the Live view.

import { counted, fill, grouped, h, mark, share, table } from "./dom.js";
import { scroll } from "./scroll.js";
import { toTheSecond } from "./time.js";

/** So many keys are shown. */
const KEYS = 12;

const VERDICTS = ["allow", "tag", "throttle", "verify", "deny"];

const number = (text) => ({ text, number: true });
const words = (name) => name.replaceAll("_", " ");

/** How often there was each verdict, and why. */
export function verdicts(tally) {
  const totals = tally.totals();
  const all = totals.reduce((sum, { value }) => sum + value, 0);
  const lines = VERDICTS.map((verdict) => {
    const own = totals.filter((total) => total.verdict === verdict).sort((a, b) => b.value - a.value);
    const sum = own.reduce((before, { value }) => before + value, 0);
    const reasons = own
      .filter(({ reason, value }) => reason !== "none" && value > 0)
      .map(({ reason, value }) => `${words(reason)} ${grouped(value)}`);
    return { verdict, sum, cells: [mark(verdict), grouped(sum), share(sum, all), reasons.join(", ")] };
  });
  const rows = table(
    tally.metrics ? "Verdicts since the gate was started" : "Verdicts in what was told here",
    ["verdict", number("requests"), number("share"), "for"],
    lines.map(({ cells }) => cells),
  );
  [...rows.tBodies[0].rows].forEach((row, place) => {
    row.dataset.verdict = lines[place].verdict;
    row.classList.toggle("none", lines[place].sum === 0);
  });
  return [
    scroll("Verdicts, counted", rows),
    tally.policy.record !== "all" &&
      h(
        "p",
        { class: "faint small" },
        "Requests that are simply admitted are counted here, and told below without their key: a policy with ",
        h("code", null, '"record": "all"'),
        " has them told in full.",
      ),
  ];
}

/** What the quotas of the policy in force have done, in what was seen. */
export function quotas(tally) {
  const { policy, least } = tally;
  if (policy.quotas.length === 0) return h("p", { class: "empty" }, "The policy has none.");
  const lines = policy.quotas.map((quota) => {
    const { refused = 0, would = 0, least: left = null } = tally.rules.get(quota.name) ?? {};
    const shadow = quota.mode === "shadow" || policy.mode === "shadow";
    return [
      quota.name,
      allows(quota),
      shadow ? `${grouped(would)} would be` : grouped(refused),
      left === null ? "not told" : grouped(left),
    ];
  });
  return [
    table("Quotas and what they refused", ["quota", "allows", number("refused"), number("least left")], lines),
    least !== null &&
      h("p", { class: "faint small" }, `The fewest requests that anybody had left under any quota: ${grouped(least)}.`),
  ];
}

/** `60 requests in 1m for each key`. */
function allows({ limit, count, window, per }) {
  const most = typeof limit === "object" ? `by ${limit.by}:` : grouped(limit);
  const what = count === "concurrent" ? "requests at once" : words(count);
  const whom = per.length === 0 ? "for all together" : `for each ${per.join(" and ")}`;
  return `${most} ${what}${window ? ` in ${window}` : ""} ${whom}`;
}

/** Checks that found something in what was seen. */
export function checks({ checks: seen }) {
  const lines = [...seen.values()]
    .sort((a, b) => b.found - a.found)
    .map(({ rule, then, mode, count, error, limit, found, time }) => [
      rule,
      mode === "shadow" ? `${then}, in shadow` : then,
      grouped(found),
      count === undefined
        ? ""
        : `${grouped(count)}${error ? ` (± ${error})` : ""}${limit === undefined ? "" : ` of ${grouped(limit)}`}`,
      toTheSecond(time),
    ]);
  return table("Checks and what they found", ["check", "then", number("found"), number("counted last"), "last"], lines);
}

/** Keys that ask most, or are refused most, by their pseudonyms. */
export function keys() {
  let order = "requests";
  let tally;
  const choices = ["requests", "refused"].map((name) =>
    h(
      "button",
      {
        type: "button",
        "aria-pressed": String(name === order),
        onclick: () => {
          order = name;
          for (const [place, choice] of choices.entries())
            choice.setAttribute("aria-pressed", String(["requests", "refused"][place] === name));
          render();
        },
      },
      name === "requests" ? "by requests" : "by refusals",
    ),
  );
  const rows = h("div");
  const root = h(
    "div",
    { class: "stack" },
    h("div", { class: "segments", role: "group", "aria-label": "Order of keys" }, choices),
    rows,
  );

  function render() {
    if (!tally) return;
    const top = [...tally.keys.values()].sort((a, b) => b[order] - a[order] || b.requests - a.requests).slice(0, KEYS);
    const lines = top.map(({ key, requests, refused, tagged, left, time }) => [
      h("code", null, key),
      grouped(requests),
      grouped(refused),
      grouped(tagged),
      left === null ? "" : grouped(left),
      toTheSecond(time),
    ]);
    fill(
      rows,
      top.length === 0
        ? h("p", { class: "empty" }, "No key has been told yet.")
        : [
            scroll(
              "Keys, counted",
              table(
                "Keys by their pseudonyms",
                ["key", number("requests"), number("refused"), number("tagged"), number("left"), number("last")],
                lines,
              ),
            ),
            h(
              "p",
              { class: "faint small" },
              `Pseudonyms, as in the access log; ${counted(tally.keys.size, "key")} told with a decision.`,
            ),
          ],
    );
  }

  return {
    root,
    update(next) {
      tally = next;
      render();
    },
  };
}

/** All that the engine counts and is not 0, for those who want to see it. */
export function metrics() {
  const rows = h("div");
  const root = h("details", { hidden: true, ontoggle: () => render() }, h("summary", null, "All metrics"), rows);
  let tally;

  function render() {
    if (!root.open || !tally?.metrics) return;
    const some = tally.metrics.filter(({ value }) => value !== 0);
    fill(
      rows,
      table(
        "Metrics that are not 0",
        ["metric", "of", number("value")],
        some.map(({ name, labels, value }) => [
          h("code", null, name),
          Object.entries(labels ?? {})
            .map(([label, is]) => `${label} ${words(is)}`)
            .join(", "),
          grouped(value),
        ]),
      ),
    );
  }

  return {
    root,
    update(next) {
      tally = next;
      root.hidden = !tally.metrics;
      render();
    },
  };
}
