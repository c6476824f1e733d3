// How things stand after the last request: quotas, checks, campaigns.

import { grouped, h, mark, span, table } from "./dom.js";

const EMPTY = {
  quotas: "No quota covered these requests.",
  checks: "No check found anything in the last request.",
  campaigns: "No campaign is seen. It takes many keys that ask from the same templates: see the Campaign view.",
};

/** @param {{quotas: object[], checks: object[], campaigns: object[]}} came @returns {HTMLElement[]} */
export function gauges({ quotas, checks, campaigns }) {
  return [
    part("Quotas", EMPTY.quotas, quotas, () =>
      table(
        "Quotas that were touched, as the last request left them",
        ["Quota", "Used", { text: "Left", number: true }, { text: "All back in", number: true }],
        quotas.map(quota),
      ),
    ),
    part("Checks", EMPTY.checks, checks, () =>
      table(
        "What the last request was found by",
        ["Check", "Then", { text: "Seen", number: true }, { text: "Limit", number: true }],
        checks.map(check),
      ),
    ),
    part("Campaigns", EMPTY.campaigns, campaigns, () =>
      table(
        "Campaigns that have been found",
        [
          "Campaign",
          "Stage",
          { text: "Keys", number: true },
          { text: "Requests", number: true },
          { text: "Score", number: true },
        ],
        campaigns.map(campaign),
      ),
    ),
  ];
}

function part(title, empty, list, filled) {
  return h("section", { class: "facet" }, h("h3", null, title), list.length === 0 ? h("p", { class: "empty" }, empty) : filled());
}

function quota({ name, per, count, window, limit, used, remaining, reset, mode }) {
  const whose = per.length === 0 ? "of everyone together" : `per ${per.join(" and ")}`;
  return [
    h(
      "div",
      null,
      h("code", null, name),
      mode === "shadow" && [" ", h("span", { class: "mark would" }, "in shadow")],
      h(
        "p",
        { class: "faint small" },
        `${count.replaceAll("_", " ")} ${whose}${window ? ` in ${span(window).replaceAll(" ", "\u00a0")}` : ""}`,
      ),
    ),
    h(
      "div",
      { class: "level" },
      h("meter", { min: 0, max: limit, value: Math.min(used, limit), "aria-label": `Used of ${name}` }),
      h("span", null, `${grouped(used)} of ${grouped(limit)}`),
    ),
    grouped(remaining),
    reset === null ? "–" : span(reset),
  ];
}

function check({ name, then, mode, count, exact, limit }) {
  const seen = count === null ? "–" : `${exact ? "" : "about "}${grouped(count)}`;
  return [h("code", null, name), mark(then, mode === "shadow"), seen, limit === null ? "–" : grouped(limit)];
}

function campaign({ id, stage, held_back: held, keys, requests, score }) {
  const value = (number) => (number === null || number === undefined ? "–" : grouped(number));
  return [h("code", null, id), held ? `${stage}, held back` : stage, value(keys), value(requests), value(score)];
}
