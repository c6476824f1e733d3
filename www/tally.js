// What has been seen of what runs: sums, and the latest, in memory that does not grow with them.

import * as told from "./told.js";

/** So many requests are kept, and so many campaigns. */
export const LATEST = 200;

/** Seconds that the chart goes back. */
export const BACK = 300;

/** So many keys are counted; where there are more, those that ask least are forgotten. */
export const MOST_KEYS = 2000;

/** So many requests of before we came does the server tell at most. */
const BEFORE = 1000;

const REFUSALS = ["throttle", "verify", "deny"];

/** What is shown of requests about which nothing was decided. */
export const UNDECIDED = "no decision";

/** Where a verdict stands among OUTCOMES, and after them what has none. */
const PLACES = { allow: 0, tag: 1, would: 2, throttle: 3, verify: 3, deny: 3, [UNDECIDED]: 4 };
const NONE = [0, 0, 0, 0, 0];

/** Everything since a connection was made. */
export class Tally {
  /** @param {object} hello - as the server tells what runs */
  constructor(hello) {
    this.greet(hello);
    this.requests = 0;
    /** When we came; since when requests are told, and how many of them are from before. */
    this.came = hello.now;
    this.since = hello.now;
    this.earlier = 0;
    this.latest = [];
    this.seconds = new Map();
    this.keys = new Map();
    /** Whether keys have been forgotten, since there were more than are counted. */
    this.forgot = false;
    this.rules = new Map();
    this.checks = new Map();
    this.campaigns = new Map();
    this.verdicts = new Map();
    this.metrics = null;
    this.least = null;
  }

  /** Takes what runs from now on. @param {object} hello */
  greet(hello) {
    this.hello = told.hello(hello);
    this.policy = told.policy(hello.policy);
    /** How far the server's clock is before ours. */
    this.ahead = hello.now - Date.now();
  }

  request(line) {
    const request = told.request(line);
    const { time } = request;
    const decision = request.decision ?? {};
    const verdict = decision.verdict ?? (this.admitted(request) ? "allow" : UNDECIDED);
    const would = decision.shadow ?? null;
    this.requests += 1;
    this.since = Math.min(this.since, time);
    this.earlier += time < this.came ? 1 : 0;
    this.latest.push({ ...request, number: this.requests, verdict, would });
    if (this.latest.length > LATEST) this.latest.shift();
    if (verdict !== UNDECIDED) add(this.verdicts, `${verdict} ${decision.reason ?? "none"}`, 1);
    this.count(Math.floor(time / 1000), PLACES[would && PLACES[verdict] < 3 ? "would" : verdict]);
    this.note(decision, verdict, time);
    for (const check of decision.checks ?? []) {
      const before = this.checks.get(check.rule)?.found ?? 0;
      this.checks.set(check.rule, { ...check, found: before + 1, time });
    }
    if (would) this.rule(would.rule).would += 1;
  }

  /** Whether a request without a decision was simply admitted, of which no more is told: the origin was asked. */
  admitted({ details }) {
    return this.policy.record !== "all" && /^(via_)?upstream/.test(details ?? "");
  }

  count(second, place) {
    if (!this.seconds.has(second)) this.seconds.set(second, [...NONE]);
    this.seconds.get(second)[place] += 1;
    for (const old of this.seconds.keys()) {
      if (old > second - 2 * BACK) break;
      this.seconds.delete(old);
    }
  }

  /** Takes down whose request it was, and which rule spoke. */
  note({ key, rule, reason, remaining = null }, verdict, time) {
    const refused = REFUSALS.includes(verdict);
    if (refused && rule && reason === "quota") {
      this.rule(rule).refused += 1;
      this.rule(rule).least = this.least = 0;
    }
    if (!refused && remaining !== null) {
      this.least = Math.min(this.least ?? remaining, remaining);
      // What is left is told of the tightest rule, and not which that is.
      const counted = this.policy.quotas.filter((quota) => quota.count === "requests" && quota.mode !== "shadow");
      if (counted.length === 1) this.rule(counted[0].name).lower(remaining);
    }
    if (!key) return;
    const seen = this.keys.get(key) ?? { key, requests: 0, refused: 0, tagged: 0, left: null, time };
    seen.requests += 1;
    seen.refused += refused ? 1 : 0;
    seen.tagged += verdict === "tag" ? 1 : 0;
    seen.left = remaining ?? seen.left;
    seen.time = time;
    this.keys.set(key, seen);
    if (this.keys.size > MOST_KEYS) this.forget();
  }

  rule(name) {
    if (!this.rules.has(name)) this.rules.set(name, new Rule());
    return this.rules.get(name);
  }

  forget() {
    const most = [...this.keys.values()].sort((a, b) => b.refused - a.refused || b.requests - a.requests).slice(0, MOST_KEYS / 2);
    this.keys = new Map(most.map((seen) => [seen.key, seen]));
    this.forgot = true;
  }

  stats(data) {
    this.metrics = told.metrics(data);
  }

  campaign(data) {
    const campaign = told.campaign(data);
    const { id, time, score } = campaign;
    const history = this.campaigns.get(id)?.history ?? [];
    this.campaigns.set(id, { ...campaign, since: time, history: [...history, { t: time, score }].slice(-LATEST) });
    if (this.campaigns.size > LATEST) this.campaigns.delete(this.campaigns.keys().next().value);
  }

  /** How often there was each verdict, and for what reason: all that the engine counted, or else what was seen here. */
  totals() {
    const counted = (this.metrics ?? []).filter(({ name }) => name === "stillgate_requests_total");
    if (this.metrics) return counted.map(({ labels, value }) => ({ ...Object.fromEntries(labels), value }));
    return [...this.verdicts].map(([name, value]) => {
      const [verdict, reason] = name.split(" ");
      return { verdict, reason, value };
    });
  }

  /** The last minutes second by second, until now; and of them only those in which all requests are known. */
  rate() {
    const last = Math.floor((Date.now() + this.ahead) / 1000);
    // Of fewer than are kept none has been left out.
    const known = this.earlier < BEFORE ? 0 : Math.ceil(this.since / 1000);
    const first = Math.min(Math.max(last - BACK, known), last - 1);
    const x = Array.from({ length: last - first + 1 }, (_, at) => (first + at) * 1000);
    const seconds = x.slice(0, -1).map((time) => this.seconds.get(time / 1000) ?? NONE);
    return { x, values: NONE.map((_, place) => seconds.map((second) => second[place])) };
  }
}

/** What a quota has done. */
class Rule {
  refused = 0;
  would = 0;
  least = null;

  lower(remaining) {
    this.least = Math.min(this.least ?? remaining, remaining);
  }
}

function add(counts, name, number) {
  counts.set(name, (counts.get(name) ?? 0) + number);
}
