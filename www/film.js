// A film is what a run has come to: numbers frame by frame. Here they are added up, to what was so at a moment.

/** What is counted of a group in every frame. */
const COUNTS = ["requests", "tagged", "refused", "would"];

/** How many keys of a group there were by the end of a frame. */
const KEYS = ["keys", "keys_tagged", "keys_refused", "keys_would"];

/** Kinds of groups whose requests are a campaign's: in truth, or as it was found. */
const OWN = ["campaign", "found"];

/** A film that can be looked at up to any moment. A moment is a number of frames that have passed, from 0 to `frames`. */
export class Film {
  /** @param {object} data - as the engine tells it */
  constructor(data) {
    this.data = { ...data, campaigns: data.campaigns.map(exactly) };
    this.frames = data.frames;
    this.groups = data.groups;
    this.truth = data.source === "scenario";
    this.totals = data.series.map((series) => Object.fromEntries(COUNTS.map((name) => [name, running(series[name])])));
    this.own = this.groups.flatMap((group, place) => (OWN.includes(group.kind) ? [place] : []));
    this.rest = this.groups.flatMap((group, place) => (OWN.includes(group.kind) ? [] : [place]));
  }

  /** What its moments are told apart in. @returns {import("./time.js").Scale} */
  get scale() {
    const { step } = this.data;
    return { step, whole: step * this.frames };
  }

  /** When a moment is, in milliseconds since 1970. The last one is when the latest request came, or a scenario's end. */
  time(moment) {
    const { start, step, last } = this.data;
    const time = start + moment * step;
    if (moment < this.frames || moment === 0) return time;
    return Math.max(time - step, Math.min(time, last ?? time));
  }

  /** The moment whose last frame holds a time. */
  moment(time) {
    const { start, step } = this.data;
    return Math.max(0, Math.min(this.frames, Math.floor((time - start) / step) + 1));
  }

  /** What a group's requests and keys came to by a moment; its keys are null where nobody told them. */
  group(place, moment) {
    const sum = Object.fromEntries(COUNTS.map((name) => [name, this.totals[place][name][moment]]));
    for (const name of KEYS) {
      const keys = this.data.series[place][name];
      sum[name] = keys && (moment === 0 ? 0 : keys[moment - 1]);
    }
    return sum;
  }

  /** What the requests of several groups came to together by a moment. Keys may be in several of them. */
  sum(places, moment) {
    const sum = Object.fromEntries(COUNTS.map((name) => [name, 0]));
    for (const place of places) {
      for (const name of COUNTS) sum[name] += this.totals[place][name][moment];
    }
    return sum;
  }

  /** Groups of these kinds. */
  kind(...kinds) {
    return this.groups.flatMap((group, place) => (kinds.includes(group.kind) ? [place] : []));
  }

  /** One count of several groups, frame by frame. */
  frame(places, name) {
    const sum = new Array(this.frames).fill(0);
    for (const place of places) this.data.series[place][name].forEach((value, at) => (sum[at] += value));
    return sum;
  }

  /**
   * The campaigns that were found by a moment, each as it then was, with its history so far. Those that are convicted come first,
   * and of those the largest.
   */
  campaigns(moment) {
    const time = this.time(moment);
    const found = this.data.campaigns.flatMap((campaign) => {
      const history = campaign.history.filter((entry) => entry.t <= time);
      return history.length === 0 ? [] : [{ ...campaign, ...history.at(-1), history, time, last: moment >= this.frames }];
    });
    return found.sort((a, b) => rank(b) - rank(a) || b.requests - a.requests || (a.id < b.id ? -1 : 1));
  }

  /** When the first of a campaign's requests came, to the frame; not known where there is no truth. */
  begins() {
    const at = this.truth ? this.frame(this.own, "requests").findIndex((number) => number > 0) : -1;
    return at < 0 ? null : this.time(at);
  }

  /** When campaigns came to be something else, in order. */
  events() {
    const all = this.data.campaigns.flatMap(({ id, history }) =>
      history.flatMap((entry, at) => {
        const before = history[at - 1];
        const same = before?.stage === entry.stage && before.held_back === entry.held_back;
        return same ? [] : [{ t: entry.t, id, stage: entry.held_back ? "held back" : entry.stage }];
      }),
    );
    return all.sort((a, b) => a.t - b.t);
  }
}

/** A campaign is looked at once a frame, and says itself since when it is what it is: that is when it came to be so. */
function exactly(campaign) {
  const { history } = campaign;
  const moved = ({ t, stage, since }, at) =>
    history[at - 1]?.stage === stage ? t : Math.max(history[at - 1]?.t ?? 0, Math.min(t, since));
  return { ...campaign, history: history.map((entry, at) => ({ ...entry, t: moved(entry, at) })) };
}

/** How far a campaign has come. */
function rank({ stage }) {
  return { closed: 0, suspect: 1, named: 2, convicted: 2 }[stage];
}

/** Sums from the first on, beginning with that of none. */
function running(values) {
  const sums = [0];
  for (const value of values) sums.push(sums.at(-1) + value);
  return sums;
}
