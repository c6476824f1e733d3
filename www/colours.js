// The colours of the page, for what is drawn on a canvas: the custom properties of the style sheet, in light and in dark.

const scheme = matchMedia("(prefers-color-scheme: dark)");
const known = new Map();
const listeners = new Set();

scheme.addEventListener("change", () => {
  known.clear();
  for (const listener of listeners) listener();
});

/** What the custom property of a name says now. @param {string} name @returns {string} */
export function colour(name) {
  if (!known.has(name)) known.set(name, getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim());
  return known.get(name);
}

/** Calls when colours have become others. @param {() => void} listener */
export function whenColoursChange(listener) {
  listeners.add(listener);
}

/** What can become of a request, in the order in which areas are stacked: its colour's name, and the words for it. */
export const OUTCOMES = [
  { name: "let", text: "let through" },
  { name: "tag", text: "tagged" },
  { name: "would", text: "would be refused" },
  { name: "refuse", text: "refused" },
];
