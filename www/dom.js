// What all views build their parts with, and how they write numbers: as the command line does.

/**
 * An element. Properties that begin with `on` are listeners, `style` is an object of CSS properties, `true` is an attribute
 * without a value, and what is false or missing is left out; all else are attributes.
 * @param {string} tag
 * @param {Record<string, unknown> | null} [properties]
 * @param {...(Node | string | number | null | undefined | false | Array<Node | string | null>)} children
 * @returns {HTMLElement}
 */
export function h(tag, properties, ...children) {
  const element = document.createElement(tag);
  fill(element, ...children);
  for (const [name, value] of Object.entries(properties ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, set] of Object.entries(value)) element.style.setProperty(key, set);
    else if (name === "value") element.value = value;
    else element.setAttribute(name, value === true ? "" : value);
  }
  return element;
}

/**
 * Puts these children, and no others, into an element.
 * @param {Element} element
 * @param {...(Node | string | number | null | undefined | false | Array<Node | string | null>)} children
 */
export function fill(element, ...children) {
  const there = (child) => child !== null && child !== undefined && child !== false;
  element.replaceChildren(
    ...children
      .flat(Infinity)
      .filter(there)
      .map((child) => (child instanceof Node ? child : String(child))),
  );
}

/**
 * A table that narrow screens show as one block a row, each cell with its column's head beside it.
 * @param {string} caption
 * @param {Array<string | {text: string, number?: boolean}>} heads
 * @param {Array<Array<Node | string | number>>} rows - the first cell of a row is its head
 * @param {{shown?: boolean}} [options] - whether the caption is seen, or only heard
 * @returns {HTMLElement}
 */
export function table(caption, heads, rows, { shown = false } = {}) {
  const columns = heads.map((head) => (typeof head === "string" ? { text: head } : head));
  const kind = (place) => (columns[place].number ? "number" : null);
  const head = columns.map(({ text }, place) => h("th", { scope: "col", role: "columnheader", class: kind(place) }, text));
  const line = (cells) =>
    h(
      "tr",
      { role: "row" },
      cells.map((cell, place) =>
        place === 0
          ? h("th", { scope: "row", role: "rowheader", class: kind(place) }, cell)
          : h("td", { role: "cell", class: kind(place), "data-head": columns[place].text }, cell),
      ),
    );
  return h(
    "table",
    { role: "table", class: "rows" },
    h("caption", { class: shown ? null : "heard" }, caption),
    h("thead", { role: "rowgroup" }, h("tr", { role: "row" }, head)),
    h("tbody", { role: "rowgroup" }, rows.map(line)),
  );
}

/**
 * A text from elsewhere, in which nothing is left that cannot be seen: what controls how texts run, as U+202E, is written as `\u202e`.
 * The joiners within words and pictures stay.
 * @param {string} text
 * @returns {string}
 */
export function plain(text) {
  return text.replaceAll(/(?![\u200c\u200d])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/gu, (letter) => {
    const code = letter.codePointAt(0).toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`;
  });
}

/** A text from elsewhere that changes the direction of none beside it. @param {string} text @returns {HTMLElement} */
export function foreign(text) {
  return h("bdi", null, plain(text));
}

/** A verdict as a word with its mark. @param {string} verdict @param {boolean} [shadow] @returns {HTMLElement} */
export function mark(verdict, shadow = false) {
  const kind = { allow: "let", tag: "tag" }[verdict] ?? "refuse";
  const would = shadow && kind !== "let";
  return h("span", { class: `mark ${would ? "would" : kind}` }, would ? `would ${verdict}` : verdict);
}

/** `12345` as `12,345`, with at most six decimals. @param {number} number @returns {string} */
export function grouped(number) {
  return number.toLocaleString("en-US", { maximumFractionDigits: 6 });
}

/** `1 request`, `86,400 requests`. @param {number} number @param {string} what @returns {string} */
export function counted(number, what) {
  return `${grouped(number)} ${what}${number === 1 ? "" : "s"}`;
}

/** What share a part is, rounded; never 0 or 100 for what is not. @param {number} part @param {number} whole @returns {string} */
export function share(part, whole) {
  if (part === 0 || whole === 0) return "0 %";
  if (part >= whole) return "100 %";
  const parts = Math.min(9_999, Math.round((part * 10_000) / whole));
  return parts === 0 ? "<0.01 %" : `${(parts / 100).toFixed(2)} %`;
}

/** How long something took, and how fast that was where it took long enough. @param {number} requests @param {number} seconds */
export function pace(requests, seconds) {
  if (seconds < 0.1) return `${counted(requests, "request")} in less than 0.1 s`;
  return `${counted(requests, "request")} in ${seconds.toFixed(1)} s, ${grouped(Math.round(requests / seconds))} a second`;
}

const UNITS = [
  [86_400_000, "d"],
  [3_600_000, "h"],
  [60_000, "m"],
  [1_000, "s"],
  [1, "ms"],
];

/** A length of time in the two largest units that it has: `1 h 16 m`. @param {number} millis @returns {string} */
export function span(millis) {
  let rest = Math.round(millis);
  const parts = [];
  for (const [unit, name] of UNITS) {
    const count = Math.floor(rest / unit);
    rest -= count * unit;
    if (count > 0) parts.push(`${grouped(count)} ${name}`);
    else if (parts.length > 0) break;
  }
  return parts.slice(0, 2).join(" ") || "0 s";
}
