// The Web Worker that runs the engine over a scenario or a file, so that the page stays free. It is told what to run, says four
// times a second how far it has come, and ends with the film. Told to stop, it ends with what there is.

import { counted } from "./dom.js";
import { load } from "./engine.js";
import { FileFault, pieces } from "./files.js";

/** Milliseconds of work before messages are looked at. */
const SPELL = 30;

/** Milliseconds between two glances; more where to make one takes long. */
const GLANCE = 250;

/** As many bytes are waited for until a line ends: in a longer one nothing is read. */
const HEAD = 64 << 20;

/** The policy in the editor cannot decide. */
class PolicyFault extends Error {}

let stopped = false;

addEventListener("message", async ({ data }) => {
  if (data === "stop") {
    stopped = true;
    return;
  }
  try {
    const engine = await load();
    await (data.file ? runFile(engine, data) : runScenario(engine, data));
  } catch (error) {
    postMessage({ fault: sentence(error), about: error instanceof PolicyFault ? "policy" : undefined });
  }
});

async function runScenario(engine, { scenario, policy }) {
  if (policy !== undefined) usable(engine, policy);
  const run = engine.Run.scenario(scenario, policy, "{}");
  const clock = new Clock(run);
  let size = 256;
  for (let more = true; more && !stopped;) {
    const from = performance.now();
    more = run.step(size);
    const took = performance.now() - from;
    size = Math.round(Math.min(size * 2, Math.max(16, (size * SPELL) / Math.max(took, 1))));
    await clock.spell(run.progress());
  }
  finish(run, clock);
}

async function runFile(engine, { file, policy }) {
  const begin = (whole) => {
    const head = joined(pile);
    const kind = engine.sniff(head, whole);
    if (kind === "trace") usable(engine, policy);
    run = kind === "trace" ? engine.Run.trace(policy, "{}") : engine.Run.verdicts();
    clock = new Clock(run);
    run.feed(head);
  };
  let run;
  let clock;
  const pile = [];
  let piled = 0;
  let note;
  try {
    for await (const { bytes, read } of pieces(file)) {
      if (stopped) break;
      if (run) {
        run.feed(bytes);
      } else {
        pile.push(bytes);
        piled += bytes.length;
        if (piled <= HEAD && !bytes.includes(10)) continue;
        begin(false);
      }
      if (clock.isDue()) await clock.spell(read / file.size);
    }
    if (!run && stopped) throw new FileFault("was not begun", "start again to read it");
    if (!run && piled === 0)
      throw new FileFault("is empty once it is unpacked", "choose the file that was to be written there");
    if (!run) begin(true);
    if (!stopped) run.end();
  } catch (error) {
    if (!(error instanceof FileFault)) throw error;
    note = fault(error, run);
    if (!run) {
      postMessage({ fault: note, about: "file" });
      return;
    }
  }
  finish(run, clock, note);
}

/** What is wrong with a file, to go on after its name; there may still be something to show. */
function fault({ what, advice }, run) {
  const requests = run ? JSON.parse(run.glance()).requests : 0;
  if (requests === 0) return `${what}: ${advice}.`;
  return `${what}, after ${counted(requests, "request")}: ${advice}. What is before it is shown.`;
}

function finish(run, clock, note) {
  postMessage({ film: run.film(), seconds: clock.seconds(), stopped, note });
}

function usable(engine, policy) {
  const { faults } = JSON.parse(engine.read_policy(policy));
  if (faults.length === 0) return;
  const { path, found, expected } = faults[0];
  const first = `${path || "/"}: ${found}; ${expected}`;
  throw new PolicyFault(
    `The policy in the editor cannot decide: ${counted(faults.length, "fault")}, the first at ${first}. ` +
      "Mend it in the Policy view, then start again.",
  );
}

/** Whatever broke, as a sentence. */
function sentence(error) {
  if (error instanceof WebAssembly.RuntimeError) {
    return (
      `The engine broke down (${error.message}). This is a fault in Stillgate, or this device has too little memory: close other ` +
      "tabs, choose a larger scale or a shorter file, and start again."
    );
  }
  return error.message;
}

/** Pieces in one, of which nothing is kept. */
function joined(pieces) {
  const whole = new Uint8Array(pieces.reduce((length, piece) => length + piece.length, 0));
  let at = 0;
  for (const piece of pieces.splice(0)) {
    whole.set(piece, at);
    at += piece.length;
  }
  return whole;
}

/** Says when it is time to look up from work, and what there is to see then. */
class Clock {
  constructor(run) {
    this.run = run;
    this.began = performance.now();
    this.looked = this.began;
    this.glanced = this.began;
    this.pause = GLANCE;
  }

  seconds() {
    return (performance.now() - this.began) / 1000;
  }

  isDue() {
    return performance.now() - this.looked >= SPELL;
  }

  /** Tells how far the run has come where that was a while ago, and lets messages in. */
  async spell(part) {
    const now = performance.now();
    if (now - this.glanced >= this.pause) {
      postMessage({ glance: this.run.glance(), part, seconds: this.seconds() });
      this.glanced = performance.now();
      this.pause = Math.max(GLANCE, (this.glanced - now) * 10);
    }
    await messages();
    this.looked = performance.now();
  }
}

const { port1, port2 } = new MessageChannel();
let resume;
port1.onmessage = () => resume();

/** Is over when all messages that have come were read: a timer would wait four milliseconds each time. */
function messages() {
  return new Promise((resolve) => {
    resume = resolve;
    port2.postMessage(null);
  });
}
