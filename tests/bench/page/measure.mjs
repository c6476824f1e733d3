// Measures the page in Chromium, and prints what it found as JSON: see main.rs beside it.

import { open } from "../../page/browser.mjs";

/** How often the page is loaded. */
const LOADS = 9;

const median = (numbers) => numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)];

/** Milliseconds from the start of a load to the first paint, and until the policy was read. */
async function load() {
  const visit = await open();
  const { page } = visit;
  await page.goto(process.env.PAGE);
  await page.locator(".order.sound").waitFor();
  const ready = await page.evaluate(() => performance.now());
  const paint = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime);
  await visit.close();
  return { paint, ready };
}

/** Runs a scenario of so many days, and watches how often the page is drawn meanwhile. */
async function run(days) {
  const visit = await open();
  const { page } = visit;
  await visit.go("campaign");
  await page.getByLabel("Scenario", { exact: true }).selectOption("a1");
  await page.getByLabel("Scale").fill("100");
  await page.getByLabel("Days").fill(String(days));
  await page.evaluate(() => {
    window.gap = 0;
    let last = performance.now();
    const tick = (now) => {
      window.gap = Math.max(window.gap, now - last);
      last = now;
      requestAnimationFrame(tick);
    };
    requestAnimationFrame(tick);
  });
  const began = performance.now();
  await page.getByRole("button", { name: "Run" }).click();
  await page.locator(".pace").getByText(/^Done/).waitFor({ timeout: 600_000 });
  const seconds = (performance.now() - began) / 1000;
  const gap = await page.evaluate(() => window.gap);
  const number = (text, pattern) => Number(text.match(pattern)[1].replaceAll(",", ""));
  const requests = number(await page.locator(".pace").innerText(), /([\d,]+) requests/);
  const interactions = number(await page.locator(".headline h2").innerText(), /Of ([\d,]+) interactions/);
  await visit.close();
  return { seconds, gap, requests, interactions };
}

const loads = [];
for (let count = 0; count < LOADS; count += 1) loads.push(await load());
const told = {
  loads: LOADS,
  paint: median(loads.map(({ paint }) => paint)),
  ready: median(loads.map(({ ready }) => ready)),
  five: await run(5),
  all: await run(45),
};
console.log(JSON.stringify(told));
