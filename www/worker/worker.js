// The worker: for Cloudflare, and for workerd.

import { DurableObject } from "cloudflare:workers";
import { Bench, Ledger as Counters, initSync } from "./pkg/stillgate.js";
import module from "./pkg/stillgate_bg.wasm";
import { Fault, Gate } from "./gate.js";
import { Local } from "./local.js";
import { Page } from "./page.js";
import deployed from "./policy.json";

initSync({ module });

/** After how many milliseconds what has changed is written down. */
const WRITING = 250;

/** How often ledgers tell what they have seen, and a judge sits, in milliseconds. */
const SITTING = 1000;

/** How often it is looked for counters that nobody would miss, in milliseconds. */
const TIDYING = 3_600_000;

/** The most ledgers. */
const MOST_SHARDS = 64;

/** What was made of this deployment's settings: a gate and, perhaps, a page; or what is wrong with them. */
let made;

export default {
  async fetch(request, env, context) {
    made ??= make(env);
    if (made instanceof Fault) return made.response();
    try {
      return await (made.page?.fetch(request) ?? made.gate.fetch(request, context));
    } catch (error) {
      // Whatever went wrong, the gate stays shut.
      return (error instanceof Fault ? error : new Fault(error.message)).response();
    }
  },
};

function make(env) {
  try {
    const path = env.STILLGATE_PAGE;
    return { gate: makeGate(env), page: path ? new Page(path, env.PAGE) : undefined };
  } catch (error) {
    return error instanceof Fault ? error : new Fault(error.message);
  }
}

function makeGate(env) {
  const { policy, secret } = settings(env);
  const origin = env.STILLGATE_ORIGIN || undefined;
  if (origin && !/^https?:\/\//.test(origin)) throw new Fault(`STILLGATE_ORIGIN is "${origin}": write it as https://host`);
  const counters = env.STILLGATE_COUNTERS || "durable";
  if (counters === "isolate") {
    const local = new Local(policy, secret);
    return new Gate({ policy, secret, origin, tell: (shard, message) => local.tell(shard, message) });
  }
  if (counters !== "durable") throw new Fault(`STILLGATE_COUNTERS is "${counters}": write "durable" or "isolate"`);
  if (typeof env.LEDGER?.idFromName !== "function") {
    throw new Fault('LEDGER is not bound: bind it to the Durable Object class Ledger, or set STILLGATE_COUNTERS to "isolate"');
  }
  const shards = Number(env.STILLGATE_SHARDS || 1);
  if (!Number.isInteger(shards) || shards < 1 || shards > MOST_SHARDS) {
    throw new Fault(`STILLGATE_SHARDS is "${env.STILLGATE_SHARDS}": write a whole number from 1 to ${MOST_SHARDS}`);
  }
  const tell = (shard, message) => env.LEDGER.get(env.LEDGER.idFromName(`ledger-${shard}`)).tell(message);
  const gate = new Gate({ policy, secret, shards, origin, tell });
  if (gate.shards < shards) {
    console.warn("stillgate: a rule counts several keys together, so all counters lie in one object, whatever STILLGATE_SHARDS says");
  }
  return gate;
}

/** The policy and the secret, which fronts, ledgers and judges have in common. */
function settings(env) {
  const secret = env.STILLGATE_SECRET;
  if (!secret) throw new Fault("STILLGATE_SECRET is not set: set it to at least 16 random bytes, the same for all of this deployment");
  const policy = env.STILLGATE_POLICY || deployed;
  return { policy: typeof policy === "string" ? policy : JSON.stringify(policy), secret };
}

/** The counters of a shard of keys. */
export class Ledger extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    const { policy, secret } = settings(env);
    this.counters = new Counters(policy, secret, Date.now());
    const { sql } = ctx.storage;
    sql.exec("CREATE TABLE IF NOT EXISTS pages (number INTEGER PRIMARY KEY, bytes BLOB NOT NULL)");
    sql.exec("CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value BLOB NOT NULL)");
    this.load(sql);
    this.asked = 0;
  }

  /** Goes on with what was written down. */
  load(sql) {
    const pages = this.counters.pages();
    const [known] = sql.exec("SELECT CAST(value AS INTEGER) AS pages FROM notes WHERE name = 'pages'");
    if (known && known.pages !== pages) {
      console.warn("stillgate: limits.memory has changed, and with it where counters lie: all counters start afresh");
      sql.exec("DELETE FROM pages");
    }
    sql.exec("INSERT OR REPLACE INTO notes VALUES ('pages', ?)", pages);
    for (const { number, bytes } of sql.exec("SELECT number, bytes FROM pages")) {
      if (!this.counters.load(number, new Uint8Array(bytes))) sql.exec("DELETE FROM pages WHERE number = ?", number);
    }
    const [book] = sql.exec("SELECT value FROM notes WHERE name = 'book'");
    if (book && this.counters.watches()) this.counters.takeBook(new Uint8Array(book.value));
  }

  /** Answers a message of a gate. */
  tell(message) {
    const now = Date.now();
    const answer = this.counters.tell(message, now);
    this.writing ??= setTimeout(() => this.write(), WRITING);
    if (this.counters.watches() && now - this.asked >= SITTING) {
      this.asked = now;
      this.ctx.waitUntil(this.exchange());
    }
    return answer;
  }

  /** Writes down what has changed. */
  write() {
    this.writing = undefined;
    const { storage } = this.ctx;
    const { sql } = storage;
    try {
      storage.transactionSync(() => {
        for (const number of this.counters.changed()) {
          const bytes = this.counters.page(number);
          if (bytes) sql.exec("INSERT OR REPLACE INTO pages VALUES (?, ?)", number, bytes);
          else sql.exec("DELETE FROM pages WHERE number = ?", number);
        }
      });
    } catch (error) {
      console.error(`stillgate: counters could not be written down, and would not outlive a restart: ${error.message}`);
    }
    if (!this.tidies) {
      this.tidies = true;
      storage.getAlarm().then((at) => at ?? storage.setAlarm(Date.now() + TIDYING));
    }
  }

  /** Forgets counters that nobody would miss. */
  alarm() {
    const numbers = [...this.ctx.storage.sql.exec("SELECT number FROM pages")].map((row) => row.number);
    this.counters.tidy(Uint32Array.from(numbers), Date.now());
    this.tidies = false;
    this.write();
  }

  /** Tells the judge what was seen, and takes what is known. */
  async exchange() {
    try {
      this.mail ??= this.counters.mail();
      const judge = this.env.JUDGE.get(this.env.JUDGE.idFromName("judge"));
      const book = await judge.report(this.mail, this.counters.edition());
      this.mail = undefined;
      if (book && this.counters.takeBook(book)) {
        this.ctx.storage.sql.exec("INSERT OR REPLACE INTO notes VALUES ('book', ?)", book);
      }
    } catch (error) {
      console.error(`stillgate: the judge of campaigns could not be reached: ${error.message}`);
    }
  }
}

