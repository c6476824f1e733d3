// How the score of a campaign came to what it is, as a line of steps.

import { h } from "./dom.js";
import { points } from "./terms.js";
import { brief } from "./time.js";

/** Milliseconds for which a score is drawn after a conviction, at least. */
const LATER = 3 * 3_600_000;

/** How it came to what it is: what is much later than a conviction would leave no room for what led to it. */
function upToConviction(history) {
  const convicted = history.find(({ stage }) => stage === "convicted");
  if (!convicted) return history;
  const end = convicted.t + Math.max(convicted.t - history[0].t, LATER);
  return history.filter(({ t }) => t <= end);
}

/**
 * A score over time; nothing where it was always the same.
 * @param {Array<{t: number, stage: string, score: number}>} all
 * @param {number} line - the score that convicts
 * @returns {HTMLElement | null}
 */
export function growth(all, line) {
  const history = upToConviction(all);
  if (history.every(({ score }) => score === history[0].score)) return null;
  const [width, height] = [320, 64];
  const from = history[0].t;
  const to = Math.max(history.at(-1).t, from + 1);
  const top = Math.max(line * 1.2, ...history.map(({ score }) => score));
  const low = Math.min(0, ...history.map(({ score }) => score));
  const x = (t) => (((t - from) / (to - from)) * width).toFixed(1);
  const y = (score) => (height - ((score - low) / (top - low)) * height).toFixed(1);
  const steps = history
    .map(({ t, score }, at) => `${at === 0 ? "M" : "H"}${x(t)}${at === 0 ? ` ${y(score)}` : `V${y(score)}`}`)
    .join("");
  const scale = { step: (to - from) / history.length, whole: to - from };
  const [first, last] = [history[0], history.at(-1)].map(({ score }) => points(score));
  const text = `From ${first} points on ${brief(from, scale)} to ${last} on ${brief(to, scale)} UTC`;
  const picture = svg(
    "svg",
    { viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", class: "growth", role: "img", "aria-label": text },
    svg("path", { d: `M0 ${y(line)}H${width}`, class: "line" }),
    svg("path", { d: `${steps}H${width}`, class: "score" }),
  );
  return h("div", null, picture, h("p", { class: "faint small" }, `${text}; the dashed line convicts.`));
}

function svg(tag, attributes, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}
