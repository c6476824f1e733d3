// The Campaign view: something is run, and its film is shown as it grows.

import { counted, fill, foreign, grouped, h, pace, plain, share, span } from "./dom.js";
import { dropping } from "./drop.js";
import { Film } from "./film.js";
import { start } from "./job.js";
import { scenarioForm } from "./scenario.js";
import { screen } from "./screen.js";

const INTRO =
  "A provider reported 25,000 accounts that asked its model 28.8 million questions, none of them more than a customer asks. Here such " +
  "a campaign is made up among ten times as many honest requests, and the engine that runs in Envoy has to find it.";

/** @param {HTMLElement} root @param {{engine: object, policy: object}} context */
export function mount(root, context) {
  const { policy } = context;
  const state = progress(() => job?.stop());
  const notes = h("ul", { tabindex: "-1" });
  const shown = screen();
  const form = scenarioForm(context, begin);
  const files = dropping(root, (file) => begin({ file, policy: policy.text }), complain);
  /** What the complaint that is shown is about. */
  let complaint;
  policy.subscribe(() => {
    if (complaint === "policy") complain();
  });
  let job;

  fill(
    root,
    h(
      "div",
      { class: "campaign stack" },
      h(
        "div",
        { class: "sheet start" },
        h(
          "section",
          { "aria-labelledby": "simulate-head" },
          h("h2", { id: "simulate-head" }, "Hide a campaign in traffic, and watch it being found"),
          h(
            "p",
            { class: "intro" },
            INTRO,
          ),
          form.root,
        ),
        h("section", { "aria-labelledby": "file-head" }, h("h2", { id: "file-head" }, "Or open a recording"), files.root),
      ),
      state.root,
      h("div", { class: "remarks", role: "alert" }, notes),
      shown.root,
    ),
  );

  function begin(order) {
    job?.end();
    complain();
    shown.clear();
    state.begin(order);
    let looked = false;
    // Once there is something to see, it is brought into sight; where one looks after that is one's own business.
    const look = () => {
      if (!looked) state.root.scrollIntoView({ block: "start" });
      looked = true;
    };
    job = start(order, {
      glance(data, part, seconds) {
        state.update(part, data.requests, seconds);
        shown.show(new Film(data));
        look();
      },
      film(data, { seconds, stopped, note }) {
        const waiting = state.root.contains(document.activeElement);
        const of = nameOf(order, data.source);
        state.end(`${stopped ? "Stopped" : "Done"}: ${pace(data.requests, seconds)}`, of);
        fill(notes, note && h("li", null, ...about(order.file, note)), remarks(data));
        shown.finish(new Film(data), { of, stopped });
        look();
        if (waiting && data.frames > 0) shown.focus();
        else if (waiting) state.focus();
      },
      fault(sentence, of) {
        const waiting = state.root.contains(document.activeElement);
        state.end();
        complain(of === "file" ? about(order.file, sentence) : plain(sentence), of);
        if (waiting) notes.focus();
      },
    });
  }

  /** Says what is wrong, or that nothing is. */
  function complain(sentence, of) {
    complaint = of;
    fill(notes, sentence && h("li", { class: "bad" }, sentence));
  }
}

/** What is run, and what decides: of a file that is only known once its first line is read. */
function nameOf({ file, name, policy }, source) {
  const decided = { trace: ", the policy in the editor", verdicts: ", as it was decided" };
  if (file) return `“${plain(file.name)}”${decided[source] ?? ""}`;
  return `${name}, ${policy === undefined ? "the simulator's policy" : "the policy in the editor"}`;
}

/** A sentence that a file's name begins. */
function about({ name }, sentence) {
  return ["“", foreign(name), `” ${plain(sentence)}`];
}

/** How far a run has come, and what stops it. */
function progress(stop) {
  const bar = h("progress", { max: "1", value: 0, "aria-label": "How far the run has come" });
  const text = h("span");
  const name = h("bdi", { class: "faint" });
  const line = h("p", { class: "pace", tabindex: "-1" }, text, " · ", name);
  const heard = h("p", { class: "heard", role: "status" });
  const button = h(
    "button",
    {
      type: "button",
      onclick: () => {
        if (button.getAttribute("aria-disabled") === "true") return;
        // It keeps the focus, which goes on to what came of the run.
        button.setAttribute("aria-disabled", "true");
        stop();
      },
    },
    "Stop",
  );
  const root = h("div", { class: "progress sheet", hidden: true }, bar, button, line, heard);
  return {
    root,
    focus: () => line.focus(),
    begin(order) {
      root.hidden = false;
      bar.hidden = false;
      button.hidden = false;
      button.setAttribute("aria-disabled", "false");
      bar.value = 0;
      text.textContent = "Starting …";
      name.textContent = nameOf(order);
      heard.textContent = `Running ${name.textContent}`;
      button.focus({ preventScroll: true });
    },
    update(part, requests, seconds) {
      bar.value = part;
      const percent = Math.floor(part * 100);
      text.textContent = `${percent} % · ${counted(requests, "request")} · ${grouped(Math.round(requests / seconds))} a second`;
    },
    /** The run is over; with nothing to say there was none. */
    end(sentence = "", of = "") {
      root.hidden = sentence === "";
      bar.hidden = true;
      button.hidden = true;
      text.textContent = sentence;
      name.textContent = of;
      heard.textContent = sentence;
    },
  };
}

/** What was wrong with what was read, and what was done about it. */
function remarks({ broken, told, backwards, leap, unobserved, requests }) {
  const remarks = [];
  if (broken > 0) {
    const first = told.map(([line, why]) => `line ${grouped(line)}: ${plain(why)}`).join("; ");
    remarks.push(
      `${counted(broken, "line")} of the file ${broken === 1 ? "is" : "are"} broken and ${broken === 1 ? "was" : "were"} left out` +
        `${broken > told.length ? ", the first" : ""}: ${first}.`,
    );
  }
  if (backwards !== null) {
    remarks.push(
      `Times go backwards, first at line ${grouped(backwards)}. Sort the file by time: windows are counted for requests in order.`,
    );
  }
  if (leap) {
    const [line, gap] = leap;
    remarks.push(
      `Line ${grouped(line)} comes ${span(gap)} after the one before it. Are its times in milliseconds since 1970? Where one is ` +
        "wrong, all others are drawn close together.",
    );
  }
  if (unobserved > 0) {
    remarks.push(
      `${counted(unobserved, "request")} (${share(unobserved, requests)}) found no room as evidence: too many came at once.`,
    );
  }
  return remarks.map((text) => h("li", null, text));
}
