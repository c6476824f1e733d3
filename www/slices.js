// A request that is sent often, slice by slice: the page can be used meanwhile, and the sending can be stopped.

/** How much the requests of one slice may weigh, in characters, and how many they may be at most. */
const WEIGHT = 400_000;
const MOST = 1000;

/** Milliseconds after which the page has its turn. */
const TURN = 30;

/** So many answers are told in full, as the engine does. */
const SHOWN = 20;

/**
 * @param {{ask(text: string): string, advance(millis: number): void}} desk
 * @param {object} request - as the engine takes it
 * @param {(done: number) => boolean} goesOn - is told before the page's turn and after it how many have been sent
 * @returns {Promise<object>} what came of those that were sent, as the engine tells it
 */
export async function slices(desk, request, goesOn) {
  const { times, every } = request;
  const most = request.numbered ? 1 : Math.max(1, Math.min(MOST, Math.floor(WEIGHT / JSON.stringify(request).length)));
  let came = null;
  let done = 0;
  let began = performance.now();
  while (done < times) {
    if (done > 0) desk.advance(every);
    const number = Math.min(most, times - done);
    came = joined(came, JSON.parse(desk.ask(JSON.stringify(slice(request, done + 1, number)))), done);
    done += number;
    if (done === times || performance.now() - began < TURN) continue;
    if (!goesOn(done)) break;
    await new Promise((turn) => setTimeout(turn));
    if (!goesOn(done)) break;
    began = performance.now();
  }
  return came;
}

/** A part of the requests. The engine would number each part from 1 on, so that is done here. */
function slice(request, from, times) {
  if (!request.numbered) return { ...request, times };
  const number = (text) => text?.replaceAll("#", from) ?? null;
  return {
    ...request,
    times,
    numbered: false,
    target: number(request.target),
    headers: request.headers.map(([name, value]) => [name, number(value)]),
    body: number(request.body),
    facts: { ...request.facts, source: number(request.facts.source) },
  };
}

/** What came of all, from what came of those before and of those after them. */
function joined(before, after, sent) {
  if (!before) return after;
  const runs = after.runs.map((run) => ({ ...run, from: run.from + sent, to: run.to + sent }));
  const answers = after.shown.map((answer) => ({ ...answer, n: answer.n + sent }));
  const last = before.runs.at(-1);
  if (like(last, runs[0])) {
    last.to = runs.shift().to;
    answers.shift();
  }
  before.runs.push(...runs);
  return { ...after, runs: before.runs, shown: [...before.shown, ...answers].slice(0, SHOWN) };
}

/** Whether two runs came to the same. */
function like(one, other) {
  const [left, right] = [one, other].map(({ from, to, ...same }) => JSON.stringify(same));
  return left === right;
}
