// Moments, as they are written on the page: in UTC, so that two people who look at the same film read the same.

const DAY = 86_400_000;
const date = new Intl.DateTimeFormat("en-GB", {
  weekday: "short",
  day: "numeric",
  month: "short",
  year: "numeric",
  timeZone: "UTC",
});
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", timeZone: "UTC" });
const seconds = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit", second: "2-digit", timeZone: "UTC" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short", timeZone: "UTC" });

/** `Wed, 22 Apr 2026, 04:15 UTC`. @param {number} time @returns {string} */
export function moment(time) {
  return `${date.format(time)}, ${clock.format(time)} UTC`;
}

/** `22 Apr, 04:15`. @param {number} time @returns {string} */
export function brief(time) {
  return `${day.format(time)}, ${clock.format(time)}`;
}

/**
 * `04:15`, and at midnight the day, `22 Apr`; only days where the next tick is a day later.
 * @param {number} time
 * @param {number} step
 * @returns {string}
 */
export function tick(time, step) {
  return step >= DAY || time % DAY === 0 ? day.format(time) : clock.format(time);
}

/** `04:15:07`. @param {number} time @returns {string} */
export function toTheSecond(time) {
  return seconds.format(time);
}

/** How far into something: `day 2, 4 h`; `day 1, 20 m` in a first hour; `day 2, its end`. @param {number} since @returns {string} */
export function into(since) {
  if (since > 0 && since % DAY === 0) return `day ${since / DAY}, its end`;
  const hours = Math.floor((since % DAY) / 3_600_000);
  const minutes = Math.floor((since % 3_600_000) / 60_000);
  return `day ${Math.floor(since / DAY) + 1}, ${hours > 0 ? `${hours} h` : `${minutes} m`}`;
}
