// Why a campaign is one: what speaks for it and against it, how that grew, and whose requests met it.

import { counted, fill, grouped, h, share, table } from "./dom.js";
import { growth } from "./growth.js";
import { MOST, points, TERMS } from "./terms.js";

/**
 * The evidence of one campaign. Its parts stay and only what is in them changes, so that what is opened stays open and the focus
 * stays where it is.
 * @returns {{root: HTMLElement, update(each: import("./cases.js").Case, told: import("./cases.js").Told): void}}
 */
export function evidence() {
  const why = h("h3");
  const said = h("ul", { class: "terms" });
  const count = h("summary");
  const rest = h("ul", { class: "terms" });
  const grown = h("div", { class: "stack" });
  const terms = h("div", { class: "stack" }, why, said, h("details", { class: "silent" }, count, rest), grown);
  const unknown = h(
    "p",
    { class: "faint" },
    "Verdicts only name a campaign, and do not tell what spoke for it: open the trace to see that.",
  );
  const whom = h("div");
  const root = h("div", { class: "stack" }, terms, unknown, whom);
  let drawn;

  function weigh({ score, terms: values, history }, line) {
    const value = ({ name }) => values[name] ?? 0;
    const silent = TERMS.filter((term) => value(term) === 0);
    why.textContent = `Why: ${points(score)} points, and ${line} convict`;
    fill(
      said,
      TERMS.filter((term) => value(term) !== 0).map((term) => bar(term, value(term))),
    );
    count.textContent = `${counted(silent.length, "term")} that ${silent.length === 1 ? "says" : "say"} nothing`;
    fill(
      rest,
      silent.map((term) => bar(term, 0)),
    );
    const picture = growth(history, line);
    fill(grown, picture && [h("h3", null, "How the score grew"), picture]);
  }

  return {
    root,
    update(each, { line, groups }) {
      const state = `${each.history.length} ${each.score} ${line} ${each.requests_known}`;
      if (state === drawn) return;
      drawn = state;
      const named = each.stage === "named";
      terms.hidden = named;
      unknown.hidden = !named;
      if (!named) weigh(each, line);
      whom.hidden = !each.whose || each.requests_known === 0;
      if (!whom.hidden) fill(whom, whose(each, groups));
    },
  };
}

function bar({ name, family, most, text }, value) {
  const width = `${(Math.abs(value) / MOST) * 50}%`;
  const room = `${(Math.abs(most) / MOST) * 50}%`;
  const side = most > 0 ? "for" : "against";
  return h(
    "li",
    { class: "term", title: `at most ${points(most)}` },
    h(
      "span",
      { class: "name" },
      h("code", null, name),
      " ",
      h("span", { class: "family" }, family),
      h("span", { class: "means" }, text),
    ),
    h(
      "span",
      { class: `balance ${side}`, "aria-hidden": "true" },
      h("span", { class: "room", style: { width: room } }),
      h("span", { class: "fill", style: { width } }),
    ),
    h("span", { class: "points" }, points(value), h("span", { class: "heard" }, ` points, of ${points(most)} at most`)),
  );
}

/** Whose requests met it, where the truth is known or found. */
function whose(each, groups) {
  const rows = groups.map(({ name }, place) => [name, each.whose[place]]).filter(([, number]) => number > 0);
  const lines = rows.map(([name, number]) => [name, grouped(number), share(number, each.requests_known)]);
  const caption =
    `Whose requests were known for this campaign's, in all of the film: ${grouped(each.requests_known)}, ` +
    `of which ${grouped(each.refused)} were refused`;
  return table(caption, ["whose", { text: "requests", number: true }, { text: "share", number: true }], lines, { shown: true });
}
