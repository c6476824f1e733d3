// What stands between a client and an origin, for any runtime that has fetch, Request, Response and streams.
//
// A gate asks a ledger whether a request may go on, carries out what it says, reads what the answer tells of its usage as it
// passes, and tells the ledger how it ended. Who the ledger is, is its maker's business: a Durable Object (worker.js), or the
// same isolate (local.js).

import { Front } from "./pkg/stillgate.js";

/**
 * @typedef {object} Options
 * @property {string} policy - the policy, as JSON
 * @property {string} secret - what identifiers are hashed with: at least 16 bytes, the same for all of a deployment
 * @property {(shard: number, message: string) => Promise<string> | string} tell - carries a message to a ledger, and its answer back
 * @property {number} [shards] - how many ledgers there are; 1 unless said otherwise
 * @property {string} [origin] - where requests go, with their own path and query; without it `fetch` decides by their own address
 * @property {(request: Request) => object} [facts] - what the host knows of a request: see factsOfCloudflare
 * @property {(line: string) => void} [log] - takes lines; console.log unless said otherwise
 */

/** Answers that say that they are not longer than so many bytes are handed on when they are there whole. */
const SMALL = 65_536;

/** Whether this runtime packs a body again whose headers say that it is packed. */
const PACKS = globalThis.navigator?.userAgent === "Cloudflare-Workers";

/** Something is wrong with the deployment: nothing passes until it is mended. */
export class Fault extends Error {
  /** What clients are answered, and operators find. */
  response() {
    console.error(`stillgate: ${this.message}`);
    return new Response("The gate before this API is not set up.\n", {
      status: 500,
      headers: { "content-type": "text/plain", "x-stillgate-error": this.message.replace(/[^\x20-\x7e]+/g, " ").slice(0, 1024) },
    });
  }
}

/** One gate: made once for an isolate, as the wasm in it is. */
export class Gate {
  /** @param {Options} options */
  constructor({ policy, secret, tell, shards = 1, origin, facts = factsOfCloudflare, log = console.log }) {
    this.front = new Front(policy, secret);
    this.shards = this.front.spreads() ? shards : 1;
    this.tell = tell;
    this.origin = origin && new URL(origin);
    this.facts = facts;
    this.log = log;
  }

  /**
   * Answers a request.
   * @param {Request} request
   * @param {{ waitUntil(promise: Promise<unknown>): void }} context - what keeps the isolate until a promise is settled
   * @returns {Promise<Response>}
   */
  async fetch(request, context) {
    const { front } = this;
    const stream = front.begin(describe(request, this.facts(request)), request.body !== null, Date.now());
    const passage = new Passage(this, stream, context);
    try {
      const body = await readBody(request, front.longest(stream));
      if (body.read) front.body(stream, body.read);
      const action = await this.decide(stream, body);
      if (action.record) this.log(`stillgate ${action.record}`);
      if (!action.pass) {
        passage.close();
        body.cancel();
        return new Response(action.body, { status: action.status, headers: action.headers });
      }
      if (action.renew) passage.renewEvery(action.renew);
      const onward = this.onward(request, body, action, passage);
      const answer = await fetch(onward).catch((error) => unreachable(error));
      return await passage.hand(answer);
    } catch (error) {
      passage.end();
      throw error;
    }
  }

  /** What is to be done with a request. */
  async decide(stream) {
    const message = this.front.ask(stream);
    let answer;
    if (message !== undefined) {
      try {
        answer = await this.tell(this.front.shard(stream, this.shards), message);
      } catch (error) {
        // An object of another class is a wrong binding, which no retry mends.
        if (error instanceof TypeError) throw new Fault(`LEDGER is not bound to the class Ledger (${error.message})`);
        // The policy's `on_error` says what happens now.
        console.error(`stillgate: the ledger could not be reached: ${error.message}`);
      }
    }
    try {
      return JSON.parse(this.front.act(stream, answer, Date.now()));
    } catch (error) {
      // As while a new version is being deployed: what cannot be understood was not said.
      console.error(`stillgate: ${error.message}`);
      return JSON.parse(this.front.act(stream, undefined, Date.now()));
    }
  }

  /** The request as the origin gets it. */
  onward(request, body, action, passage) {
    const headers = new Headers(request.headers);
    for (const name of action.remove) headers.delete(name);
    for (const [name, value] of action.headers) headers.set(name, value);
    const url = new URL(request.url);
    if (this.origin) {
      headers.delete("host");
      url.protocol = this.origin.protocol;
      url.host = this.origin.host;
      url.pathname = this.origin.pathname.replace(/\/$/, "") + url.pathname;
    }
    const init = { method: request.method, headers, redirect: "manual", signal: passage.signal(request) };
    if (request.body !== null) {
      init.body = body.onward(action.edit, passage);
      if (init.body instanceof ReadableStream) init.duplex = "half";
      else headers.delete("content-length");
    }
    return new Request(url, init);
  }
}

