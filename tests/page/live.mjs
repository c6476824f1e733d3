// The Live view. With LIVE=1 the page is that of a running `stillgate up`, whose gate is at GATE and allows five requests a minute for
// each key, with "record": "all", until a POST to CHANGE has it allow six; without it, nothing runs behind the page.

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

if (LIVE) await behind();
else await nothing();
await visit.finish();

/** Something runs. */
async function behind() {
  // A stream that nobody looks at any more is closed.
  visit.expect(/\/live: net::ERR_ABORTED$/);
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
