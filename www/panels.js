// The tables of the Live view.

import { counted, grouped, h, mark, share, table } from "./dom.js";
import { renew } from "./renew.js";
import { scroll } from "./scroll.js";
import { MOST_KEYS } from "./tally.js";
import { moment, toTheSecond } from "./time.js";
import { VERDICTS } from "./told.js";

/** So many keys are shown. */
const KEYS = 12;

/** So many limits of a quota by a fact are told. */
const LIMITS = 4;

const DAY = 86_400_000;

const number = (text) => ({ text, number: true });
const words = (name) => name.replaceAll("_", " ");

/** Since when what a table adds up is told here. */
function told({ since }) {
  return `told here since ${Date.now() - since < DAY ? `${toTheSecond(since)} UTC` : moment(since)}`;
}

/** How often there was each verdict, and why. */
export function verdicts() {
  const rows = scroll("Verdicts, counted");
  const plainly = h(
    "p",
    { class: "faint small", hidden: true },
    "Requests that are simply admitted are counted here, and told below without their key: a policy with ",
    h("code", null, '"record": "all"'),
    " has them told in full.",
  );
  return {
    root: h("div", { class: "stack" }, rows, plainly),
    update(tally) {
      renew(rows, verdictsOf(tally));
      plainly.hidden = tally.policy.record === "all";
    },
  };
}

function verdictsOf(tally) {
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
    tally.metrics ? "Verdicts since the gate was started" : `Verdicts, ${told(tally)}`,
    ["verdict", number("requests"), number("share"), "for"],
    lines.map(({ cells }) => cells),
    { shown: true },
  );
  [...rows.tBodies[0].rows].forEach((row, place) => {
    row.dataset.verdict = lines[place].verdict;
    row.classList.toggle("none", lines[place].sum === 0);
  });
  return rows;
}

/** What the quotas of the policy in force have done, in what was seen. */
export function quotas() {
  const rows = h("div");
  const least = h("p", { class: "faint small" });
  const none = h("p", { class: "empty" });
  return {
    root: h("div", { class: "stack" }, rows, least, none),
    update(tally) {
      const { policy } = tally;
      const some = policy.quotas.length > 0;
      rows.hidden = least.hidden = !some;
      none.hidden = some;
      none.textContent = policy.unread
        ? "The policy in force cannot be read by this page, which may be older. Load the page again."
        : "The policy has none.";
      if (some) renew(rows, quotasOf(tally));
      least.textContent =
        tally.least === null ? "" : `The fewest requests that anybody had left under any quota: ${grouped(tally.least)}.`;
    },
  };
}

function quotasOf(tally) {
  const { policy } = tally;
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
  const heads = ["quota", "allows", number("refused"), number("least left")];
  return table(`Quotas and what they refused, ${told(tally)}`, heads, lines, { shown: true });
}

/** `60 requests in 1m for each key`; `requests at once for each key: 100 where tier is pro, else 5`. */
function allows({ limit, count, window, per }) {
  const what = count === "concurrent" ? "requests at once" : words(count);
  const whom = per.length === 0 ? "for all together" : `for each ${per.join(" and ")}`;
  const fits = `${what}${window ? ` in ${window}` : ""} ${whom}`;
  if (typeof limit === "number") return `${grouped(limit)} ${fits}`;
  const values = Object.entries(limit.values);
  const some = values.slice(0, LIMITS).map(([value, most]) => `${grouped(most)} where ${limit.by} is ${value}`);
  const more = values.length > LIMITS ? [`other limits for ${grouped(values.length - LIMITS)} more`] : [];
  return `${fits}: ${[...some, ...more, `else ${grouped(limit.else)}`].join(", ")}`;
}

/** Checks that found something in what was seen. */
export function checks() {
  const rows = h("div");
  return { root: rows, update: (tally) => renew(rows, checksOf(tally)) };
}

function checksOf(tally) {
  const lines = [...tally.checks.values()]
    .sort((a, b) => b.found - a.found)
    .map(({ found, time, ...check }) => [
      check.rule,
      check.mode === "shadow" ? `${check.then}, in shadow` : check.then,
      grouped(found),
      countOf(check),
      toTheSecond(time),
    ]);
  const heads = ["check", "then", number("found"), number("counted last"), "last, UTC"];
  return table(`Checks and what they found, ${told(tally)}`, heads, lines, { shown: true });
}

/** `52 of 50`; `about 1,043 (± 10%) of 1,000`. */
function countOf({ count, error, limit }) {
  if (count === null) return "";
  const seen = error === null ? grouped(count) : `about ${grouped(count)} (± ${error})`;
  return limit === null ? seen : `${seen} of ${grouped(limit)}`;
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
  const rows = scroll("Keys, counted");
  const note = h("p", { class: "faint small" });
  const none = h("p", { class: "empty" }, "No key has been told yet.");
  const root = h(
    "div",
    { class: "stack" },
    h("div", { class: "segments", role: "group", "aria-label": "Order of keys" }, choices),
    rows,
    note,
    none,
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
    rows.hidden = note.hidden = top.length === 0;
    none.hidden = top.length > 0;
    const heads = ["key", number("requests"), number("refused"), number("tagged"), number("left"), number("last, UTC")];
    renew(rows, table(`Keys, ${told(tally)}`, heads, lines, { shown: true }));
    note.textContent = `Pseudonyms, as in the access log; ${many(tally)} told with a decision.`;
  }

  return {
    root,
    update(next) {
      tally = next;
      render();
    },
  };
}

/** How many keys there were, as far as that is still known. */
function many({ keys: seen, forgot }) {
  return forgot ? `more than ${grouped(MOST_KEYS)} keys, of which those that ask least are forgotten,` : counted(seen.size, "key");
}

/** All that the engine counts and is not 0, for those who want to see it. */
export function metrics() {
  const rows = h("div");
  const root = h("details", { hidden: true, ontoggle: () => render() }, h("summary", null, "All metrics"), rows);
  let tally;

  function render() {
    if (!root.open || !tally?.metrics) return;
    const some = tally.metrics.filter(({ value }) => value !== 0);
    const lines = some.map(({ name, labels, value }) => [
      h("code", null, name),
      labels.map(([label, is]) => `${label} ${words(is)}`).join(", "),
      grouped(value),
    ]);
    renew(rows, table("Metrics that are not 0", ["metric", "of", number("value")], lines));
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
