// The Try view: what comes of requests, and what is said of those that cannot be sent.

import { equal, has, open } from "./browser.mjs";

const visit = await open();
const { page } = visit;
const outcomes = page.locator(".outcomes li");
const total = page.locator(".total");
const answer = page.getByRole("region", { name: "One answer" });
const standing = page.getByRole("region", { name: "How things stand" });

const POLICY = {
  version: 1,
  verify_url: "https://example.com/verify",
  account: { tier: { header: "x-auth-tier" } },
  quotas: [
    { name: "per-minute", per: ["key"], count: "requests", limit: { by: "tier", values: { pro: 100 }, else: 60 }, window: "1m" },
    { name: "tokens", per: ["key"], count: "tokens", limit: 100_000, window: "1d", mode: "shadow" },
  ],
  checks: [{ name: "key-farm", per: ["network"], distinct: "key", limit: 50, window: "1d", then: "verify" }],
  record: "all",
};

/** Begins with a policy, in the view. */
async function begin(policy, view = "try") {
  await page.evaluate(
    (text) => localStorage.setItem("stillgate.policy", text),
    typeof policy === "string" ? policy : JSON.stringify(policy),
  );
  await page.goto("about:blank");
  await visit.go(view);
}

const field = (name) => page.locator(`#field-${name}`);

/** Fills fields in by their names and sends, and waits until so many requests have been decided. */
async function send(fields, sent) {
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === "boolean") await field(name).setChecked(value);
    else if (name === "api" || name === "client") await field(name).selectOption(value);
    else await field(name).fill(value);
  }
  await page.getByRole("button", { name: "Send", exact: true }).click();
  if (sent) await total.filter({ hasText: new RegExp(`^${sent} request`) }).waitFor();
}

/** The runs, each as its words in one line. */
async function runs() {
  return (await outcomes.allInnerTexts()).map((text) => text.replaceAll(/\s+/g, " ").trim());
}

await visit.go("try");

await visit.check("before anything was sent, the view says what to do", async () => {
  has(await page.locator(".summary").innerText(), "Nothing has been sent yet.");
});

await visit.check("61 requests with 60 a minute: 60 pass, one is throttled, and a minute brings them back", async () => {
  await begin(POLICY);
  await page.getByRole("group", { name: "Times" }).getByRole("button", { name: "61", exact: true }).click();
  await send({}, 61);
  equal(await runs(), ["1–60 allow 200", "61 throttle quota · per-minute 429"]);
  equal(await total.innerText(), "61 requests: 60 let through, 1 refused.");
  has(await answer.innerText(), /retry-after: 6\d/);
  has(await answer.innerText(), "rate_limit_exceeded");
  has(await standing.innerText(), "60 of 60");
  equal(
    await standing
      .locator("meter")
      .first()
      .evaluate((meter) => meter.value / meter.max),
    1,
  );
  await outcomes.first().getByRole("button").click();
  has(await answer.innerText(), "ratelimit-policy");
  has(await answer.innerText(), '"verdict": "allow"');
  await send({ times: "1" }, 1);
  equal(await runs(), ["1 throttle quota · per-minute 429"]);
  await page.getByRole("button", { name: "Let a minute pass" }).click();
  await page.getByRole("button", { name: "Let a minute pass" }).click();
  has(await page.locator(".clock").innerText(), "2 m");
  await send({}, 1);
  equal(await runs(), ["1 allow 200"]);
});

await visit.check("an account's header changes the limit", async () => {
  await begin(POLICY);
  await send({ times: "61", account: "X-Auth-Tier: pro" }, 61);
  equal(await runs(), ["1–61 allow 200"]);
  has(await standing.innerText(), "61 of 100");
});

await visit.check("a pause lets time pass", async () => {
  await begin(POLICY);
  await send({ times: "100", every: "2s" }, 100);
  equal(await runs(), ["1–100 allow 200"]);
});

await visit.check("without a key, and with one that is ambiguous: 401", async () => {
  await begin(POLICY);
  await send({ key: "" }, 1);
  equal(await runs(), ["1 deny missing_credential 401"]);
  has(await answer.innerText(), "www-authenticate: Bearer");
  has(await standing.innerText(), "No quota covered these requests.");
  await send({ key: "sk-one", account: "x-api-key: sk-two" }, 1);
  equal(await runs(), ["1 deny ambiguous_credential 401"]);
});

