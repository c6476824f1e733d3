// The Live view. With LIVE=1 the page is that of a running `stillgate up`, whose gate is at GATE and allows five requests a minute
// for each key, with "record": "all", until a POST to CHANGE has it allow six; without it, nothing runs behind the page, and then
// what runs is made up.

import { randomUUID } from "node:crypto";

import { equal, has, open } from "./browser.mjs";

const { LIVE, GATE, CHANGE } = process.env;
const visit = await open();
const { page } = visit;

/** Asks the gate, as a key; answers with the status. */
async function ask(key) {
  const response = await fetch(`${GATE}/v1/chat/completions`, {
    method: "POST",
    headers: { authorization: `Bearer ${key}`, "content-type": "application/json" },
    body: JSON.stringify({ model: "demo", messages: [{ role: "user", content: "hello there" }] }),
  });
  await response.arrayBuffer();
  return response.status;
}

/** Waits until a verdict was counted so often at least. */
const counted = (verdict, least) =>
  page.waitForFunction(
    ([name, number]) => {
      const cell = document.querySelector(`tr[data-verdict=${name}] .number`);
      return cell && Number(cell.textContent.replaceAll(",", "")) >= number;
    },
    [verdict, least],
  );
const count = async (verdict) =>
  Number((await page.locator(`tr[data-verdict=${verdict}] .number`).first().textContent()).replaceAll(",", ""));

// A stream that nobody looks at any more is closed, and one that is none is too.
visit.expect(/\/live: net::ERR_ABORTED$/);
if (LIVE) await behind();
else {
  await nothing();
  await madeUp();
}
await visit.finish();

/** Something runs. */
async function behind() {
  await visit.go("live");

  await visit.check("it says what runs, and what is in force", async () => {
    await page.locator(".state", { hasText: "Live" }).waitFor();
    has(await page.locator(".runs").textContent(), GATE);
    await page.getByText("5 requests in 1m for each key").waitFor();
  });

  await visit.check("requests appear with their verdicts as they come, with the key and the quota that refused", async () => {
    await page.locator("tr[data-verdict=throttle]").waitFor();
    const before = await count("throttle");
    const statuses = [];
    const mine = `sk-${randomUUID()}`;
    for (let number = 0; number < 7; number += 1) statuses.push(await ask(mine));
    equal(statuses, [200, 200, 200, 200, 200, 429, 429]);
    await counted("throttle", before + 2);
    const newest = page.locator(".latest tbody tr").first();
    has(await newest.textContent(), /throttle.*per-minute.*429.*POST \/v1\/chat\/completions/);
    const key = await newest.locator("td").nth(3).textContent();
    has(key, /^[0-9a-f]{16}$/);
    await page.getByRole("row", { name: key }).first().waitFor();
    await page.getByRole("row").filter({ hasText: "5 requests in 1m" }).filter({ hasText: /0$/ }).waitFor();
  });

  await visit.check("keys are in the order of refusals where that is asked", async () => {
    await page.getByRole("button", { name: "by refusals" }).click();
    equal(await page.getByRole("button", { name: "by refusals" }).getAttribute("aria-pressed"), "true");
  });

  await visit.check("the latest can be those of one verdict", async () => {
    await page.getByLabel("Show", { exact: true }).selectOption("throttle");
    const rows = await page.locator(".latest tbody tr td:nth-child(2)").allTextContents();
    equal([...new Set(rows)], ["throttle"]);
    await page.getByLabel("Show", { exact: true }).selectOption("all");
  });

  await visit.check("a pause keeps the rows, and they come when it goes on", async () => {
    await page.getByRole("button", { name: "Pause" }).click();
    const before = await page.locator(".latest tbody tr").count();
    const allowed = await count("allow");
    equal(await ask(`sk-${randomUUID()}`), 200);
    await counted("allow", allowed + 1);
    equal(await page.locator(".latest tbody tr").count(), before);
    await page.getByRole("button", { name: "Go on" }).click();
    await page.locator(".latest tbody tr").nth(before).waitFor();
  });

  await visit.check("who comes back finds it live again", async () => {
    await page.getByRole("tab", { name: "Try" }).click();
    await page.getByRole("tab", { name: "Live" }).click();
    await page.locator(".state", { hasText: "Live" }).waitFor();
    await page.locator(".latest tbody tr").first().waitFor();
  });

  await visit.check("another policy is shown, and what was counted and told before stays", async () => {
    const rows = await page.locator(".latest tbody tr").count();
    const response = await fetch(CHANGE, { method: "POST" });
    equal(response.status, 200);
    await page.getByText("6 requests in 1m for each key").waitFor();
    equal(await page.locator(".latest tbody tr").count(), rows);
    const refused = page.getByRole("row").filter({ hasText: "6 requests in 1m" }).locator(".number").first();
    has(await refused.textContent(), /^[1-9]/);
    equal(await ask(`sk-${randomUUID()}`), 200);
    await page.locator(".latest tbody tr").nth(rows).waitFor();
  });
}

