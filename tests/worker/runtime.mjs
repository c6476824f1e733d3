// The gate in Node: the worker's folder, a policy, a secret and an origin in, what came of some requests as JSON out.

import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";

const [folder, policy, secret, origin] = process.argv.slice(2);
const load = (name) => import(pathToFileURL(`${folder}/${name}`));
const { initSync } = await load("pkg/stillgate.js");
initSync({ module: await readFile(`${folder}/pkg/stillgate_bg.wasm`) });
const { Gate } = await load("gate.js");
const { Local } = await load("local.js");

const records = [];
const local = new Local(policy, secret);
const facts = (request) => ({ source: request.headers.get("x-from"), vouched: {}, properties: {} });
const tell = (shard, message) => local.tell(shard, message);
const gate = new Gate({ policy, secret, origin, tell, facts, log: (line) => records.push(line) });
const context = { waitUntil() {} };

const answers = [];
for (const from of ["192.0.2.1", "192.0.2.1", "192.0.2.1", "198.51.100.1"]) {
  const request = new Request("http://gate.example/v1/chat/completions", {
    method: "POST",
    headers: { authorization: "Bearer sk-one", "content-type": "application/json", "x-from": from },
    body: '{"model":"m","messages":[],"max_tokens":16,"n":1}',
  });
  const response = await gate.fetch(request, context);
  answers.push({ status: response.status, packed: response.headers.get("content-encoding"), body: await response.json() });
}
const all = (name) => answers.map((answer) => answer[name]);
console.log(JSON.stringify({ statuses: all("status"), packed: all("packed"), bodies: all("body"), records }));
