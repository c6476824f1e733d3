// Moments, as they are written on the page: in UTC, so that two people who look at the same film read the same.

import { grouped, span } from "./dom.js";

const [SECOND, MINUTE, HOUR, DAY] = [1_000, 60_000, 3_600_000, 86_400_000];
const [MONTH, YEAR] = [30 * DAY, 365 * DAY];

/** How far ticks may stand apart: a frame is a second at least, and the last year that a file may name is 9999. */
export const STEPS = [
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 4, 6, 8, 12].map((hours) => hours * HOUR),
  ...[1, 2, 3, 4, 7, 10, 15].map((days) => days * DAY),
  ...[1, 2, 3, 4, 6].map((months) => months * MONTH),
  ...[1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000].map((years) => years * YEAR),
];

const written = (parts) => new Intl.DateTimeFormat("en-GB", { ...parts, timeZone: "UTC" });
const date = written({ weekday: "short", day: "numeric", month: "short", year: "numeric" });
const clock = written({ hour: "2-digit", minute: "2-digit" });
const seconds = written({ hour: "2-digit", minute: "2-digit", second: "2-digit" });
const day = written({ day: "numeric", month: "short" });
const dayOfYear = written({ day: "numeric", month: "short", year: "numeric" });
const month = written({ month: "short", year: "numeric" });
const year = written({ year: "numeric" });

/**
 * What moments are told apart in: how long it is from one to the next, and from the first to the last, in milliseconds.
 * @typedef {{step: number, whole: number}} Scale
 * @type {Scale}
 */
const HOURS = { step: MINUTE, whole: DAY };

/** `Wed, 22 Apr 2026, 04:15 UTC`; with seconds where they matter. @param {number} time @param {Scale} [scale] @returns {string} */
export function moment(time, scale = HOURS) {
  return `${date.format(time)}, ${timeOfDay(time, scale)} UTC`;
}

/** `22 Apr, 04:15`; with the year and seconds where they matter. @param {number} time @param {Scale} [scale] @returns {string} */
export function brief(time, scale = HOURS) {
  return `${(scale.whole > YEAR ? dayOfYear : day).format(time)}, ${timeOfDay(time, scale)}`;
}

/**
 * `04:15`, and at midnight the day, `22 Apr`; only days where the next tick is a day later, and then months and years.
 * @param {number} time
 * @param {Scale} scale
 * @returns {string}
 */
export function tick(time, scale) {
  if (scale.step >= YEAR) return year.format(time);
  if (scale.whole > YEAR) return (scale.step >= MONTH ? month : dayOfYear).format(time);
  return scale.step >= DAY || time % DAY === 0 ? day.format(time) : timeOfDay(time, scale);
}

/** `04:15:07`. @param {number} time @returns {string} */
export function toTheSecond(time) {
  return seconds.format(time);
}

/**
 * How far into something: `day 2, 4 h`; `day 1, 20 m` in a first hour; `day 2, its end`.
 * @param {number} since
 * @param {Scale} [scale]
 * @returns {string}
 */
export function into(since, scale = HOURS) {
  if (since > 0 && since % DAY === 0) return `day ${grouped(since / DAY)}, its end`;
  const rest = since % DAY;
  const unit = rest >= HOUR ? HOUR : scale.step < MINUTE ? SECOND : MINUTE;
  const part = Math.floor(rest / unit);
  return `day ${grouped(Math.floor(since / DAY) + 1)}, ${part === 0 ? `0 ${unit === MINUTE ? "m" : "s"}` : span(part * unit)}`;
}

function timeOfDay(time, { step }) {
  return (step < MINUTE ? seconds : clock).format(time);
}
