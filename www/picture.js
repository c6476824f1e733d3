// The keys-by-template picture: a row for each template, a column for each key, and in each cell what became of the requests that the
// key made with the template. A campaign is a block of many keys that do the same; people are scattered.

import { colour, OUTCOMES, whenColoursChange } from "./colours.js";
import { counted, fill, grouped, h, table } from "./dom.js";
import { scroll } from "./scroll.js";

/** The names of the colours of outcomes as cells number them. */
const COLOURS = ["let", "tag", "refuse", "would"];
const WORDS = COLOURS.map((name) => OUTCOMES.find((outcome) => outcome.name === name).text);

/** CSS pixels: a row, the least and the most of a column, what stands at the left and above. */
const ROW = 11;
const [NARROW, WIDE] = [4, 14];
const LEFT = 92;
const TOP = 26;

/** @returns {{root: HTMLElement, update(film: import("./film.js").Film, moment: number): void}} */
export function picture() {
  const canvas = h("canvas", { tabindex: "0", role: "img", "aria-describedby": "picture-cell" });
  const box = h("div", { class: "scroll picture" }, canvas);
  const cell = h("p", { class: "cell", id: "picture-cell", role: "status" });
  const rows = h("details", { ontoggle: () => tabulate() }, h("summary", null, "Show as table"), scroll("The picture's numbers"));
  const about = h("p", { class: "faint small" });
  const key = h(
    "p",
    { class: "legend" },
    COLOURS.map((name, place) => h("span", { class: `swatch ${name}` }, WORDS[place])),
    h("span", { class: "faint small" }, "stronger: more requests"),
  );
  const root = h("div", { class: "stack" }, about, key, box, cell, rows);
  let film;
  let cells = new Map();
  let pointed = null;
  let column = NARROW;

  whenColoursChange(() => draw());
  new ResizeObserver(() => draw()).observe(box);
  canvas.addEventListener("pointermove", (event) => point(at(event)));
  canvas.addEventListener("pointerleave", () => point(null));
  canvas.addEventListener("focus", () => point(pointed ?? { row: 0, column: 0 }));
  canvas.addEventListener("blur", () => point(null));
  canvas.addEventListener("keydown", (event) => {
    const step = {
      ArrowUp: [-1, 0],
      ArrowDown: [1, 0],
      ArrowLeft: [0, -1],
      ArrowRight: [0, 1],
      PageUp: [-8, 0],
      PageDown: [8, 0],
      Home: [0, -1e6],
      End: [0, 1e6],
    }[event.key];
    if (!step || !film) return;
    event.preventDefault();
    const { rows: all, columns } = film.data.picture;
    const from = pointed ?? { row: 0, column: 0 };
    const bound = (value, count) => Math.max(0, Math.min(count - 1, value));
    point({ row: bound(from.row + step[0], all.length), column: bound(from.column + step[1], columns.length) });
    const x = LEFT + pointed.column * column;
    if (x < box.scrollLeft + LEFT || x + column > box.scrollLeft + box.clientWidth) box.scrollLeft = x - box.clientWidth / 2;
  });

  function at(event) {
    const place = { row: Math.floor((event.offsetY - TOP) / ROW), column: Math.floor((event.offsetX - LEFT) / column) };
    const { rows: all, columns } = film.data.picture;
    return all[place.row] && columns[place.column] ? place : null;
  }

  function point(place) {
    pointed = place;
    // It is read out, and must not be again where nothing is new.
    const text = place ? tell(place) : "Point at a cell, or go through them with the arrow keys.";
    if (text !== cell.textContent) cell.textContent = text;
    draw();
  }

  function tell({ row, column: place }) {
    const { template, campaign } = film.data.picture.rows[row];
    const { key: name, group } = film.data.picture.columns[place];
    const found = cells.get(row * film.data.picture.columns.length + place);
    const who = group === null ? "" : ` (${film.groups[group].name})`;
    const what = found ? `${counted(found.count, "request")}, the last ${WORDS[found.outcome]}` : "no request";
    return `Template ${template}${campaign ? ` of ${campaign}` : ""}, key ${name}${who}: ${what}.`;
  }

  function tabulate() {
    if (!rows.open || !film) return;
    const { rows: all, columns } = film.data.picture;
    const lines = all.map(({ template, campaign }, row) => {
      const mine = columns.map((_, place) => cells.get(row * columns.length + place)).filter(Boolean);
      const sums = COLOURS.map((_, outcome) => mine.filter((each) => each.outcome === outcome).length);
      return [
        template,
        campaign ?? "",
        grouped(mine.length),
        grouped(mine.reduce((sum, { count }) => sum + count, 0)),
        ...sums.map(grouped),
      ];
    });
    const number = (text) => ({ text, number: true });
    fill(
      rows.lastChild,
      table(
        "Templates, and the keys of the sample by what became of their last request",
        ["template", "campaign", number("keys"), number("requests"), ...WORDS.map(number)],
        lines,
      ),
    );
  }

  function draw() {
    if (!film || box.clientWidth === 0) return;
    const { rows: all, columns } = film.data.picture;
    column = Math.max(NARROW, Math.min(WIDE, Math.floor((box.clientWidth - LEFT) / Math.max(1, columns.length))));
    const size = { width: LEFT + columns.length * column + 1, height: TOP + all.length * ROW + 1 };
    const pen = prepare(canvas, size);
    drawBand(pen, film, column);
    drawRows(pen, all, size.width);
    drawCells(pen, cells, columns.length, column);
    if (pointed) {
      pen.strokeStyle = colour("ink");
      pen.lineWidth = 1.5;
      pen.strokeRect(LEFT + pointed.column * column - 1, TOP + pointed.row * ROW - 1, column + 1, ROW + 1);
    }
  }

  return {
    root,
    update(next, moment) {
      film = next;
      const { rows: all, columns } = film.data.picture;
      cells = gather(film.data.picture, moment);
      pointed = pointed && all[pointed.row] && columns[pointed.column] ? pointed : null;
      about.textContent =
        `A sample: ${counted(all.length, "template")} that many keys share (rows) and ${counted(columns.length, "key")} ` +
        `(columns). ${film.truth ? "The band on top is the truth, which the engine does not know." : ""}`;
      canvas.setAttribute("aria-label", describe(film, cells));
      point(pointed);
      tabulate();
    },
  };
}

