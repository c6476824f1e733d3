// The latest requests, one a row: those of a verdict, or all, for as long as it is not paused.

import { fill, foreign, h, mark } from "./dom.js";
import { scroll } from "./scroll.js";
import { LATEST, UNDECIDED } from "./tally.js";
import { toTheSecond } from "./time.js";
import { VERDICTS } from "./told.js";

const CHOICES = ["all", ...VERDICTS, "would be refused", UNDECIDED];
const HEADS = ["time (UTC)", "verdict", "why", "key", "status", "request", "ms"];

/** @returns {{root: HTMLElement, update(tally: import("./tally.js").Tally): void}} */
export function latest() {
  const filter = h(
    "select",
    { id: "filter", onchange: () => rebuild() },
    CHOICES.map((name) => h("option", { value: name }, name)),
  );
  const pause = h(
    "button",
    {
      type: "button",
      "aria-pressed": "false",
      onclick: () => {
        paused = !paused;
        pause.setAttribute("aria-pressed", String(paused));
        pause.textContent = paused ? "Go on" : "Pause";
        rebuild();
      },
    },
    "Pause",
  );
  const body = h("tbody");
  const none = h("p", { class: "empty" });
  const root = h(
    "div",
    { class: "latest stack" },
    h("div", { class: "row" }, h("label", { for: "filter" }, "Show"), filter, pause),
    scroll(
      "The latest requests",
      h(
        "table",
        { class: "rows" },
        h("caption", { class: "heard" }, `The latest requests, at most ${LATEST}, the newest first`),
        h(
          "thead",
          null,
          h(
            "tr",
            null,
            HEADS.map((text) => h("th", { scope: "col" }, text)),
          ),
        ),
        body,
      ),
    ),
    none,
  );
  let tally;
  let paused = false;
  /** The number of the newest request that has been looked at. */
  let newest = 0;

  const wanted = ({ verdict, would }) =>
    filter.value === "all" || filter.value === verdict || (filter.value === "would be refused" && would !== null);

  function rebuild() {
    if (!tally || (paused && body.rows.length > 0 && newest > 0 && filter.dataset.shown === filter.value)) return;
    filter.dataset.shown = filter.value;
    fill(body);
    newest = 0;
    add();
  }

  /** Puts rows above those that are there, and lets go of the oldest. */
  function add() {
    const fresh = tally.latest.filter((request) => request.number > newest && wanted(request));
    newest = tally.requests;
    body.prepend(...fresh.reverse().map(row));
    while (body.rows.length > LATEST) body.lastChild.remove();
    none.textContent =
      body.rows.length > 0 ? "" : tally.requests === 0 ? "No request has come yet." : "None of the latest is like that.";
  }

  return {
    root,
    update(next) {
      const another = next !== tally;
      tally = next;
      if (another) {
        fill(body);
        newest = 0;
      }
      if (another || !paused) add();
    },
  };
}

function row({ time, verdict, would, decision, status, method, path, milliseconds }) {
  const all = [decision?.rule, decision?.campaign, reason(decision), would && `shadow: ${would.rule ?? would.reason}`];
  const why = all.filter(Boolean);
  const asked = path ? `${method ?? ""} ${path}` : "";
  return h(
    "tr",
    null,
    h("td", null, toTheSecond(time)),
    h(
      "td",
      null,
      verdict === UNDECIDED ? h("span", { class: "faint" }, verdict) : mark(verdict),
      would && [" ", mark(would.verdict, true)],
    ),
    long(
      why.join(" · "),
      why.map((part, place) => [place > 0 && " · ", foreign(part)]),
    ),
    h("td", null, decision?.key && h("code", null, decision.key)),
    h("td", null, status),
    long(asked, h("code", null, asked)),
    h("td", null, milliseconds),
  );
}

/** A cell that is cut where it is too long, and then told in full where a pointer rests. */
function long(text, shown) {
  return h("td", { class: "long", title: text || null }, shown);
}

/** Why, where it says more than the rule does. */
function reason(decision) {
  if (!decision || decision.reason === "none" || decision.reason === "quota") return null;
  return decision.reason.replaceAll("_", " ");
}