await visit.check("keys that are numbered are a farm", async () => {
  await begin(POLICY);
  await send({ numbered: true, times: "60" }, 60);
  equal(await field("key").inputValue(), "sk-one-#");
  equal(await runs(), ["1–51 allow 200", "52–60 verify distinct · key-farm 403"]);
  has(await standing.innerText(), "key-farm");
  has(await answer.innerText(), "https://example.com/verify");
  await page.getByRole("button", { name: "Start afresh" }).click();
  await send({}, 60);
  equal((await runs())[0], "1–51 allow 200");
});

await visit.check("a rule in shadow says what it would have done", async () => {
  await begin({
    version: 1,
    quotas: [{ name: "watched", per: ["key"], count: "requests", limit: 3, window: "1h", mode: "shadow" }],
  });
  await send({ times: "5" }, 5);
  equal(await runs(), ["1–3 allow 200", "4–5 allow would throttle quota · watched 200"]);
  has(await answer.innerText(), "What rules in shadow would have done");
  has(await standing.innerText(), "in shadow");
});

await visit.check("each API has its own refusals, and its own place for the key", async () => {
  await begin({ version: 1, quotas: [{ name: "one", per: ["key"], count: "requests", limit: 1, window: "1h" }] });
  for (const [api, header, part] of [
    ["chat", "authorization: Bearer k", "rate_limit_exceeded"],
    ["responses", "authorization: Bearer k", "rate_limit_exceeded"],
    ["embeddings", "authorization: Bearer k", "rate_limit_exceeded"],
    ["messages", "x-api-key: k", "rate_limit_error"],
    ["gemini", "x-goog-api-key: k", "RESOURCE_EXHAUSTED"],
  ]) {
    await send({ api, key: `k-${api}`, times: "2" }, 2);
    equal((await runs())[1], "2 throttle quota · one 429");
    has(await answer.innerText(), part);
    has(await field("headers").inputValue(), header);
  }
  await send({ api: "other", key: "k", method: "GET", path: "/elsewhere" }, 2);
  has(await answer.innerText(), "application/problem+json");
});

await visit.check("a client that is not what it says is found", async () => {
  await begin({ version: 1, quotas: [], checks: [{ name: "impostor", contradiction: ["agent", "ja4"], then: "tag" }] });
  await send({}, 1);
  equal(await runs(), ["1 allow 200"]);
  for (const client of ["anthropic", "google", "curl", "browser"]) {
    await send({ client }, 1);
    equal(await runs(), ["1 allow 200"]);
  }
  await send({ client: "impostor" }, 1);
  equal(await runs(), ["1 tag contradiction · impostor 200"]);
  has(await answer.innerText(), "+ x-stillgate-checks: impostor");
});

await visit.check("headers that were edited are sent as they are", async () => {
  await begin(POLICY);
  await page.getByText("All headers of the client").click();
  await send({ headers: "Authorization: Bearer other\nuser-agent: mine/1.0" }, 1);
  has(await page.locator("#headers-note").innerText(), "These are yours now");
  await send({ headers: "nonsense" });
  has(await page.locator("#headers-wrong").innerText(), "“nonsense” is no header");
  await page.getByRole("button", { name: "As the client sends them" }).click();
  has(await field("headers").inputValue(), "OpenAI/Python");
});

await visit.check("what is wrong with a header does not turn the text around it", async () => {
  await begin(POLICY);
  await send({ account: "\u202e" });
  has(await page.locator("#account-wrong").innerText(), "“\\u202e” is no header");
});

await visit.check("a body that is no JSON is sent, and said to be none", async () => {
  await begin({
    version: 1,
    on_unreadable: "deny",
    quotas: [{ name: "tokens", per: ["key"], count: "tokens", limit: 1000, window: "1h" }],
  });
  await send({ raw: true, body: '{"model": ' }, 1);
  has(await page.locator("#body-note").innerText(), "This is no JSON. It is sent as it is.");
  equal(await runs(), ["1 deny unreadable 400"]);
});

