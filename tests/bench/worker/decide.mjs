// What the engine takes for a request, in microseconds: the worker's folder, a policy, and a body in, a number out.

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const [folder, policy, body] = process.argv.slice(2);
const { initSync, Front, Ledger } = await import(pathToFileURL(`${folder}/pkg/stillgate.js`));
initSync({ module: await readFile(`${folder}/pkg/stillgate_bg.wasm`) });

const secret = "0123456789abcdef";
const [front, ledger] = [new Front(policy, secret), new Ledger(policy, secret, Date.now())];
const bytes = new TextEncoder().encode(body);
const answer = new TextEncoder().encode('{"choices":[],"usage":{"prompt_tokens":900,"completion_tokens":20}}');

/** One request from its headers to its settlement. */
function request(number) {
  const headers = [
    ["accept", "*/*"],
    ["authorization", `Bearer sk-${number % 100}`],
    ["content-length", String(bytes.length)],
    ["content-type", "application/json"],
    ["host", "localhost"],
    ["user-agent", "bench"],
  ];
  const described = { method: "POST", target: "/v1/chat/completions", headers, facts: { vouched: {}, properties: { cf: {} } } };
  const now = Date.now();
  const stream = front.begin(JSON.stringify(described), true, now);
  front.body(stream, bytes);
  const action = JSON.parse(front.act(stream, ledger.tell(front.ask(stream), now), now));
  if (!action.pass) throw new Error(`refused: ${action.body}`);
  front.answered(stream, 200, '[["content-type","application/json"]]', now);
  front.pass(stream, answer);
  front.close(stream, ledger.tell(front.end(stream, 0), now));
}

let least = Infinity;
let number = 0;
for (let round = 0; round < 30; round += 1) {
  const began = performance.now();
  for (let turn = 0; turn < 1000; turn += 1) request((number += 1));
  least = Math.min(least, performance.now() - began);
}
console.log(least.toFixed(1));
