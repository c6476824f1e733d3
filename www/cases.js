// Campaigns as they were found: how far each has come, and, opened, everything that speaks for it and against it.

import { copyable } from "./copy.js";
import { counted, fill, grouped, h, share, table } from "./dom.js";
import { growth } from "./growth.js";
import { MOST, points, TERMS } from "./terms.js";
import { brief } from "./time.js";

/** More campaigns than this are only counted. */
const SHOWN = 100;

const STAGES = {
  suspect: { text: "suspected", kind: "tag" },
  convicted: { text: "convicted", kind: "refuse" },
  closed: { text: "closed", kind: "closed" },
  named: { text: "named", kind: "closed" },
  held: { text: "convicted, only noted", kind: "would" },
};

/**
 * @typedef {object} Case
 * @property {string} id
 * @property {"suspect" | "convicted" | "closed" | "named"} stage - `named` where verdicts tell no more of it than the name
 * @property {boolean | null} held_back
 * @property {number} since
 * @property {number} keys
 * @property {string[]} templates
 * @property {Record<string, number>} terms
 * @property {Array<{t: number, stage: string, score: number}>} history
 * @property {number[]} [whose] - requests of each group that met it, in the whole film
 */

/**
 * @typedef {{line: number, groups?: Array<{name: string}>, scale?: import("./time.js").Scale}} Told - the score that convicts, whose
 *   requests there are, and what moments are told apart in
 *
 * @param {{empty: string}} options - what is said where there are none
 * @returns {{root: HTMLElement, update(cases: Case[], told: Told): void, clear(): void, open(): void}}
 */
export function cases({ empty }) {
  const list = h("div", { class: "cases" });
  const rest = h("p", { class: "faint small" });
  const root = h("div", null, list, rest);
  /** What is shown of each campaign, by its name: so an open one stays open, also when time goes back before it and on again. */
  const shown = new Map();
  return {
    root,
    update(all, told) {
      const now = all.slice(0, SHOWN);
      const parts = now.map((each) => {
        if (!shown.has(each.id)) shown.set(each.id, entry(each.id));
        const part = shown.get(each.id);
        part.update(each, told);
        return part.root;
      });
      arrange(list, parts.length > 0 ? parts : [h("p", { class: "empty" }, empty)]);
      rest.textContent = all.length > SHOWN ? `and ${grouped(all.length - SHOWN)} more` : "";
    },
    /** Other campaigns are to come. */
    clear() {
      shown.clear();
    },
    /** Opens the first, for whoever has opened none: why it was found is what most want to know. */
    open() {
      if (list.querySelector(".case") && !list.querySelector(".case[open]")) list.querySelector(".case").open = true;
    },
  };
}

/** Puts children in order and moves none that stands right: what moves would lose the focus in it. */
function arrange(list, children) {
  const wanted = new Set(children);
  for (const child of [...list.children]) if (!wanted.has(child)) child.remove();
  children.forEach((child, place) => {
    if (list.children[place] !== child) list.insertBefore(child, list.children[place] ?? null);
  });
}

function entry(id) {
  const summary = h("summary");
  const evidence = h("div", { class: "stack" });
  const names = h("div", { class: "stack" });
  const root = h("details", { class: "case", ontoggle: () => render() }, summary, h("div", { class: "inside" }, evidence, names));
  let latest;
  let drawn;
  let named;

  function render() {
    if (!root.open || !latest) return;
    const { each, told } = latest;
    const state = `${each.history.length} ${each.score} ${told.line} ${each.requests_known}`;
    if (state !== drawn) fill(evidence, reasons(each, told));
    drawn = state;
    const templates = each.templates.join(" ");
    if (templates !== named) fill(names, excuses(each));
    named = templates;
  }

  return {
    root,
    update(each, told) {
      latest = { each, told };
      fill(summary, brieflyOf(id, each, told));
      root.classList.toggle("over", each.stage === "closed");
      render();
    },
  };
}

function brieflyOf(id, each, { line, scale }) {
  const stage = each.held_back && each.stage === "convicted" ? STAGES.held : STAGES[each.stage];
  const named = each.stage === "named";
  const facts = named
    ? [`first ${brief(each.since, scale)} UTC`]
    : [
        `since ${brief(each.since, scale)} UTC`,
        `about ${counted(each.keys, "key")}`,
        counted(each.requests, "request"),
        `${each.families} ${each.families === 1 ? "family" : "families"} of evidence`,
      ];
  return [
    h("span", { class: `mark ${stage.kind}` }, stage.text),
    " ",
    h("code", null, id),
    " ",
    !named && meter(each.score, line),
    h("span", { class: "gist" }, facts.join(" · ")),
  ];
}

/** A score, and the line that convicts. */
function meter(score, line) {
  const end = Math.max(line * 1.5, score);
  const part = (value) => `${Math.max(0, (value / end) * 100)}%`;
  return h(
    "span",
    { class: "meter" },
    h(
      "span",
      { class: "track", "aria-hidden": "true" },
      h("span", { class: score >= line ? "fill over" : "fill", style: { width: part(score) } }),
      h("span", { class: "line", style: { left: part(line) } }),
    ),
    h("span", { class: "score" }, h("b", null, points(score)), ` of ${line} points`),
  );
}

/** Why: what speaks for it and against, how that grew, and whose requests met it. */
function reasons(each, { line, groups }) {
  const parts = [];
  if (each.stage !== "named") {
    const said = TERMS.filter(({ name }) => (each.terms[name] ?? 0) !== 0);
    const silent = TERMS.filter(({ name }) => (each.terms[name] ?? 0) === 0);
    parts.push(
      h("h3", null, `Why: ${points(each.score)} points, and ${line} convict`),
      h(
        "ul",
        { class: "terms" },
        said.map((term) => bar(term, each.terms[term.name])),
      ),
      h(
        "details",
        { class: "silent" },
        h("summary", null, `${counted(silent.length, "term")} that ${silent.length === 1 ? "says" : "say"} nothing`),
        h(
          "ul",
          { class: "terms" },
          silent.map((term) => bar(term, 0)),
        ),
      ),
    );
    const grown = growth(each.history, line);
    if (grown) parts.push(h("h3", null, "How the score grew"), grown);
  } else {
    parts.push(
      h("p", { class: "faint" }, "Verdicts only name a campaign, and do not tell what spoke for it: open the trace to see that."),
    );
  }
  if (each.whose && each.requests_known > 0) parts.push(whose(each, groups));
  return parts;
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

/** What an operator can do about it. */
function excuses({ id, templates }) {
  const [first] = templates;
  return [
    h("h3", null, "Where it is a mistake"),
    h(
      "p",
      { class: "small" },
      "To let this campaign go, add its name to ",
      h("code", null, "campaigns.acquit"),
      ": ",
      copyable(JSON.stringify(id)),
    ),
    first &&
      h(
        "p",
        { class: "small" },
        "To let a template go whoever asks it, add it to ",
        h("code", null, "campaigns.excuse"),
        ": ",
        copyable(JSON.stringify({ template: first })),
      ),
    templates.length > 1 &&
      h(
        "details",
        null,
        h("summary", null, `All ${templates.length} templates, the most specific first`),
        h(
          "ul",
          { class: "hashes" },
          templates.map((template) => h("li", null, copyable(template))),
        ),
      ),
  ];
}