/** The way of one request's answer, and its end, which comes once however it comes. */
class Passage {
  constructor(gate, stream, context) {
    this.gate = gate;
    this.stream = stream;
    this.shard = gate.front.shard(stream, gate.shards);
    this.context = context;
    this.sent = 0;
    this.over = false;
    // The isolate goes on for as long as the ledger is not told, also when the client is gone.
    context.waitUntil(new Promise((resolve) => (this.done = resolve)));
  }

  /** What ends the request to the origin when the client goes away. */
  signal(request) {
    request.signal.addEventListener("abort", () => this.end());
    return request.signal;
  }

  /** Keeps slots in flight as long as the request goes on. */
  renewEvery(milliseconds) {
    this.timer = setInterval(() => {
      const message = this.gate.front.renew(this.stream);
      if (message !== undefined) this.later(message);
    }, milliseconds);
  }

  /** Hands an answer on, and reads it if somebody wants to know. */
  hand(answer) {
    const { front } = this.gate;
    const told = JSON.parse(front.answered(this.stream, answer.status, JSON.stringify([...answer.headers]), Date.now()));
    if (told.tell) this.later(told.tell);
    const headers = new Headers(answer.headers);
    for (const name of told.remove) headers.delete(name);
    for (const [name, value] of told.headers) headers.append(name, value);
    // Other runtimes hand out a body unpacked, and leave the headers as they came.
    if (!PACKS && headers.has("content-encoding")) {
      headers.delete("content-encoding");
      headers.delete("content-length");
    }
    const init = { status: answer.status, statusText: answer.statusText, headers };
    // Of an upgraded connection no end is seen, and its slot in flight is given back now.
    if (answer.webSocket) {
      this.end();
      return new Response(null, { ...init, webSocket: answer.webSocket });
    }
    if (answer.body === null) {
      this.end();
      return new Response(null, init);
    }
    // What nobody wants to know flows by untouched.
    if (!told.watch) {
      this.end();
      return new Response(answer.body, init);
    }
    // What is packed comes unpacked, and is packed again when it goes: to another length.
    if (headers.has("content-encoding")) headers.delete("content-length");
    if (Number(headers.get("content-length") ?? Infinity) <= SMALL) return this.whole(answer, told.read, init);
    const body = this.watch(answer.body, told.read);
    // Workers keep the length of a body that they can count on.
    const length = headers.get("content-length");
    const counted = length !== null && globalThis.FixedLengthStream;
    return new Response(counted ? body.pipeThrough(new FixedLengthStream(Number(length))) : body, init);
  }

  /** An answer that is small, and comes in one piece: without a stream between. */
  async whole(answer, read, init) {
    try {
      const bytes = new Uint8Array(await answer.arrayBuffer());
      if (read && bytes.byteLength > 0) this.gate.front.pass(this.stream, bytes);
      return new Response(bytes, init);
    } catch (error) {
      return unreachable(error);
    } finally {
      this.end();
    }
  }

  /** The body of an answer, chunk by chunk as the client takes it. */
  watch(body, read) {
    const { front } = this.gate;
    const reader = body.getReader();
    return new ReadableStream({
      type: "bytes",
      pull: async (controller) => {
        // A chunk of which nothing is to be handed on yet is no answer to a pull.
        for (;;) {
          let chunk;
          try {
            chunk = await reader.read();
          } catch (error) {
            this.end();
            throw error;
          }
          const bytes = chunk.done ? front.held(this.stream) : read ? (front.pass(this.stream, chunk.value) ?? chunk.value) : chunk.value;
          if (bytes.byteLength > 0) controller.enqueue(bytes);
          if (chunk.done) {
            this.end();
            controller.close();
            controller.byobRequest?.respond(0);
            return;
          }
          if (bytes.byteLength > 0) return;
        }
      },
      cancel: async (reason) => {
        this.end();
        await reader.cancel(reason);
      },
    });
  }

  /** Tells the ledger something without waiting for it. */
  later(message) {
    const told = Promise.resolve(this.gate.tell(this.shard, message)).catch((error) => {
      console.error(`stillgate: the ledger could not be told how a request ended: ${error.message}`);
    });
    this.context.waitUntil(told);
    return told;
  }

  /** Settles the request, the first time that it is called. */
  end() {
    if (this.over) return;
    clearInterval(this.timer);
    this.over = true;
    const message = this.gate.front.end(this.stream, this.sent);
    if (message === undefined) this.forget();
    else this.later(message).then((settled) => this.forget(settled));
  }

  /** Forgets a request that did not go on. */
  close() {
    this.over = true;
    this.forget();
  }