/** Where campaigns are judged: one for all ledgers. */
export class Judge extends DurableObject {
  constructor(ctx, env) {
    super(ctx, env);
    const { policy, secret } = settings(env);
    // A policy without campaigns has nothing to judge.
    if (!JSON.parse(policy).campaigns) return;
    this.bench = new Bench(policy, secret);
    const { sql } = ctx.storage;
    sql.exec("CREATE TABLE IF NOT EXISTS pieces (number INTEGER PRIMARY KEY, bytes BLOB NOT NULL)");
    sql.exec("CREATE TABLE IF NOT EXISTS mail (number INTEGER PRIMARY KEY, bytes BLOB NOT NULL)");
    sql.exec("CREATE TABLE IF NOT EXISTS notes (name TEXT PRIMARY KEY, value BLOB NOT NULL)");
    for (const { number, bytes } of sql.exec("SELECT number, bytes FROM pieces")) this.bench.load(number, new Uint8Array(bytes));
    const [book] = sql.exec("SELECT value FROM notes WHERE name = 'book'");
    this.bench.resume(book ? new Uint8Array(book.value) : new Uint8Array(0), Date.now());
    for (const { bytes } of sql.exec("SELECT bytes FROM mail ORDER BY number")) this.bench.take(new Uint8Array(bytes));
  }

  /** Takes what a ledger has seen, and answers what is known, if the ledger knows something else. */
  report(mail, edition) {
    if (!this.bench) return null;
    if (mail && this.bench.take(mail)) this.ctx.storage.sql.exec("INSERT INTO mail (bytes) VALUES (?)", mail);
    this.sitting ??= setTimeout(() => this.sit(), SITTING);
    return this.bench.edition() === edition ? null : this.bench.book();
  }

  /** Judges, and writes down what is known. */
  sit() {
    this.sitting = undefined;
    const before = this.bench.edition();
    for (const line of this.bench.sit(Date.now())) console.log(`stillgate: campaign ${line}`);
    const changed = this.bench.edition() !== before;
    const { storage } = this.ctx;
    const { sql } = storage;
    storage.transactionSync(() => {
      sql.exec("DELETE FROM mail");
      for (const number of this.bench.due(changed)) {
        sql.exec("INSERT OR REPLACE INTO pieces VALUES (?, ?)", number, this.bench.piece(number));
      }
      if (changed) sql.exec("INSERT OR REPLACE INTO notes VALUES ('book', ?)", this.bench.book());
    });
  }
}
