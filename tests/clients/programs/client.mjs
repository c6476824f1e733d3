// One request as a JavaScript client sends it: client.mjs CLIENT URL MODULES. Prints what it is made of, its own
// version first. Packages are found in the folder MODULES, so that one program serves several versions.

import { createRequire } from "node:module";
import { readFileSync } from "node:fs";
import https from "node:https";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [what, url, modules] = process.argv.slice(2);
const require = createRequire(pathToFileURL(join(modules, "x.js")));
const messages = [{ role: "user", content: "hello" }];
const body = { model: "gpt-4o-mini", messages };
const chat = url + "/v1/chat/completions";
const headers = { authorization: "Bearer sk-dummy", "content-type": "application/json" };
const chrome =
  "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36";

// The CommonJS build, as most servers load it.
const load = (name) => require(name);
const version = (name) => JSON.parse(readFileSync(join(modules, "node_modules", name, "package.json"))).version;
const runtime = globalThis.Deno
  ? `Deno ${Deno.version.deno}`
  : globalThis.Bun
    ? `Bun ${Bun.version}`
    : `Node ${process.versions.node}; OpenSSL ${process.versions.openssl}`;
const madeOf = (name) => console.log(`${name ? `${name} ${version(name)}; ` : ""}${runtime}`);

const scenes = {
  async openai() {
    const { OpenAI } = load("openai");
    const client = new OpenAI({ baseURL: url + "/v1", apiKey: "sk-dummy", maxRetries: 0 });
    await client.chat.completions.create(body);
    madeOf("openai");
  },
  async anthropic() {
    const { Anthropic } = load("@anthropic-ai/sdk");
    const client = new Anthropic({ baseURL: url, apiKey: "sk-ant-dummy", maxRetries: 0 });
    await client.messages.create({ model: "claude-x", max_tokens: 9, messages });
    madeOf("@anthropic-ai/sdk");
  },
  async google() {
    const { GoogleGenAI } = load("@google/genai");
    const client = new GoogleGenAI({ apiKey: "dummy", httpOptions: { baseUrl: url } });
    await client.models.generateContent({ model: "gemini-x", contents: "hello" });
    madeOf("@google/genai");
  },
  async axios() {
    await load("axios").post(chat, body, { headers });
    madeOf("axios");
  },
  async "node-fetch"() {
    const { default: fetch } = await import(pathToFileURL(join(modules, "node_modules/node-fetch/src/index.js")));
    await fetch(chat, { method: "POST", headers, body: JSON.stringify(body) });
    madeOf("node-fetch");
  },
  async fetch() {
    await fetch(chat, { method: "POST", headers, body: JSON.stringify(body) });
    madeOf();
  },
  async "fetch-as-chrome"() {
    await fetch(chat, { method: "POST", headers: { ...headers, "user-agent": chrome }, body: JSON.stringify(body) });
    madeOf();
  },
  async https() {
    await new Promise((done, fail) => {
      const request = https.request(chat, { method: "POST", headers }, (answer) => answer.resume().on("end", done));
      request.on("error", fail).end(JSON.stringify(body));
    });
    madeOf();
  },
};

await scenes[what]();
process.exit(0);
