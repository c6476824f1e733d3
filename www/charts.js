// Charts over time, drawn by uPlot: what becomes of requests as stacked areas, with a legend that tells numbers, a line at the
// moment that is looked at, marks where something happened, and the same numbers as a table.

import uPlot from "uplot";
import { colour, whenColoursChange } from "./colours.js";
import { fill, grouped, h, span, table } from "./dom.js";
import { scroll } from "./scroll.js";
import { brief, STEPS, tick } from "./time.js";

/** The most rows of a table: neighbours are added up until there are no more. */
const ROWS = 48;

/** Whole numbers are counted. */
const COUNTS = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();

/**
 * @typedef {object} Shown
 * @property {number[]} x - when each frame begins, in milliseconds, and when the last one ends
 * @property {number[][]} values - of each layer, frame by frame
 * @property {string[]} [names] - what layers are called, where that is not as at first
 * @property {number} [moment] - what comes later is dimmed
 * @property {Array<{t: number, colour: string, text: string}>} [marks] - those that matter most first
 * @property {string} text - what there is to see, for those who do not see it
 */

/**
 * A chart in a figure of its own.
 * @param {object} options
 * @param {string} options.title
 * @param {Array<{text: string, colour: string}>} options.layers - from the lowest up
 * @param {number} options.height - in CSS pixels
 * @param {string} options.group - the pointer is shown in all charts of a group
 * @param {(time: number) => void} [options.seek] - is called with the time that is pressed
 * @param {(time: number, scale: import("./time.js").Scale) => string} [options.clock] - writes when a frame begins
 * @param {(time: number, scale: import("./time.js").Scale) => string} [options.ticks] - writes times below the chart
 * @returns {{root: HTMLElement, update(shown: Shown): void, title(text: string): void}}
 */
export function chart({ title, layers, height, group, seek, clock = brief, ticks = tick }) {
  const heading = h("h3", null, title);
  const when = h("span", { class: "when" });
  const names = layers.map(({ text }) => h("span", null, text));
  const numbers = layers.map(() => h("b"));
  const swatches = layers.map(({ colour: name }, place) =>
    h("span", { class: `swatch ${name}` }, names[place], " ", numbers[place]),
  );
  const legend = h("p", { class: "legend" }, swatches, when);
  const host = h("div", { class: "plot", role: "img", "aria-label": title });
  const rows = h("details", { ontoggle: () => tabulate() }, h("summary", null, "Show as table"), scroll("The chart's numbers"));
  const root = h("figure", { class: "chart" }, heading, legend, host, rows);
  let shown = { x: [0, 1], values: layers.map(() => [0]), text: "" };

  const options = {
    width: 300,
    height,
    ms: 1,
    tzDate: (time) => uPlot.tzDate(new Date(time), "Etc/UTC"),
    legend: { show: false },
    padding: [16, 32, 0, 0],
    cursor: { y: false, drag: { x: false, y: false }, sync: { key: group }, points: { show: false } },
    scales: { x: { time: true }, y: { range: (_, low, high) => [0, Math.max(high * 1.05, 4)] } },
    axes: [
      axis({
        size: 28,
        space: 64,
        incrs: STEPS,
        values: (_, splits, axis, space, step) => splits.map((time) => ticks(time, { step, whole: scale().whole })),
      }),
      axis({ size: 52, space: 28, incrs: COUNTS, values: (_, splits) => splits.map(short) }),
    ],
    series: [
      {},
      ...layers
        .map((layer) => ({
          paths: uPlot.paths.stepped({ align: 1 }),
          points: { show: false },
          fill: () => colour(layer.colour),
          width: 0,
        }))
        .reverse(),
    ],
    hooks: { draw: [(plot) => overlay(plot, shown)], setCursor: [() => tell()] },
  };
  const plot = new uPlot(options, stacked(shown), host);
  whenColoursChange(() => plot.redraw(false));
  new ResizeObserver(([{ contentRect }]) => {
    if (contentRect.width > 0) plot.setSize({ width: Math.floor(contentRect.width), height });
  }).observe(host);
  if (seek) seekable(plot, seek);

  /** How long a frame is, and how long all are. */
  function scale() {
    const { x } = shown;
    return { step: x[1] - x[0], whole: x.at(-1) - x[0] };
  }

  /** Numbers of the frame under the pointer, or else of all up to the moment. */
  function tell() {
    const at = plot.cursor.idx ?? null;
    const frames = shown.x.length - 1;
    const pointed = at !== null && plot.cursor.left >= 0 && at < frames;
    const until = shown.moment === undefined ? frames : shown.x.filter((time) => time < shown.moment).length;
    layers.forEach((_, place) => {
      const values = shown.values[place];
      const number = pointed ? values[at] : values.slice(0, until).reduce((sum, value) => sum + value, 0);
      numbers[place].textContent = grouped(number ?? 0);
    });
    when.textContent = pointed ? `from ${clock(shown.x[at], scale())} UTC` : "";
  }

  function tabulate() {
    if (!rows.open) return;
    const frames = shown.x.length - 1;
    const join = Math.ceil(frames / ROWS);
    const { step, whole } = scale();
    const lines = [];
    for (let from = 0; from < frames; from += join) {
      const sums = shown.values.map((values) => values.slice(from, from + join).reduce((sum, value) => sum + value, 0));
      lines.push([clock(shown.x[from], { step: step * join, whole }), ...sums.map(grouped)]);
    }
    const heads = ["from, UTC", ...names.map(({ textContent: text }) => ({ text, number: true }))];
    const caption = `${join > 1 ? `Each row adds up ${span(step * join)} · ` : ""}${heading.textContent}`;
    fill(rows.lastChild, table(caption, heads, lines, { shown: true }));
  }

  return {
    root,
    update(next) {
      shown = next;
      host.setAttribute("aria-label", next.text);
      next.names?.forEach((text, place) => (names[place].textContent = text));
      plot.setData(stacked(next));
      // What never happens needs no explanation.
      swatches.forEach((swatch, place) => (swatch.hidden = place > 0 && !next.values[place].some((value) => value > 0)));
      tell();
      tabulate();
    },
    title(text) {
      heading.textContent = text;
    },
  };
}

