// What has been seen of what runs: sums, and the latest, in memory that does not grow with them.

/** So many requests are kept, and so many campaigns. */
export const LATEST = 200;

/** Seconds that the chart goes back. */
export const BACK = 300;

/** So many keys are counted; where there are more, those that ask least are forgotten. */
const KEYS = 2000;

const REFUSALS = ["throttle", "verify", "deny"];

/** Where a verdict stands among OUTCOMES. */
const PLACES = { allow: 0, tag: 1, would: 2, throttle: 3, verify: 3, deny: 3 };

/** Everything since a connection was made. */
export class Tally {
  /** @param {object} hello - as the server tells what runs */
  constructor(hello) {
    this.greet(hello);
    this.requests = 0;
    this.latest = [];
    this.seconds = new Map();
    this.keys = new Map();
    this.rules = new Map();
    this.checks = new Map();
    this.campaigns = new Map();
    this.verdicts = new Map();
    this.metrics = null;
    this.least = null;
  }

  /** Takes what runs from now on. @param {object} hello */
  greet(hello) {
    this.hello = hello;
    this.policy = read(hello.policy);
    /** How far the server's clock is before ours. */
    this.ahead = hello.now - Date.now();
  }

  request(line) {
    const decision = line.decision ?? {};
    const verdict = decision.verdict ?? "allow";
    const would = decision.shadow ?? null;
    this.requests += 1;
    this.latest.push({ ...line, number: this.requests, verdict, would });
    if (this.latest.length > LATEST) this.latest.shift();
    add(this.verdicts, `${verdict} ${decision.reason ?? "none"}`, 1);
    this.count(Math.floor(line.time / 1000), PLACES[would && PLACES[verdict] < 3 ? "would" : verdict]);
    this.note(decision, verdict, line.time);
    for (const check of decision.checks ?? []) {
      const before = this.checks.get(check.rule)?.found ?? 0;
      this.checks.set(check.rule, { ...check, found: before + 1, time: line.time });
    }
    if (would) this.rule(would.rule).would += 1;
  }

  count(second, place) {
    if (!this.seconds.has(second)) this.seconds.set(second, [0, 0, 0, 0]);
    this.seconds.get(second)[place] += 1;
    for (const old of this.seconds.keys()) {
      if (old > second - 2 * BACK) break;
      this.seconds.delete(old);
    }
  }

  /** Takes down whose request it was, and which rule spoke. */
  note({ key, rule, reason, remaining = null }, verdict, time) {
    const refused = REFUSALS.includes(verdict);
    if (refused && rule && reason === "quota") Object.assign(this.rule(rule), { refused: this.rule(rule).refused + 1, least: 0 });
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
    if (this.keys.size > KEYS) this.forget();
  }

  rule(name) {
    if (!this.rules.has(name)) this.rules.set(name, new Rule());
    return this.rules.get(name);
  }

  forget() {
    const most = [...this.keys.values()].sort((a, b) => b.refused - a.refused || b.requests - a.requests).slice(0, KEYS / 2);
    this.keys = new Map(most.map((seen) => [seen.key, seen]));
  }

  stats({ metrics }) {
    this.metrics = metrics;
  }

  campaign(told) {
    const stage = { suspected: "suspect", convicted: "convicted", "held back": "convicted", closed: "closed" }[told.event];
    const history = this.campaigns.get(told.campaign)?.history ?? [];
    this.campaigns.set(told.campaign, {
      ...told,
      id: told.campaign,
      stage,
      held_back: told.event === "held back",
      since: told.time,
      history: [...history, { t: told.time, score: told.score }].slice(-LATEST),
    });
    if (this.campaigns.size > LATEST) this.campaigns.delete(this.campaigns.keys().next().value);
  }

  /** How often there was each verdict, and for what reason: all that the engine counted, or else what was seen here. */
  totals() {
    const counted = (this.metrics ?? []).filter(({ name }) => name === "stillgate_requests_total");
    if (this.metrics) return counted.map(({ labels, value }) => ({ ...labels, value }));
    return [...this.verdicts].map(([name, value]) => {
      const [verdict, reason] = name.split(" ");
      return { verdict, reason, value };
    });
  }

  /** The last minutes second by second, until now. */
  rate() {
    const last = Math.floor((Date.now() + this.ahead) / 1000);
    const x = Array.from({ length: BACK + 1 }, (_, at) => (last - BACK + at) * 1000);
    const none = [0, 0, 0, 0];
    const seconds = x.slice(0, -1).map((time) => this.seconds.get(time / 1000) ?? none);
    return { x, values: none.map((_, place) => seconds.map((second) => second[place])) };
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

/** What the policy in force says of itself; it is in force, so it is one. */
function read(text) {
  const policy = JSON.parse(text);
  return {
    quotas: policy.quotas ?? [],
    checks: policy.checks ?? [],
    campaigns: policy.campaigns ?? null,
    record: policy.record,
    mode: policy.mode,
  };
}