/** Nothing runs. */
async function nothing() {
  visit.expect(/404/);
  // What came with it is not read any more.
  visit.expect(/\/live: net::ERR_ABORTED$/);
  await visit.go("live");
  await visit.check("where nothing runs, it says so and what to do", async () => {
    await page.getByText("The server that this page came from has no gate to tell of.").waitFor();
    await page.getByRole("button", { name: "cargo run --release -- up" }).waitFor();
    equal(await page.locator(".state").isVisible(), false);
  });
}

/** A server that is made up, and tells what it is told to. */
async function madeUp() {
  await page.addInitScript(() => {
    globalThis.EventSource = class extends EventTarget {
      constructor() {
        super();
        globalThis.server = this;
      }

      close() {}
    };
  });
  const now = Date.now();
  const policy = {
    version: 1,
    account: { tier: { header: "x-tier" } },
    quotas: [
      { name: "per-minute", per: ["key"], count: "requests", limit: 5, window: "1m" },
      { name: "by-tier", per: ["key"], count: "concurrent", limit: { by: "tier", values: { pro: 1000, free: 2 }, else: 5 } },
    ],
    record: "all",
  };
  const hello = { program: "Envoy", listen: "http://127.0.0.1:10000", policy: JSON.stringify(policy), now };
  const asked = { time: now, method: "POST", path: "/v1/chat/completions", status: 200, details: "via_upstream" };
  const allowed = { verdict: "allow", reason: "none", key: "d34fa73bd47084e8", remaining: 4 };
  const refused = { verdict: "throttle", reason: "quota", rule: "per-minute", key: "d34fa73bd47084e8", remaining: 0 };
  const request = (decision, more = {}) => ["request", { ...asked, decision, ...more }];
  const tell = (events) =>
    page.evaluate((list) => {
      for (const [name, data] of list) {
        globalThis.server.dispatchEvent(new MessageEvent(name, { data: typeof data === "string" ? data : JSON.stringify(data) }));
      }
    }, events);
  /** Begins anew, with these events. */
  const begin = async (events, greeting = hello) => {
    await page.goto("about:blank");
    await visit.go("live");
    await tell([["hello", greeting], ...events]);
    await page.locator("tr[data-verdict=allow]").waitFor({ state: "attached" });
  };
  const newest = page.locator(".latest tbody tr").first();
  const quotas = page.getByRole("region", { name: "Quotas in force" });
  const keys = page.getByRole("region", { name: "Top keys" });

  await visit.check("an event that is not understood is counted, and keeps no other from the page", async () => {
    await begin([
      ["request", null],
      ["request", "no JSON"],
      request({ verdict: "perhaps" }),
      ["stats", {}],
      ["campaign", { time: now, campaign: "c-5f1e0c2ad47084e8", event: "reopened" }],
      request({ verdict: "deny", key: "99ab571bd3ab2a11" }, { status: 403 }),
      request({ ...allowed, verdict: "tag", checks: [{ rule: "impostor", then: "tag", count: null }] }),
    ]);
    await page.getByText("5 events of the server's were not understood and left out.").waitFor();
    has(await newest.textContent(), "tag");
    await page.getByRole("region", { name: "Checks that found something" }).getByRole("row", { name: "impostor" }).waitFor();
    await tell([request(allowed)]);
    await counted("allow", 1);
    equal(await count("deny"), 1);
  });

  await visit.check("a policy in force that cannot be read is said to be so, and requests are told all the same", async () => {
    await begin([request(allowed)], { ...hello, policy: "{" });
    await quotas.getByText("The policy in force cannot be read by this page").waitFor();
    has(await newest.textContent(), "allow");
  });

  await visit.check("a greeting that is not understood does not pass for the first, and another policy keeps what was counted", async () => {
    await begin([["hello", hello], request(allowed)], { ...hello, now: null });
    await counted("allow", 1);
    await tell([["hello", { ...hello, policy: '{"version": 1}' }], request(allowed)]);
    await quotas.getByText("The policy has none.").waitFor();
    await counted("allow", 2);
  });

  await visit.check("what is focused, selected and scrolled stays so while numbers change", async () => {
    await page.setViewportSize({ width: 360, height: 740 });
    await begin([request(allowed)]);
    await keys.getByRole("row", { name: "d34fa73bd47084e8" }).waitFor();
    const box = keys.getByRole("group", { name: "Keys, counted" });
    await box.focus();
    await box.evaluate((element) => {
      element.scrollLeft = 20;
      getSelection().selectAllChildren(element.querySelector("tbody th"));
    });
    await tell([request(allowed), request(allowed)]);
    await counted("allow", 3);
    await keys.getByRole("row").filter({ hasText: /e83/ }).waitFor();
    equal(await box.evaluate((element) => [element === document.activeElement, element.scrollLeft]), [true, 20]);
    equal(await page.evaluate(() => getSelection().toString()), "d34fa73bd47084e8");
    await page.setViewportSize({ width: 1440, height: 900 });
  });

  await visit.check("what to ask where nothing was asked is there once, however often statistics come", async () => {
    const total = { name: "stillgate_requests_total", labels: { verdict: "allow", reason: "none" }, value: 3 };
    await begin([]);
    const curl = page.getByRole("button", { name: "curl" });
    await curl.focus();
    await tell([["stats", { metrics: [total] }]]);
    await counted("allow", 3);
    equal(await curl.evaluate((element) => element === document.activeElement), true);
  });

  await visit.check("a refusal is the least that was left, of its quota and of all", async () => {
    await begin([request(allowed), request(refused)]);
    await quotas.getByRole("row").filter({ hasText: "5 requests in 1m for each key" }).filter({ hasText: /10$/ }).waitFor();
    await quotas.getByText("had left under any quota: 0.").waitFor();
  });

  await visit.check("a quota by a fact tells its limits", async () => {
    await quotas.getByText("requests at once for each key: 1,000 where tier is pro, 2 where tier is free, else 5").waitFor();
  });

  await visit.check("tables tell since when they count", async () => {
    await begin([request(allowed, { time: now - 3 * 86_400_000 }), request(allowed)]);
    await keys.getByText(/^Keys, told here since \w+, \d+ \w+ \d+, \d\d:\d\d UTC$/).waitFor();
    await begin([request(allowed)]);
    await quotas.getByText(/, told here since \d\d:\d\d:\d\d UTC$/).waitFor();
  });

  await visit.check("the chart goes no further back than all is told", async () => {
    const older = Array.from({ length: 1000 }, (_, at) => request(allowed, { time: now - 60_000 + at }));
    await begin(older.slice(1));
    await page.getByText("Requests a second, the last 5 minutes").waitFor();
    await begin(older);
    await page.getByText(/^Requests a second, as far back as is told: (5\d s|1 m)/).waitFor();
    await page.getByRole("img", { name: /^In the last (5\d s|1 m)/ }).waitFor();
  });

  await visit.check("a request without a decision is not said to be allowed, unless it was and no more is told", async () => {
    await begin([request(null, { status: 404, details: "route_not_found" }), request(allowed)]);
    has(await page.locator(".latest tbody tr").last().textContent(), "no decision");
    equal(await count("allow"), 1);
    await page.getByLabel("Show", { exact: true }).selectOption("no decision");
    equal(await page.locator(".latest tbody tr").count(), 1);
    await begin([request(null)], { ...hello, policy: '{"version": 1}' });
    has(await newest.textContent(), "allow");
  });

  await visit.check("one long path does not push the rest out of sight, and can be read", async () => {
    const path = `/v1/${"long/".repeat(200)}`;
    await begin([request(allowed, { path })]);
    const box = page.getByRole("group", { name: "The latest requests" });
    equal(await box.evaluate((element) => element.scrollWidth - element.clientWidth), 0);
    equal(await newest.locator(".long").last().getAttribute("title"), `POST ${path}`);
  });

  await visit.check("no name turns the text around it", async () => {
    await begin([request({ ...refused, rule: "per\u202eminute" }, { path: "/v1/\u202emodels" })]);
    has(await newest.textContent(), "per\\u202eminute");
    has(await newest.textContent(), "POST /v1/\\u202emodels");
    equal((await page.locator("#panel-live").textContent()).includes("\u202e"), false);
  });

  await visit.check("more keys than are counted are said to be more", async () => {
    const key = (at) => at.toString(16).padStart(16, "0");
    const many = (number) => Array.from({ length: number }, (_, at) => request({ ...allowed, key: key(at) }));
    await begin(many(1500));
    await keys.getByText("1,500 keys told with a decision").waitFor();
    await tell(many(2001).slice(1500));
    await keys.getByText("more than 2,000 keys, of which those that ask least are forgotten,").waitFor();
  });
}
