// Campaigns as they were found: how far each has come, and, opened, what speaks for it and what an operator can do.

import { copyable } from "./copy.js";
import { counted, fill, grouped, h } from "./dom.js";
import { evidence } from "./evidence.js";
import { points } from "./terms.js";
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
  const none = h("p", { class: "empty" }, empty);
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
      arrange(list, parts.length > 0 ? parts : [none]);
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
  const why = evidence();
  const names = h("div", { class: "stack" });
  const root = h("details", { class: "case", ontoggle: () => render() }, summary, h("div", { class: "inside" }, why.root, names));
  let latest;
  let said;
  let named;

  function render() {
    if (!root.open || !latest) return;
    why.update(latest.each, latest.told);
    const templates = latest.each.templates.join(" ");
    if (templates !== named) fill(names, excuses(latest.each));
    named = templates;
  }

  return {
    root,
    update(each, told) {
      latest = { each, told };
      const { stage, held_back: held, since, keys, requests, score, families } = each;
      const state = JSON.stringify([stage, held, since, keys, requests, score, families, told.line, told.scale]);
      if (state !== said) fill(summary, brieflyOf(id, each, told));
      said = state;
      root.classList.toggle("over", stage === "closed");
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
