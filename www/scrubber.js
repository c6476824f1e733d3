// Goes through the moments of a film: by hand, with keys, or by itself.

import { h } from "./dom.js";
import { into, moment as written } from "./time.js";

/** Seconds in which a whole film plays. */
const WHOLE = 24;

/**
 * @param {(moment: number) => void} show - is called with every moment that is gone to
 * @returns {{root: HTMLElement, moment: number, follow(film: import("./film.js").Film): void, seek(moment: number): void}}
 */
export function scrubber(show) {
  const play = h("button", { type: "button", onclick: () => (playing ? pause() : begin()) }, "Play");
  const range = h("input", {
    type: "range",
    min: "0",
    max: "0",
    step: "1",
    "aria-label": "Moment",
    oninput: () => {
      pause();
      go(range.valueAsNumber);
    },
  });
  // No `output`: that would be read out with every moment that is played, and the range says its own.
  const time = h("span", { class: "time" });
  const root = h("div", { class: "scrubber" }, play, range, time);
  let film;
  let moment = 0;
  let playing = 0;

  function go(next) {
    moment = Math.max(0, Math.min(film.frames, next));
    range.value = String(moment);
    const at = film.time(moment);
    const text = `${into(Math.max(0, at - film.data.start), film.scale)} · ${written(at, film.scale)}`;
    range.setAttribute("aria-valuetext", text);
    time.textContent = text;
    show(moment);
  }

  function begin() {
    if (moment >= film.frames) go(0);
    let last = performance.now();
    let part = 0;
    const tick = (now) => {
      part += ((now - last) / 1000 / WHOLE) * film.frames;
      last = now;
      const whole = Math.floor(part);
      part -= whole;
      if (whole > 0) go(moment + whole);
      if (moment >= film.frames) pause();
      else playing = requestAnimationFrame(tick);
    };
    playing = requestAnimationFrame(tick);
    play.textContent = "Pause";
  }

  function pause() {
    cancelAnimationFrame(playing);
    playing = 0;
    play.textContent = "Play";
  }

  return {
    root,
    get moment() {
      return moment;
    },
    /** Takes a longer film: who looks at its end goes on doing so, and who looks at a time before stays there. */
    follow(next) {
      const atEnd = !film || moment >= film.frames;
      const at = film?.time(moment);
      film = next;
      range.max = String(film.frames);
      go(atEnd ? film.frames : film.moment(at - 1));
    },
    seek(next) {
      pause();
      go(next);
    },
    /** Begins anew with another film. */
    reset() {
      pause();
      film = undefined;
      moment = 0;
    },
  };
}
