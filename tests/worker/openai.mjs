// The official OpenAI client for Node: its folder and a URL in, what it met as JSON out.

import { pathToFileURL } from "node:url";

const [sdk, baseURL] = process.argv.slice(2);
const { default: OpenAI } = await import(pathToFileURL(`${sdk}/index.mjs`));
const ask = { model: "m", messages: [{ role: "user", content: "Hello?" }] };

const raised = (error) => ({ name: error.constructor.name, status: error.status, code: error.code, message: error.message });
const client = new OpenAI({ baseURL, apiKey: "sk-one", maxRetries: 0 });
const call = await client.chat.completions.create(ask);
const stream = [];
for await (const chunk of await client.chat.completions.create({ ...ask, stream: true })) stream.push(chunk.choices[0].delta.content);
const refused = await client.chat.completions.create(ask).catch(raised);
const unknown = await client.chat.completions.create(ask, { headers: { authorization: null } }).catch(raised);
console.log(JSON.stringify({ call: call.choices[0].message.content, stream, refused, unknown }));
