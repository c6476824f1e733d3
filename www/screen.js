// Where a film is shown, at the moment that is chosen.

import { cases } from "./cases.js";
import { chart } from "./charts.js";
import { OUTCOMES } from "./colours.js";
import { counted, h, span } from "./dom.js";
import { headline, sentences } from "./headline.js";
import { picture } from "./picture.js";
import { scrubber } from "./scrubber.js";
import { LINE } from "./terms.js";
import { save } from "./texts.js";
import { touched } from "./touched.js";

const [HIGH, LOW] = [190, 150];

/** Marks of charts, those that matter most first. */
const EVENTS = {
  convicted: { colour: "refuse-ink", text: "convicted" },
  "held back": { colour: "would-ink", text: "convicted, only noted" },
  suspect: { colour: "tag-ink", text: "suspected" },
  named: { colour: "would-ink", text: "named" },
  closed: { colour: "faint", text: "closed" },
};

/** @returns {{root: HTMLElement, clear(): void, show(film: Film): void, finish(film: Film, told: object): void, focus(): void}} */
export function screen() {
  const head = headline();
  const scrub = scrubber((moment) => ask(moment));
  const layers = OUTCOMES.map(({ name, text }) => ({ text, colour: name }));
  const seek = (time) => film && scrub.seek(film.moment(time));
  const own = chart({ title: "", layers, height: HIGH, group: "film", seek });
  const rest = chart({
    title: "",
    layers: [{ text: "let through", colour: "others" }, ...layers.slice(1)],
    height: LOW,
    group: "film",
    seek,
  });
  const found = cases({ empty: "None up to this moment." });
  const whom = touched();
  const keys = picture();
  const campaigns = h("h2", { id: "found-head" });
  const seen = h(
    "section",
    { class: "sheet", "aria-labelledby": "picture-head" },
    h("h2", { id: "picture-head" }, "Keys by templates"),
    keys.root,
  );
  const keep = h(
    "button",
    { type: "button", onclick: () => save("film.json", JSON.stringify({ ...about, ...film.data })) },
    "Save this film as JSON",
  );
  const root = h(
    "div",
    { class: "screen stack", hidden: true },
    h("div", { class: "sheet" }, head.root),
    scrub.root,
    h("div", { class: "sheet stack" }, own.root, rest.root),
    h(
      "div",
      { class: "two" },
      h("section", { class: "sheet stack", "aria-labelledby": "found-head" }, campaigns, found.root),
      h(
        "section",
        { class: "sheet stack", "aria-labelledby": "whom-head" },
        h("h2", { id: "whom-head" }, "Who else was touched"),
        whom.root,
      ),
    ),
    seen,
    h("p", null, keep),
  );
  let film;
  let about;
  let frame = 0;

  /** Draws once before the next picture, however often it is asked. */
  function ask() {
    if (frame === 0) frame = requestAnimationFrame(draw);
  }

  function draw() {
    frame = 0;
    if (!film) return;
    const { moment } = scrub;
    head.update(film, moment);
    drawCharts(moment);
    const list = film.campaigns(moment);
    campaigns.textContent = list.length === 0 ? "Campaigns found" : `${counted(list.length, "campaign")} found`;
    found.update(list, { line: film.data.convict?.score ?? LINE, groups: film.groups, scale: film.scale });
    whom.update(film, moment);
    seen.hidden = !film.data.picture?.rows.length;
    if (!seen.hidden) keys.update(film, moment);
  }

  function drawCharts(moment) {
    const { start, step } = film.data;
    const x = Array.from({ length: film.frames + 1 }, (_, at) => start + at * step);
    const events = film.events().filter(({ t }) => t <= film.time(moment));
    const marks = Object.keys(EVENTS).flatMap((kind) =>
      events.filter(({ stage }) => stage === kind).map(({ t }) => ({ t, ...EVENTS[kind] })),
    );
    const text = sentences(film, moment).join(" ");
    own.title(`${film.truth ? "The campaign's interactions" : "Requests of campaigns, as they were found"} per ${span(step)}`);
    own.update({ x, ...outcomes(film, film.own), moment: x[moment], marks, text });
    rest.title(`${film.truth ? "Everybody else's requests" : "All other requests"} per ${span(step)}`);
    rest.update({ x, ...outcomes(film, film.rest), moment: x[moment], text });
  }

  return {
    root,
    /** Another run begins. */
    clear() {
      film = undefined;
      found.clear();
      scrub.reset();
      root.hidden = true;
    },
    show(next) {
      film = next;
      root.hidden = film.frames === 0;
      keep.disabled = true;
      scrub.follow(film);
    },
    /** A run is over. What is told about it is saved with its film. */
    finish(next, told) {
      about = told;
      this.show(next);
      keep.disabled = false;
      draw();
      found.open();
    },
    focus: head.focus,
  };
}

/** What became of groups' requests, frame by frame, in the order of layers; what would be refused may be tagged too. */
function outcomes(film, places) {
  const [requests, tagged, would, refused] = ["requests", "tagged", "would", "refused"].map((name) => film.frame(places, name));
  const plain = requests.map((all, at) => Math.max(0, all - tagged[at] - would[at] - refused[at]));
  const names = [OUTCOMES[0].text, would.some((number) => number > 0) ? "only tagged" : OUTCOMES[1].text];
  return { values: [plain, tagged, would, refused], names };
}
