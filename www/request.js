// Makes of what was filled in one request as the engine takes it, or says what is wrong with which field.

import { APIS, CLIENTS } from "./clients.js";
import { grouped, plain } from "./dom.js";

/**
 * @typedef {object} Filled - the fields as they were filled in
 * @property {string} api @property {string} method @property {string} path @property {string} model @property {string} prompt
 * @property {string} cap @property {boolean} stream @property {boolean} raw @property {string} body
 * @property {string} key @property {string} client @property {string} ja4 @property {string} source @property {string} country
 * @property {string} asn @property {string} account @property {string | null} headers - all of them, where they were edited
 * @property {string} status @property {string} input @property {string} output
 * @property {string} times @property {string} every @property {boolean} numbered
 */

const MOST_TIMES = 10_000;
const DAY = 86_400_000;
const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: DAY };

/**
 * @param {Filled} filled
 * @returns {{ask: object | null, faults: Record<string, string>}} faults by the names of fields
 */
export function request(filled) {
  const faults = {};
  const read = (name, reader) => {
    try {
      return reader(filled[name]);
    } catch (error) {
      faults[name] = error.message;
      return null;
    }
  };
  const times = read("times", whole(1, MOST_TIMES));
  const every = read("every", duration);
  const cap = read("cap", optional(whole(1, 1_000_000_000)));
  const status = read("status", whole(200, 599));
  const input = read("input", optional(whole(0, 1_000_000_000)));
  const output = read("output", optional(whole(0, 1_000_000_000)));
  const source = read(
    "source",
    optional((text) => address(text, filled.numbered, times ?? 1)),
  );
  const asn = read("asn", optional(whole(0, 4_294_967_295)));
  const country = read("country", optional(letters));
  const path = filled.api === "other" ? read("path", rooted) : APIS[filled.api].path;
  const method = filled.api === "other" ? read("method", token) : "POST";
  const account = read("account", lines);
  const body = bodyOf({ ...filled, cap });
  const headers = filled.headers === null ? headersOf(filled, body) : read("headers", lines);
  if (Object.keys(faults).length > 0) return { ask: null, faults };
  const answer = { status, input, output };
  const facts = {
    source,
    vouched: { ...(filled.ja4 && { ja4: filled.ja4.trim() }), ...(country && { country }), ...(asn !== null && { asn }) },
    properties: {},
  };
  const target = targetOf(filled, path);
  return {
    ask: { method, target, headers: [...headers, ...account], body, facts, times, every, numbered: filled.numbered, answer },
    faults,
  };
}

/** The body that the API wants, or the one that was written, if any. @param {Filled} filled @returns {string | null} */
export function bodyOf(filled) {
  const { body } = APIS[filled.api];
  if (filled.raw || body === null) return filled.body === "" ? null : filled.body;
  const cap = Number(filled.cap) > 0 ? Number(filled.cap) : null;
  return JSON.stringify(body({ model: filled.model, prompt: filled.prompt, cap, stream: filled.stream }));
}

/** What the client sends, in its order. @param {Filled} filled @param {string | null} body @returns {Array<[string, string]>} */
export function headersOf(filled, body) {
  const { credential, also = [] } = APIS[filled.api];
  const sent = CLIENTS[filled.client].headers.flatMap(([name, value]) => {
    if (name === "{key}") return filled.key === "" ? [] : [credential(filled.key)];
    if (body === null && name.startsWith("content-")) return [];
    if (value === "{length}") return [[name, String(new TextEncoder().encode(body).length)]];
    return [[name, value]];
  });
  const missing = also.filter(([name]) => !sent.some((header) => header[0] === name));
  return [...sent, ...missing];
}

function targetOf({ api, model, stream }, path) {
  const template = (stream && APIS[api].streamed) || path;
  return template.replace("{model}", encodeURIComponent(model));
}

function optional(reader) {
  return (text) => (text.trim() === "" ? null : reader(text));
}

function whole(least, most) {
  return (text) => {
    const number = Number(text);
    if (text.trim() !== "" && Number.isInteger(number) && number >= least && number <= most) return number;
    throw new Error(`A whole number from ${grouped(least)} to ${grouped(most)}.`);
  };
}

/** A duration, as a policy writes it. */
function duration(text) {
  const found = /^(\d{1,9})\s*(ms|s|m|h|d)$/.exec(text.trim());
  const millis = found ? Number(found[1]) * UNITS[found[2]] : text.trim() === "0" ? 0 : NaN;
  if (millis <= 366 * DAY) return millis;
  throw new Error("A pause is a number with ms, s, m, h or d, up to 366d: 500ms, 1m.");
}

function letters(text) {
  if (/^[A-Za-z]{2}$/.test(text.trim())) return text.trim().toUpperCase();
  throw new Error("A country has two letters, such as DE.");
}

function rooted(text) {
  if (/^\/[!-~]*$/.test(text.trim())) return text.trim();
  throw new Error("A path begins with / and has no spaces.");
}

function token(text) {
  if (/^[A-Za-z!#$%&'*+.^_`|~0-9-]+$/.test(text.trim())) return text.trim();
  throw new Error("A method is one word, such as GET.");
}

function address(text, numbered, times) {
  const filled = (number) => (numbered ? text.trim().replaceAll("#", number) : text.trim());
  if (isAddress(filled(1)) && isAddress(filled(times))) return text.trim();
  if (isAddress(filled(1)))
    throw new Error(`With ${grouped(times)} in place of # this is no address; send fewer, or number another part.`);
  throw new Error("An address is like 203.0.113.7 or 2001:db8::7; leave it empty for none.");
}

function isAddress(text) {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return text.split(".").every((part) => Number(part) <= 255);
  return text.includes(":") && URL.canParse(`http://[${text}]/`);
}

/** Headers, one a line. */
function lines(text) {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "")
    .map((line) => {
      const found = /^([A-Za-z0-9!#$%&'*+.^_`|~-]+)\s*:\s*(.*)$/.exec(line);
      if (!found) throw new Error(`“${plain(line.slice(0, 40))}” is no header: write one a line, as name: value.`);
      return [found[1].toLowerCase(), found[2]];
    });
}
