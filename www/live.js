// The Live view: what runs behind this page's server, as it happens.

import { cases } from "./cases.js";
import { chart } from "./charts.js";
import { OUTCOMES } from "./colours.js";
import { copyable } from "./copy.js";
import { counted, fill, grouped, h, span } from "./dom.js";
import { latest } from "./latest.js";
import { checks, keys, metrics, quotas, verdicts } from "./panels.js";
import { stream } from "./stream.js";
import { BACK, Tally, UNDECIDED } from "./tally.js";
import { lineOf } from "./terms.js";
import { toTheSecond } from "./time.js";

/** Milliseconds between two looks at what changes all the time and is not a row. */
const LOOK = 500;

const TITLE = `Requests a second, the last ${BACK / 60} minutes`;
const LAYERS = [...OUTCOMES, { name: "others", text: UNDECIDED }];

const STATES = {
  connecting: "Connecting …",
  live: "Live",
  lost: "The server does not answer. This page connects again by itself as soon as it does; what is shown is what came before.",
};

/** @param {HTMLElement} root @returns {{shown(): void, hidden(): void}} */
export function mount(root) {
  const state = h("p", { class: "state", role: "status" });
  const runs = h("dl", { class: "runs" });
  const layers = LAYERS.map(({ name, text }) => ({ text, colour: name }));
  const rate = chart({
    title: TITLE,
    layers,
    height: 170,
    group: "live",
    clock: toTheSecond,
    ticks: toTheSecond,
  });
  const found = cases({ empty: "None has been found." });
  const rows = latest();
  const hint = h("div", { class: "stack" });
  const panels = { verdicts: verdicts(), quotas: quotas(), keys: keys(), checks: checks(), metrics: metrics() };
  const campaigns = section("Campaigns", found.root);
  const checked = section("Checks that found something", panels.checks.root);
  const body = h(
    "div",
    { class: "stack", hidden: true },
    h("div", { class: "sheet stack" }, runs, hint),
    h(
      "div",
      { class: "two" },
      section("Verdicts", panels.verdicts.root, panels.metrics.root),
      h("div", { class: "sheet" }, rate.root),
    ),
    campaigns,
    h("div", { class: "two" }, section("Quotas in force", panels.quotas.root), section("Top keys", panels.keys.root)),
    checked,
    section("Latest requests", rows.root),
  );
  const absent = elsewhere();
  const strange = h("p", { class: "faint small" });
  let tally;
  let frame = 0;
  let timer;
  let changed = false;
  let odd = 0;

  fill(root, h("div", { class: "live stack" }, state, strange, absent, body));

  const source = stream({
    state(name) {
      const text = STATES[name] ?? "";
      if (state.textContent !== text) state.textContent = text;
      state.className = `state ${name}`;
      state.hidden = name === "absent";
      absent.hidden = name !== "absent";
    },
    hello(data, first) {
      if (first) {
        // All that is kept is told anew.
        tally = new Tally(data);
        found.clear();
        fill(hint, ask(data));
      } else {
        tally.greet(data);
      }
      body.hidden = false;
      fill(runs, about(data));
      touch();
    },
    request: (data) => touch(tally.request(data)),
    stats: (data) => touch(tally.stats(data)),
    campaign: (data) => touch(tally.campaign(data)),
    odd() {
      odd += 1;
      strange.textContent =
        `${counted(odd, "event")} of the server's ${odd === 1 ? "was" : "were"} not understood and left out. ` +
        "This page may be older than the server: load it again.";
    },
  });

  /** Something has come: rows are drawn before the next picture, however many there are. */
  function touch() {
    changed = true;
    if (frame === 0)
      frame = requestAnimationFrame(() => {
        frame = 0;
        rows.update(tally);
      });
  }

  function look() {
    if (!tally) return;
    const shown = tally.rate();
    const sums = shown.values.map((values) => values.reduce((sum, value) => sum + value, 0));
    const some = LAYERS.map(({ text }, place) => `${grouped(sums[place])} ${text}`);
    const seconds = shown.x.length - 1;
    rate.title(seconds < BACK ? `Requests a second, as far back as is told: ${span(seconds * 1000)}` : TITLE);
    rate.update({ ...shown, text: `In the last ${span(seconds * 1000)}: ${some.join(", ")}` });
    if (!changed) return;
    changed = false;
    for (const panel of Object.values(panels)) panel.update(tally);
    checked.hidden = tally.checks.size === 0;
    campaigns.hidden = tally.campaigns.size === 0 && !tally.policy.campaigns;
    found.update([...tally.campaigns.values()].reverse(), { line: lineOf(tally.hello.policy) });
    hint.hidden = tally.requests > 0;
  }

  return {
    shown() {
      source.open();
      clearInterval(timer);
      timer = setInterval(look, LOOK);
    },
    hidden() {
      source.close();
      clearInterval(timer);
    },
  };
}

function section(title, ...children) {
  const id = `live-${title.toLowerCase().replaceAll(" ", "-")}`;
  return h("section", { class: "sheet", "aria-labelledby": id }, h("h2", { id }, title), children);
}

/** What runs, and where. */
function about({ program, listen, tls, admin, origin }) {
  const places = [
    ["runs", program],
    ["listens at", listen],
    ["with TLS", tls],
    ["admin interface", admin],
    ["origin", origin],
  ];
  return places
    .filter(([, value]) => value)
    .map(([name, value]) => h("div", null, h("dt", null, name), h("dd", null, h("code", null, value))));
}

/** What to send, where nothing has come. */
function ask({ listen }) {
  const command =
    `curl -i ${listen}/v1/chat/completions -H 'authorization: Bearer sk-one' -H 'content-type: application/json' ` +
    '-d \'{"model": "demo", "messages": [{"role": "user", "content": "hello there"}]}\'';
  return [h("p", null, "Nothing has been asked yet. This asks something:"), copyable(command)];
}

/** A page that lies where nothing runs. */
function elsewhere() {
  return h(
    "div",
    { class: "sheet", hidden: true },
    h("h2", null, "Nothing runs behind this page"),
    h(
      "p",
      null,
      "The server that this page came from has no gate to tell of. Start one, with an Envoy, and open the page that it names: ",
      copyable("cargo run --release -- up"),
    ),
  );
}