/** What there was in each cell by a moment: requests, and what became of the latest. */
function gather({ columns, cells }, moment) {
  const sums = new Map();
  for (let at = 0; at < cells.length; at += 5) {
    const [row, column, frame, outcome, count] = [cells[at], cells[at + 1], cells[at + 2], cells[at + 3], cells[at + 4]];
    if (frame >= moment) continue;
    const place = row * columns.length + column;
    const sum = sums.get(place) ?? { count: 0, frame: -1, outcome };
    sum.count += count;
    if (frame >= sum.frame) {
      sum.frame = frame;
      sum.outcome = outcome;
    }
    sums.set(place, sum);
  }
  return sums;
}

function describe({ data: { picture } }, cells) {
  const counts = COLOURS.map(() => 0);
  for (const { outcome } of cells.values()) counts[outcome] += 1;
  const found = picture.rows.filter(({ campaign }) => campaign).length;
  const words = counts.map((count, outcome) => `${grouped(count)} ${WORDS[outcome]}`).join(", ");
  return (
    `Keys by templates: ${grouped(picture.rows.length)} templates, ${grouped(found)} of them of a campaign, by ` +
    `${grouped(picture.columns.length)} keys. Cells by their last request: ${words}.`
  );
}

function prepare(canvas, { width, height }) {
  const ratio = devicePixelRatio;
  canvas.width = width * ratio;
  canvas.height = height * ratio;
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const pen = canvas.getContext("2d");
  pen.scale(ratio, ratio);
  pen.font = "11px system-ui, sans-serif";
  return pen;
}

/** Who the keys are, above their columns. */
function drawBand(pen, { data, groups }, column) {
  const { columns } = data.picture;
  pen.textBaseline = "middle";
  for (let from = 0; from < columns.length;) {
    let to = from;
    while (to < columns.length && columns[to].group === columns[from].group) to += 1;
    const { group } = columns[from];
    const [x, width] = [LEFT + from * column, (to - from) * column - 1];
    if (group !== null) {
      const own = ["campaign", "found"].includes(groups[group].kind);
      pen.fillStyle = colour(own ? "ink" : "line");
      pen.fillRect(x, 4, width, TOP - 8);
      pen.fillStyle = colour(own ? "sheet" : "ink");
      const name = own && groups[group].kind === "campaign" ? "the campaign's keys" : groups[group].name;
      if (pen.measureText(name).width < width - 6) pen.fillText(name, x + 4, TOP / 2 + 0.5);
    }
    from = to;
  }
}

/** Names of templates, and a bracket around those of one campaign. */
function drawRows(pen, rows, width) {
  rows.forEach(({ template, campaign }, row) => {
    const y = TOP + row * ROW;
    if (campaign) {
      const [before, after] = [rows[row - 1]?.campaign === campaign, rows[row + 1]?.campaign === campaign];
      pen.fillStyle = colour("accent-soft");
      pen.fillRect(LEFT, y, width - LEFT, ROW - 1);
      pen.fillStyle = colour("refuse");
      pen.fillRect(LEFT - 6, y, 2, before || after ? ROW : ROW - 1);
      if (!before) pen.fillRect(LEFT - 6, y, 5, 2);
      if (!after) pen.fillRect(LEFT - 6, y + ROW - 2, 5, 2);
    } else {
      pen.fillStyle = colour("sunk");
      pen.fillRect(LEFT, y, width - LEFT, ROW - 1);
    }
    pen.fillStyle = colour(campaign ? "ink" : "faint");
    pen.font = "10px ui-monospace, Menlo, Consolas, monospace";
    pen.fillText(template.slice(0, 12), 0, y + ROW / 2);
  });
}

function drawCells(pen, cells, columns, column) {
  let most = 1;
  for (const { count } of cells.values()) most = Math.max(most, count);
  for (const [place, { count, outcome }] of cells) {
    const [row, at] = [Math.floor(place / columns), place % columns];
    pen.globalAlpha = 0.4 + 0.6 * (Math.log1p(count) / Math.log1p(most));
    pen.fillStyle = colour(COLOURS[outcome]);
    pen.fillRect(LEFT + at * column, TOP + row * ROW, column > 5 ? column - 1 : column - 0.5, ROW - 1);
  }
  pen.globalAlpha = 1;
}
