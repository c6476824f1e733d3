// What a film comes to by a moment, in a few sentences and one bar: how much was asked, how much of it was a campaign's, what became
// of that, and who else was hurt.

import { counted, fill, grouped, h, share, span } from "./dom.js";

/** What is said of requests that were let through although something spoke against them: a campaign may be only noted. */
const WOULD = "would have been refused, by what is in shadow or only noted";

/** @returns {{root: HTMLElement, focus(): void, update(film: import("./film.js").Film, moment: number): void}} */
export function headline() {
  const lead = h("h2", { tabindex: "-1" });
  const more = h("div", { class: "sentences" });
  const bar = h("div", { class: "whole", role: "img" });
  const under = h("p", { class: "legend small" });
  const root = h("div", { class: "headline stack" }, lead, more, h("div", null, bar, under));
  return {
    root,
    focus: () => lead.focus(),
    update(film, moment) {
      const [first, ...others] = sentences(film, moment);
      lead.textContent = first;
      fill(
        more,
        others.map((text) => h("p", null, text)),
      );
      compose(film, moment, bar, under);
    },
  };
}

/** @param {import("./film.js").Film} film @param {number} moment @returns {string[]} the first says most */
export function sentences(film, moment) {
  const all = film.sum(
    film.groups.map((_, place) => place),
    moment,
  );
  if (all.requests === 0) return ["Nothing has come yet."];
  return film.truth ? [own(film, moment), found(film, moment), ...honest(film, moment)] : recorded(film, moment, all);
}

/** What became of the campaign. */
function own(film, moment) {
  const now = film.sum(film.own, moment);
  if (now.requests === 0) {
    const later = film.sum(film.own, film.frames).requests > 0;
    return later ? "The campaign has not begun." : "There is no campaign in this traffic.";
  }
  const passed = now.requests - now.refused;
  const tagged = now.tagged > 0 ? `, ${grouped(now.tagged)} of them ${now.would > 0 ? "only " : ""}tagged` : "";
  return (
    `Of ${counted(now.requests, "interaction")} of the campaign ${grouped(passed)} ${were(passed)} let through ` +
    `(${share(passed, now.requests)})${tagged}.${now.would > 0 ? ` ${grouped(now.would)} ${WOULD}.` : ""}`
  );
}

/** What was found: first what is convicted, then what was, then what may be. */
function found(film, moment) {
  if (film.data.source !== "verdicts" && film.data.convict === null) return "This policy does not look for campaigns.";
  const campaigns = film.campaigns(moment);
  const are = (stage, held) => campaigns.filter((each) => each.stage === stage && (held === undefined || each.held_back === held));
  const closed = are("closed").filter((each) => conviction(each));
  const suspects = are("suspect");
  const parts = [];
  const say = (those, text) => {
    if (those.length === 0) return;
    const who = parts.length === 0 ? counted(those.length, "campaign") : `${grouped(those.length)} more`;
    parts.push(`${who} ${text(those.length === 1 ? "is" : "are", were(those.length))}.`);
  };
  const convicted = are("convicted", false);
  const noted = are("convicted", true);
  say(convicted, (is) => `${is} convicted, ${sinceItBegan(film, convicted)}`);
  say(noted, (is) => `${is} convicted, ${sinceItBegan(film, noted)}, and only noted: too many keys would be acted on`);
  say(closed, (is, was) => `${was} convicted and ${is} closed`);
  say(are("named"), (is) => `${is} named`);
  if (parts.length === 0) parts.push("No campaign is convicted.");
  if (suspects.length > 0) parts.push(`${grouped(suspects.length)} ${suspects.length === 1 ? "is" : "are"} suspected.`);
  return parts.join(" ");
}

/** How a campaign stood when it was convicted first, whether it was acted on then or only noted. */
function conviction({ history }) {
  return history.find(({ stage }) => stage === "convicted");
}

/** How long after its first request the first of these was convicted, and until when that was only noted. */
function sinceItBegan(film, campaigns) {
  const [first] = [...campaigns].sort((a, b) => conviction(a).t - conviction(b).t);
  const own = film.own.some((group) => first.whose[group] > 0);
  const from = (own ? film.begins() : null) ?? first.first;
  const after = ({ t }) => span(Math.floor(Math.max(0, t - from) / 60_000) * 60_000);
  const told = `${campaigns.length === 1 ? "" : "the first "}${after(conviction(first))} after its first request`;
  const acted = first.history.find(({ stage, held_back: held }) => stage === "convicted" && !held);
  if (first.held_back || acted === conviction(first)) return told;
  return `${told}, and only noted until ${after(acted)} after it`;
}

/** What became of all others. */
function honest(film, moment) {
  const now = film.sum(film.kind("honest"), moment);
  const beside = film.sum(film.kind("beside"), moment);
  const texts = [`Of ${counted(now.requests, "honest request")} ${touched(now)}.`];
  if (beside.requests > 0)
    texts.push(`Of ${counted(beside.requests, "other request")} of the campaign's keys ${touched(beside)}.`);
  return texts;
}

/** A trace or a file of verdicts: nobody told which requests are a campaign's in truth. */
function recorded(film, moment, all) {
  const own = film.sum(film.own, moment);
  const others = film.sum(film.rest, moment);
  const texts = [`Of ${counted(all.requests, "request")} ${touched(all)}.`, found(film, moment)];
  if (own.requests > 0) {
    texts.push(
      `${counted(own.requests, "request")} (${share(own.requests, all.requests)}) ${own.requests === 1 ? "was" : "were"} known for a ` +
        `campaign's; of all others ${touched(others)}. What is true the file does not say: these are campaigns as they were found.`,
    );
  }
  return texts;
}

/** `none was refused`, `12 were refused (0.01 %), 4 only tagged, 3 would have been refused`; no request is counted twice. */
function touched({ requests, tagged, refused, would }) {
  const parts = [
    refused === 0 ? "none was refused" : `${grouped(refused)} ${were(refused)} refused (${share(refused, requests)})`,
  ];
  if (tagged > 0) parts.push(`${grouped(tagged)} ${would > 0 ? "only " : ""}tagged`);
  if (would > 0) parts.push(`${grouped(would)} ${WOULD}`);
  return parts.join(", ");
}

function were(number) {
  return number === 1 ? "was" : "were";
}

/** All requests as one bar, in which the campaign has its part. */
function compose(film, moment, bar, under) {
  const now = film.sum(film.own, moment);
  const others = film.sum(film.rest, moment);
  const all = now.requests + others.requests;
  const plain = (sum) => Math.max(0, sum.requests - sum.tagged - sum.refused - sum.would);
  const parts = [
    ["let", plain(now)],
    ["tag", now.tagged],
    ["would", now.would],
    ["refuse", now.refused],
    ["refuse hatched", others.refused],
    ["would hatched", others.would],
    ["tag hatched", others.tagged],
    ["others", plain(others)],
  ];
  fill(
    bar,
    parts.map(
      ([kind, number]) => number > 0 && h("span", { class: `part ${kind}`, style: { "flex-grow": String(number / all) } }),
    ),
  );
  const whose = film.truth ? "the campaign's" : "a campaign's, as found";
  const text = all === 0 ? "" : `${share(now.requests, all)} of ${counted(all, "request")} ${all === 1 ? "is" : "are"} ${whose}`;
  bar.setAttribute("aria-label", text || "No requests yet");
  fill(under, text && [h("span", { class: "brace" }, text), h("span", { class: "swatch others" }, "everybody else's")]);
}