  forget(settled) {
    const line = this.gate.front.close(this.stream, settled);
    if (line !== undefined) this.gate.log(`stillgate ${line}`);
    this.done();
  }
}

/** The answer where there is none: nothing was used. */
function unreachable(error) {
  console.error(`stillgate: the origin could not be reached: ${error.message}`);
  return new Response("The origin could not be reached.\n", { status: 502, headers: { "content-type": "text/plain" } });
}

/** A request as the engine is told of it. */
function describe(request, facts) {
  const url = new URL(request.url);
  const headers = [...request.headers].map(([name, value]) => [name, DECODED ? bytes(value) : value]);
  return JSON.stringify({ method: request.method, target: url.pathname + url.search, headers, facts });
}

/**
 * Whether this runtime, as workerd does, takes the bytes of a header for UTF-8. Fetch's standard has each byte be a character of the
 * same number, which is how the engine is told of them, and no other character in a header.
 */
const DECODED = (() => {
  try {
    return new Headers([["x", "\u0100"]]).has("x");
  } catch {
    return false;
  }
})();

/**
 * Characters for the bytes that a value was decoded from. What was no UTF-8 is lost, and stands as a no-break space, which no
 * credential may hold: origins get the bytes themselves, and two credentials that differ in them must not be taken for one.
 */
function bytes(value) {
  if (/^[\0-\x7f]*$/.test(value)) return value;
  const whole = value.split("\ufffd").map((text) => String.fromCharCode(...new TextEncoder().encode(text)));
  return whole.join("\xa0");
}

/**
 * What Cloudflare knows of a request. For another runtime write a function like this one, of which no client must be able to set
 * anything: `source` is the client's address, `vouched` what policies know by name (`ja4`, `ja3`, `country`, `asn`), and
 * `properties` what a policy names by its path.
 */
export function factsOfCloudflare(request) {
  const cf = request.cf ?? {};
  const bot = cf.botManagement ?? {};
  const facts = { vouched: {}, properties: { cf } };
  // Where Cloudflare is not, and names none of its places, a client can send this header itself.
  const source = cf.colo && request.headers.get("cf-connecting-ip");
  if (source) facts.source = source;
  const known = { ja4: bot.ja4, ja3: bot.ja3Hash, country: cf.country, asn: cf.asn };
  for (const [name, value] of Object.entries(known)) if (value !== undefined && value !== null) facts.vouched[name] = value;
  return facts;
}

/**
 * Reads a body up to a length; what is longer flows on behind what was read. With a length of 0 nothing is read.
 */
async function readBody(request, longest) {
  if (request.body === null || longest === 0) return new Body(undefined, request.body, false);
  const said = request.headers.get("content-length");
  // What says its length comes in one piece, without a stream between; a runtime ends a body that is longer than it said.
  if (said !== null && Number(said) <= longest) return new Body(new Uint8Array(await request.arrayBuffer()), null, true);
  const reader = request.body.getReader();
  const chunks = [];
  let length = 0;
  while (length <= longest) {
    const { done, value } = await reader.read();
    if (done) {
      reader.releaseLock();
      return new Body(join(chunks, length), null, true);
    }
    chunks.push(value);
    length += value.byteLength;
  }
  reader.releaseLock();
  return new Body(join(chunks, length), request.body, false);
}

/** A body, of which the beginning may have been read. */
class Body {
  constructor(read, rest, whole) {
    this.read = read;
    this.rest = rest;
    this.whole = whole;
  }

  /** Nobody will read the rest. */
  cancel() {
    this.rest?.cancel().catch(() => {});
  }

  /** The bytes that go to the origin: the very same, but for an edit. */
  onward(edit, passage) {
    if (this.whole) {
      passage.sent = this.read.byteLength;
      return edit ? changed(this.read, edit) : this.read;
    }
    const count = (bytes) => {
      passage.sent += bytes.byteLength;
      return bytes;
    };
    const reader = this.rest.getReader();
    let first = this.read;
    return new ReadableStream({
      type: "bytes",
      async pull(controller) {
        if (first) {
          controller.enqueue(count(first));
          first = undefined;
          return;
        }
        const { done, value } = await reader.read();
        if (!done) {
          controller.enqueue(count(value));
          return;
        }
        controller.close();
        controller.byobRequest?.respond(0);
      },
      cancel: (reason) => reader.cancel(reason),
    });
  }
}

/** Bytes with a change made. */
function changed(bytes, { at, remove, insert }) {
  return join([bytes.subarray(0, at), new TextEncoder().encode(insert), bytes.subarray(at + remove)], undefined);
}

/** Chunks as one. */
function join(chunks, length = chunks.reduce((sum, chunk) => sum + chunk.byteLength, 0)) {
  if (chunks.length === 1) return chunks[0];
  const all = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.byteLength;
  }
  return all;
}
