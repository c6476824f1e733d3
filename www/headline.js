// What a film comes to by a moment, in a few sentences and one bar: how much was asked, how much of it was a campaign's, what became
// of that, and who else was hurt.

import { counted, fill, grouped, h, share, span } from "./dom.js";

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
  const shadow = now.would > 0 ? ` ${grouped(now.would)} would have been refused, by rules in shadow.` : "";
  return (
    `Of ${counted(now.requests, "interaction")} of the campaign ${grouped(passed)} ${were(passed)} let through ` +
    `(${share(passed, now.requests)}).${shadow}`
  );
}

/** What was found. */
function found(film, moment) {
  const campaigns = film.campaigns(moment);
  const convicted = campaigns.filter(({ stage, held_back: held }) => stage === "convicted" && !held);
  const held = campaigns.filter(({ stage, held_back: held }) => stage === "convicted" && held);
  const named = campaigns.filter(({ stage }) => stage === "named");
  const suspects = campaigns.filter(({ stage }) => stage === "suspect");
  const parts = [];
  if (convicted.length > 0) {
    const { t, first } = film.events().find(({ stage }) => stage === "convicted");
    const from = film.begins() ?? first;
    const after = `${span(Math.round(Math.max(0, t - from) / 60_000) * 60_000)} after its first request`;
    parts.push(
      convicted.length === 1
        ? `1 campaign is convicted, ${after}.`
        : `${grouped(convicted.length)} campaigns are convicted, the first ${after}.`,
    );
  } else {
    parts.push(
      named.length > 0
        ? `${counted(named.length, "campaign")} ${named.length === 1 ? "is" : "are"} named.`
        : "No campaign is convicted.",
    );
  }
  if (suspects.length > 0) parts.push(`${grouped(suspects.length)} ${suspects.length === 1 ? "is" : "are"} suspected.`);
  if (held.length > 0) {
    parts.push(
      `${grouped(held.length)} ${held.length === 1 ? "is" : "are"} convicted and only noted, since too many keys would be acted on.`,
    );
  }
  return parts.join(" ");
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

/** `none was refused`, `12 were refused (0.01 %), 4 tagged, 3 would have been refused`. */
function touched({ requests, tagged, refused, would }) {
  const parts = [
    refused === 0 ? "none was refused" : `${grouped(refused)} ${were(refused)} refused (${share(refused, requests)})`,
  ];
  if (tagged > 0) parts.push(`${grouped(tagged)} tagged`);
  if (would > 0) parts.push(`${grouped(would)} would have been refused, by rules in shadow`);
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
  const text = all === 0 ? "" : `${share(now.requests, all)} of ${counted(all, "request")} are ${whose}`;
  bar.setAttribute("aria-label", text || "No requests yet");
  fill(under, text && [h("span", { class: "brace" }, text), h("span", { class: "swatch others" }, "everybody else's")]);
}