await visit.check("a key that is not ASCII is a key", async () => {
  await begin(POLICY);
  await send({ key: "schlüssel-日本", times: "61" }, 61);
  equal(await runs(), ["1–60 allow 200", "61 throttle quota · per-minute 429"]);
});

await visit.check("ten thousand at once", async () => {
  await begin(POLICY);
  await send({ times: "10000", numbered: true, source: "203.0.113.9" }, "10,000");
  equal((await runs())[0], "1–51 allow 200");
});

await visit.check("ten thousand with long bodies: the page can be used meanwhile, and the rest can be stopped", async () => {
  await begin({ ...POLICY, quotas: [], checks: [] });
  await send({ times: "10000", numbered: true, prompt: "#".padStart(140_000, "a long body ") });
  await page.getByRole("progressbar", { name: "Requests sent" }).waitFor();
  await page.getByRole("button", { name: "Let a minute pass" }).click();
  has(await page.locator(".told").last().innerText(), "Requests are being sent. Stop that first.");
  await page.getByRole("button", { name: "Stop", exact: true }).click();
  await total.filter({ hasText: /^[\d,]+ requests?: / }).waitFor();
  const [, sent] = /^([\d,]+) request/.exec(await total.innerText());
  const left = (10_000 - Number(sent.replaceAll(",", ""))).toLocaleString("en-US");
  has(await page.locator(".told").last().innerText(), `Stopped: ${left} requests were not sent.`);
  equal(await runs(), [`1–${sent} allow 200`.replace(/^1–1 /, "1 ")]);
  await page.getByRole("button", { name: "Send", exact: true }).waitFor();
});

await visit.check("a policy that changes while requests are sent ends the sending", async () => {
  await send({ times: "10000" });
  await page.getByRole("progressbar", { name: "Requests sent" }).waitFor();
  await page.getByRole("tab", { name: "Policy" }).click();
  await page.getByRole("button", { name: "Public API" }).click();
  await page.getByRole("tab", { name: "Try" }).click();
  await page.getByRole("button", { name: "Send", exact: true }).waitFor();
  equal(await total.innerText(), "");
  has(await page.locator(".told").last().innerText(), "counters start afresh");
});

await visit.check("what cannot be sent is said beside its field", async () => {
  await begin(POLICY);
  const wrong = [
    ["times", "0"],
    ["times", "1e9"],
    ["every", "soon"],
    ["every", "367d"],
    ["source", "300.1.1.1"],
    ["country", "Germany"],
    ["asn", "AS64512"],
    ["cap", "-1"],
    ["status", "99"],
    ["input", "many"],
    ["account", "no colon"],
  ];
  for (const [name, value] of wrong) {
    const before = await field(name).inputValue();
    await send({ [name]: value });
    has(await page.locator(`#${name}-wrong`).innerText(), ".");
    equal(await field(name).getAttribute("aria-invalid"), "true");
    equal(await field(name).evaluate((element) => element === document.activeElement), true);
    await field(name).fill(before);
    equal(await page.locator(`#${name}-wrong`).textContent(), "");
  }
  await send({ numbered: true, source: "203.0.113.#", times: "300" });
  has(await page.locator("#source-wrong").innerText(), "With 300 in place of #");
  equal(await total.innerText(), "");
});

await visit.check("a policy with faults is not tried, and one that changes starts afresh", async () => {
  await begin('{"version": 1, "quotas": 5}');
  has(await page.locator(".try .faulty").innerText(), "The policy has 1 fault");
  equal(await page.getByRole("button", { name: "Send", exact: true }).isDisabled(), true);
  await page.getByRole("link", { name: "Mend it in the Policy view" }).click();
  await page.locator(".cm-content").focus();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.insertText(JSON.stringify(POLICY));
  await page.getByRole("tab", { name: "Try" }).click();
  await send({ times: "61" }, 61);
  await page.getByRole("tab", { name: "Policy" }).click();
  await page.getByRole("button", { name: "Public API" }).click();
  await page.getByRole("tab", { name: "Try" }).click();
  has(await page.locator(".told").last().innerText(), "counters start afresh");
  equal(await total.innerText(), "");
});

await visit.finish();
