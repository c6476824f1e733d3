// What came of requests: runs of neighbours that came to the same, and one answer in detail.

import { counted, fill, grouped, h, mark, table } from "./dom.js";

/** More runs than these are counted and not shown. */
const MOST = 40;

/** `1–60`, `61`. */
function range({ from, to }) {
  return from === to ? grouped(from) : `${grouped(from)}–${grouped(to)}`;
}

/** Why something was decided, in the words of records. */
function why({ reason, rule }) {
  return [reason === "none" ? null : reason, rule].filter(Boolean).join(" · ");
}

/** How many were let through, and how many refused. @param {Array<object>} runs @returns {string} */
export function total(runs) {
  const passed = runs
    .filter(({ verdict }) => verdict === "allow" || verdict === "tag")
    .reduce((sum, { from, to }) => sum + to - from + 1, 0);
  const all = runs.at(-1).to;
  return `${counted(all, "request")}: ${grouped(passed)} let through, ${grouped(all - passed)} refused.`;
}

/**
 * Runs, each with a button that shows its first answer.
 * @param {Array<object>} runs
 * @param {Array<object>} shown
 * @param {(answer: object) => void} choose
 */
export function runsOf(runs, shown, choose) {
  const all = runs.at(-1).to;
  const lines = runs.slice(0, MOST).map((run) =>
    line(
      run,
      shown.find(({ n }) => n === run.from),
      (answer, button) => {
        for (const each of lines) each.querySelector("button")?.setAttribute("aria-pressed", String(each.contains(button)));
        choose(answer);
      },
    ),
  );
  const more =
    runs.length > MOST &&
    h("p", { class: "faint small" }, `And ${counted(runs.length - MOST, "more run")}, to request ${grouped(all)}.`);
  return [bar(runs), h("ol", { class: "outcomes" }, lines), more];
}

function line(run, answer, choose) {
  const parts = [
    h("span", { class: "range" }, range(run)),
    mark(run.verdict),
    h("span", { class: "why" }, why(run)),
    run.shadow && h("span", { class: "why" }, mark(run.shadow.verdict, true), " ", why(run.shadow)),
    h("span", { class: "status" }, run.status),
  ];
  if (!answer) return h("li", null, h("div", { class: "run" }, parts));
  const button = h(
    "button",
    { type: "button", class: "run", "aria-pressed": "false", onclick: () => choose(answer, button) },
    parts,
  );
  return h("li", null, button);
}

/** The runs by their length, for the eye. */
function bar(runs) {
  const kind = ({ verdict, shadow }) => ({ allow: shadow ? "would" : "let", tag: "tag" })[verdict] ?? "refuse";
  return h(
    "div",
    { class: "bar", "aria-hidden": "true" },
    runs.map((run) => h("span", { class: kind(run), style: { "flex-grow": String(run.to - run.from + 1) } })),
  );
}

/** One answer, as the client, the origin and the operator have it. @param {HTMLElement} place @param {object} answer */
export function showAnswer(place, answer) {
  fill(
    place,
    h("h2", null, `Request ${grouped(answer.n)}`),
    h("p", null, mark(answer.verdict), " ", why(answer)),
    weighed("What spoke against it", answer.reasons),
    weighed("What rules in shadow would have done", answer.shadow),
    section("What the client gets", client(answer)),
    section("What reaches the origin", origin(answer)),
    section(
      "The access log's record",
      answer.record
        ? json(answer.record, "The access log's record")
        : h("p", { class: "empty" }, "None: plain admissions are recorded only with ", h("code", null, '"record": "all"'), "."),
    ),
  );
}

function section(title, ...parts) {
  return h("section", { class: "facet" }, h("h3", null, title), parts);
}

function weighed(title, reasons) {
  if (!reasons?.length) return null;
  const value = (number) => (number === undefined || number === null ? "–" : grouped(number));
  const would = reasons.some(({ verdict }) => verdict);
  const heads = ["Rule", "Kind", { text: "Used", number: true }, { text: "Limit", number: true }, ...(would ? ["Verdict"] : [])];
  return section(
    title,
    table(
      title,
      heads,
      reasons.map(({ rule, kind, used, limit, verdict }) => [
        rule ?? "–",
        kind,
        value(used),
        value(limit),
        ...(would ? [mark(verdict, true)] : []),
      ]),
    ),
  );
}

function client({ passes, status, reply }) {
  const lines = reply.headers.map(([name, value]) => `${name}: ${value}`).join("\n");
  if (!passes)
    return [
      block(`${status}\n${lines}`, "Status and headers of the reply"),
      reply.body && json(parsed(reply.body), "Body of the reply"),
    ];
  if (lines === "") return h("p", null, `The origin's answer, ${status}, as it is.`);
  return [h("p", null, `The origin's answer, ${status}, and with it`), block(lines, "Headers that are added to the answer")];
}

function origin({ passes, request }) {
  if (!passes) return h("p", null, "Nothing.");
  const { add, remove } = request;
  if (add.length === 0 && remove.length === 0) return h("p", null, "The request as it came.");
  const lines = [...add.map(([name, value]) => `+ ${name}: ${value}`), ...remove.map((name) => `- ${name}`)];
  return [
    h("p", null, "The request, with these headers added (+) or taken off (-)"),
    block(lines.join("\n"), "Headers that are changed"),
  ];
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function json(value, label) {
  return block(typeof value === "string" ? value : JSON.stringify(value, null, 2), label);
}

function block(text, label) {
  return h("pre", { class: "text wrap", tabindex: "0", role: "region", "aria-label": label }, text);
}
