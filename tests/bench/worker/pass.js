// A worker that only hands on: what the other one is measured against.

import { DurableObject } from "cloudflare:workers";

export default {
  fetch(request, env) {
    const url = new URL(request.url);
    const origin = new URL(env.STILLGATE_ORIGIN);
    url.protocol = origin.protocol;
    url.host = origin.host;
    return fetch(new Request(url, request));
  },
};

export class Ledger extends DurableObject {}
export class Judge extends DurableObject {}
