// The APIs and the client programs that a request can be made of. What programs send, and in which order, has been measured; the
// line `{key}` is where the credential stands, in the header of the API, and `{length}` is the body's length.

/**
 * @typedef {object} Api
 * @property {string} name
 * @property {string} path - `{model}` stands for the model
 * @property {(key: string) => [string, string]} credential - the header that a key is sent in
 * @property {Array<[string, string]>} [also] - headers that the API wants, where the client does not send them
 * @property {((ask: {model: string, prompt: string, cap: number | null, stream: boolean}) => object) | null} body
 */

const bearer = (key) => ["authorization", `Bearer ${key}`];
const user = (prompt) => [{ role: "user", content: prompt }];

/** @type {Record<string, Api>} */
export const APIS = {
  chat: {
    name: "OpenAI chat completions",
    path: "/v1/chat/completions",
    credential: bearer,
    body: ({ model, prompt, cap, stream }) => ({
      model,
      messages: user(prompt),
      ...(cap && { max_completion_tokens: cap }),
      ...(stream && { stream }),
    }),
  },
  responses: {
    name: "OpenAI responses",
    path: "/v1/responses",
    credential: bearer,
    body: ({ model, prompt, cap, stream }) => ({
      model,
      input: prompt,
      ...(cap && { max_output_tokens: cap }),
      ...(stream && { stream }),
    }),
  },
  embeddings: {
    name: "OpenAI embeddings",
    path: "/v1/embeddings",
    credential: bearer,
    body: ({ model, prompt }) => ({ model, input: prompt }),
  },
  messages: {
    name: "Anthropic messages",
    path: "/v1/messages",
    credential: (key) => ["x-api-key", key],
    also: [["anthropic-version", "2023-06-01"]],
    body: ({ model, prompt, cap, stream }) => ({
      model,
      max_tokens: cap ?? 1024,
      messages: user(prompt),
      ...(stream && { stream }),
    }),
  },
  gemini: {
    name: "Gemini generateContent",
    path: "/v1beta/models/{model}:generateContent",
    streamed: "/v1beta/models/{model}:streamGenerateContent?alt=sse",
    credential: (key) => ["x-goog-api-key", key],
    body: ({ prompt, cap }) => ({
      contents: [{ role: "user", parts: [{ text: prompt }] }],
      ...(cap && { generationConfig: { maxOutputTokens: cap } }),
    }),
  },
  other: { name: "Another path", path: "/v1/models", credential: bearer, body: null },
};

const stainless = (version) => [
  ["x-stainless-lang", "python"],
  ["x-stainless-package-version", version],
  ["x-stainless-os", "Linux"],
  ["x-stainless-arch", "x64"],
  ["x-stainless-runtime", "CPython"],
  ["x-stainless-runtime-version", "3.11.7"],
];
const JSON_TYPE = ["content-type", "application/json"];
const LENGTH = ["content-length", "{length}"];

/** @type {Record<string, {name: string, ja4: string, headers: Array<[string, string]>}>} */
export const CLIENTS = {
  openai: {
    name: "OpenAI SDK for Python",
    ja4: "t13d1812h1_85036bcba153_d41ae481755e",
    headers: [
      ["accept-encoding", "gzip, deflate"],
      ["accept", "application/json"],
      JSON_TYPE,
      ["user-agent", "OpenAI/Python 2.8.1"],
      ...stainless("2.8.1"),
      ["{key}", ""],
      ["x-stainless-async", "false"],
      ["x-stainless-retry-count", "0"],
      ["x-stainless-read-timeout", "600"],
      LENGTH,
    ],
  },
  anthropic: {
    name: "Anthropic SDK for Python",
    ja4: "t13d1812h1_85036bcba153_d41ae481755e",
    headers: [
      ["accept-encoding", "gzip, deflate"],
      ["x-stainless-timeout", "600"],
      ["accept", "application/json"],
      JSON_TYPE,
      ["user-agent", "Anthropic/Python 0.74.1"],
      ...stainless("0.74.1"),
      ["{key}", ""],
      ["x-stainless-async", "false"],
      ["anthropic-version", "2023-06-01"],
      ["x-stainless-retry-count", "0"],
      ["x-stainless-read-timeout", "600"],
      LENGTH,
    ],
  },
  google: {
    name: "Google GenAI SDK for Python",
    ja4: "t13d1812h1_85036bcba153_d41ae481755e",
    headers: [
      JSON_TYPE,
      ["{key}", ""],
      ["user-agent", "google-genai-sdk/1.52.0 gl-python/3.11.7"],
      ["x-goog-api-client", "google-genai-sdk/1.52.0 gl-python/3.11.7"],
      ["accept", "*/*"],
      ["accept-encoding", "gzip, deflate"],
      LENGTH,
    ],
  },
  curl: {
    name: "curl",
    ja4: "t13d3112h1_e8f1e7e78f70_b26ce05bbdd6",
    headers: [["user-agent", "curl/7.88.1"], ["accept", "*/*"], ["{key}", ""], JSON_TYPE, LENGTH],
  },
  browser: {
    name: "A browser (Chrome)",
    ja4: "t13d1516h2_8daaf6152771_02713d6af862",
    headers: [
      LENGTH,
      ["sec-ch-ua-platform", '"Linux"'],
      ["{key}", ""],
      ["user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/143.0.0.0 Safari/537.36"],
      ["sec-ch-ua", '"Chromium";v="143", "Not A(Brand";v="24"'],
      JSON_TYPE,
      ["sec-ch-ua-mobile", "?0"],
      ["accept", "*/*"],
      ["origin", "https://app.example.com"],
      ["sec-fetch-site", "cross-site"],
      ["sec-fetch-mode", "cors"],
      ["sec-fetch-dest", "empty"],
      ["accept-encoding", "gzip, deflate, br, zstd"],
      ["accept-language", "en-US,en;q=0.9"],
    ],
  },
  impostor: {
    name: "A Go program that says it is the OpenAI SDK",
    ja4: "t13d1312h2_f57a46bbacb6_a089bac06eae",
    headers: [
      ["x-stainless-runtime", "CPython"],
      ["x-stainless-runtime-version", "3.12.1"],
      ["x-stainless-async", "false"],
      ["x-stainless-package-version", "1.99.9"],
      ["x-stainless-arch", "x64"],
      ["x-stainless-lang", "python"],
      ["{key}", ""],
      JSON_TYPE,
      ["accept", "application/json"],
      ["user-agent", "OpenAI/Python 1.99.9"],
      ["x-stainless-os", "Linux"],
      LENGTH,
      ["accept-encoding", "gzip"],
    ],
  },
};
