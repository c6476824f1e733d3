// Who else was touched: populations beside the campaign, or, of recorded traffic, the rules that spoke against requests.

import { counted, fill, foreign, grouped, h, share, table } from "./dom.js";
import { scroll } from "./scroll.js";

/** @returns {{root: HTMLElement, update(film: import("./film.js").Film, moment: number): void}} */
export function touched() {
  const first = h("p");
  const about = h("p", { class: "faint small" });
  const groups = scroll("Groups of requests");
  groups.classList.add("whom");
  const causes = h("div");
  const root = h("div", { class: "stack" }, first, about, groups, causes);
  return {
    root,
    update(film, moment) {
      first.textContent = whom(film, moment);
      about.textContent = aboutOf(film);
      fill(groups, populations(film, moment));
      fill(causes, film.data.causes.length > 0 && rules(film.data.causes));
    },
  };
}

/** The answer in a sentence. */
function whom(film, moment) {
  if (!film.truth) {
    const [others] = film.rest;
    const { refused, keys_refused: keys } = film.group(others, moment);
    if (refused === 0) return "Of all others nobody was refused.";
    const whose = keys > 0 ? `, of ${counted(keys, "key")}` : "";
    return `Of all others ${counted(refused, "request")} ${refused === 1 ? "was" : "were"} refused${whose}.`;
  }
  const names = film.rest.filter((place) => hurt(film.group(place, moment)) > 0).map((place) => film.groups[place].name);
  return names.length === 0
    ? "Nobody else was touched."
    : `Touched ${names.length === 1 ? "was" : "were"} ${names.join(", ")}, and nobody else.`;
}

function aboutOf(film) {
  if (film.truth) return "Everybody who asked beside the campaign, up to the moment.";
  const whole = film.data.source === "verdicts" ? "with every rule that a verdict names" : "each request by what weighed most";
  return `What was found to be a campaign's, and all others, up to the moment. Below: what led to it, in all of the file, ${whole}.`;
}

function populations(film, moment) {
  const places = film.truth ? film.rest : film.groups.map((_, place) => place);
  const sums = places.map((place) => ({ name: film.groups[place].name, ...film.group(place, moment) }));
  sums.sort((a, b) => hurt(b) - hurt(a) || b.requests - a.requests);
  const keyed = sums.some(({ keys }) => keys !== null);
  const shadow = sums.some(({ would }) => would > 0);
  // What would be refused may be tagged too, and is not counted there.
  const only = shadow ? "only " : "";
  const columns = [
    ["who", ({ name }) => name],
    ["requests", ({ requests }) => grouped(requests)],
    ["refused", ({ refused, requests }) => part(refused, requests)],
    shadow && ["would be refused", ({ would, requests }) => part(would, requests)],
    [`${only}tagged`, ({ tagged, requests }) => part(tagged, requests)],
    keyed && ["keys", ({ keys }) => (keys === null ? "" : grouped(keys))],
    keyed && ["keys refused", ({ keys, keys_refused: of }) => part(of, keys)],
    keyed && shadow && ["keys that would be", ({ keys, keys_would: of }) => part(of, keys)],
    keyed && [`keys ${only}tagged`, ({ keys, keys_tagged: of }) => part(of, keys)],
  ].filter(Boolean);
  const rows = table(
    "Requests and keys of each group, and what became of them",
    columns.map(([text], place) => ({ text, number: place > 0 })),
    sums.map((sum) => columns.map(([, cell]) => cell(sum))),
  );
  [...rows.tBodies[0].rows].forEach((row, place) => row.classList.toggle("none", hurt(sums[place]) === 0));
  return rows;
}

/** How much was done to a group: to be refused is worse than to be tagged. */
function hurt({ refused, would, tagged }) {
  return refused * 1e6 + would * 1e3 + tagged;
}

/** A number and its share; nothing where it is not told. */
function part(number, whole) {
  if (number === null) return "";
  return number === 0 ? "0" : `${grouped(number)} (${share(number, whole)})`;
}

function rules(causes) {
  const lines = [...causes]
    .sort((a, b) => b.requests - a.requests)
    .map(({ rule, kind, mode, requests, keys }) => [
      rule ? foreign(rule) : kind.replaceAll("_", " "),
      rule ? kind.replaceAll("_", " ") : "",
      mode === "shadow" ? (kind === "campaign" ? "in shadow or only noted" : "in shadow") : "enforced",
      grouped(requests),
      keys === null ? "" : grouped(keys),
    ]);
  return table(
    "What spoke against requests, in all of the film",
    ["rule", "kind", "mode", { text: "requests", number: true }, { text: "keys", number: true }],
    lines,
    { shown: true },
  );
}