function axis(options) {
  return {
    stroke: () => colour("faint"),
    font: "12px system-ui, sans-serif",
    grid: { stroke: () => colour("line"), width: 1 },
    ticks: { stroke: () => colour("line"), width: 1, size: 4 },
    ...options,
  };
}

/** The data that uPlot draws: each layer upon those below it, the highest first, since each is painted over those before. */
function stacked({ x, values }) {
  const sums = [];
  values.forEach((layer, place) => {
    const below = sums[place - 1];
    const sum = layer.map((value, at) => value + (below?.[at] ?? 0));
    sums.push([...sum, sum.at(-1) ?? 0]);
  });
  return [x, ...sums.reverse()];
}

/** What is later than the moment recedes, marks stand where something happened, and times are in UTC. */
function overlay(plot, { moment, marks = [] }) {
  const { ctx, bbox } = plot;
  const ratio = uPlot.pxRatio;
  ctx.save();
  if (moment !== undefined) {
    const left = Math.max(bbox.left, Math.min(bbox.left + bbox.width, plot.valToPos(moment, "x", true)));
    ctx.globalAlpha = 0.72;
    ctx.fillStyle = colour("sheet");
    ctx.fillRect(left, bbox.top, bbox.left + bbox.width - left, bbox.height);
    ctx.globalAlpha = 1;
    ctx.fillStyle = colour("ink");
    ctx.fillRect(left - ratio / 2, bbox.top, ratio * 1.5, bbox.height);
  }
  ctx.font = `${12 * ratio}px system-ui, sans-serif`;
  ctx.textBaseline = "bottom";
  ctx.textAlign = "left";
  ctx.fillStyle = colour("faint");
  ctx.fillText("UTC", 0, ctx.canvas.height - 6.5 * ratio);
  ctx.font = `600 ${12 * ratio}px system-ui, sans-serif`;
  const taken = [];
  for (const mark of marks) {
    const x = plot.valToPos(mark.t, "x", true);
    const width = ctx.measureText(mark.text).width;
    // What does not fit at its right stands at its left, and what fits nowhere is only a line.
    const places = [x - ratio, x - width - ratio].map((from) => [from, from + width]);
    const fits = ([from, to]) =>
      from >= 0 && to <= ctx.canvas.width && taken.every(([left, right]) => to <= left || from >= right + 6 * ratio);
    const place = places.find(fits);
    ctx.fillStyle = colour(mark.colour);
    ctx.fillRect(x - ratio / 2, bbox.top - 3 * ratio, ratio, bbox.height + 3 * ratio);
    if (!place) continue;
    ctx.fillText(mark.text, place[0], bbox.top - 2 * ratio);
    taken.push(place);
  }
  ctx.restore();
}

/** A press, and a drag, go to the moment under the pointer. */
function seekable(plot, seek) {
  const go = (event) => {
    const { left } = plot.over.getBoundingClientRect();
    seek(plot.posToVal(event.clientX - left, "x"));
  };
  plot.over.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    plot.over.setPointerCapture(event.pointerId);
    go(event);
  });
  plot.over.addEventListener("pointermove", (event) => {
    if (plot.over.hasPointerCapture(event.pointerId)) go(event);
  });
}

/** `1,500` as `1.5k`. */
function short(number) {
  return number < 10_000 ? grouped(number) : `${grouped(number / 1000)}k`;
}
