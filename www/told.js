// What the server tells, as far as it is what this page knows: a server may be newer, and one odd event must not stop the rest.
// What is not understood is thrown.

import { plain } from "./dom.js";

const STAGES = { suspected: "suspect", convicted: "convicted", "held back": "convicted", closed: "closed" };
/** All verdicts, the mildest first. */
export const VERDICTS = ["allow", "tag", "throttle", "verify", "deny"];

/** What runs. @param {object} data */
export function hello(data) {
  text(data.listen);
  number(data.now);
  return data;
}

/** What the policy in force says of itself. One that cannot be read, though it is in force, is `unread`. @param {string} text */
export function policy(text) {
  try {
    const { quotas = [], campaigns = null, record, mode } = JSON.parse(text);
    return { quotas: list(quotas).map(quota), campaigns: campaigns && object(campaigns), record, mode, unread: false };
  } catch {
    return { quotas: [], campaigns: null, record: undefined, mode: undefined, unread: true };
  }
}

function quota({ name, per = [], count, limit, window = null, mode = null }) {
  return { name: text(name), per: list(per).map(text), count: text(count), limit: most(limit), window, mode };
}

/** How much fits: the same for all, or by a fact. */
function most(limit) {
  if (typeof limit === "number") return number(limit);
  return { by: text(limit.by), values: figures(limit.values), else: number(limit.else) };
}

/**
 * A request; where nothing was decided about it, or nothing is told of that, its `decision` is null.
 * @param {object} data
 */
export function request({ time, method, path, status, details, milliseconds, decision }) {
  return {
    time: number(time),
    method: maybe(method, text),
    path: maybe(path, text),
    status: maybe(status, number),
    details: maybe(details, text),
    milliseconds: maybe(milliseconds, number),
    decision: maybe(decision, decided),
  };
}

function decided(decision) {
  return {
    ...intent(decision),
    key: maybe(decision.key, text),
    campaign: maybe(decision.campaign, text),
    remaining: maybe(decision.remaining, number),
    shadow: maybe(decision.shadow, intent),
    checks: list(decision.checks ?? []).map(check),
  };
}

function intent({ verdict, reason, rule }) {
  if (!VERDICTS.includes(verdict)) throw new TypeError("no verdict");
  return { verdict, reason: maybe(reason, text) ?? "none", rule: maybe(rule, text) };
}

function check({ rule, then, mode, count, error, limit }) {
  return {
    rule: text(rule),
    then: text(then),
    mode,
    count: maybe(count, number),
    error: maybe(error, text),
    limit: maybe(limit, number),
  };
}

/** A step in what is known of a campaign. @param {object} data */
export function campaign(data) {
  return {
    id: text(data.campaign),
    time: number(data.time),
    stage: text(STAGES[data.event]),
    held_back: data.event === "held back",
    keys: number(data.keys),
    requests: number(data.requests),
    score: number(data.score),
    families: number(data.families),
    terms: figures(data.terms),
    templates: list(data.templates).map(text),
  };
}

/** What the engine has counted. @param {object} data */
export function metrics(data) {
  return list(data.metrics).map(({ name, labels, value }) => ({
    name: text(name),
    labels: Object.entries(labels ?? {}).map(([label, is]) => [label, text(is)]),
    value: number(value),
  }));
}

function maybe(value, reader) {
  return value === null || value === undefined ? null : reader(value);
}

function number(value) {
  if (!Number.isFinite(value)) throw new TypeError("no number");
  return value;
}

function text(value) {
  if (typeof value !== "string") throw new TypeError("no text");
  return plain(value);
}

function list(value) {
  if (!Array.isArray(value)) throw new TypeError("no list");
  return value;
}

function object(value) {
  if (typeof value !== "object" || value === null) throw new TypeError("no object");
  return value;
}

function figures(value) {
  return Object.fromEntries(Object.entries(object(value)).map(([name, each]) => [text(name), number(each)]));
}
