// Counters in this isolate alone: for runtimes without Durable Objects, and for a single process, where they are exact.

import { Bench, Ledger } from "./pkg/stillgate.js";

/** How often campaigns are judged, in milliseconds. */
const SITTING = 1000;

/** A ledger, and a judge, that live and end with this isolate. */
export class Local {
  /**
   * @param {string} policy - the policy, as JSON
   * @param {string} secret - what identifiers are hashed with
   * @param {(line: string) => void} [log] - takes lines
   */
  constructor(policy, secret, log = console.log) {
    this.ledger = new Ledger(policy, secret, Date.now());
    this.bench = this.ledger.watches() ? new Bench(policy, secret) : undefined;
    this.log = log;
    this.sat = Date.now();
  }

  /** Answers a message of a gate. */
  tell(_shard, message) {
    const now = Date.now();
    if (this.bench && now - this.sat >= SITTING) this.sit(now);
    return this.ledger.tell(message, now);
  }

  sit(now) {
    this.sat = now;
    const mail = this.ledger.mail();
    if (mail) this.bench.take(mail);
    for (const line of this.bench.sit(now)) this.log(`stillgate: campaign ${line}`);
    if (this.bench.edition() !== this.ledger.edition()) this.ledger.takeBook(this.bench.book());
  }
}
