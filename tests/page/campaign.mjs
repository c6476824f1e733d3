// The Campaign view: scenarios, run by the engine in a worker.

import { equal, has, open } from "./browser.mjs";

const visit = await open();
const { page } = visit;
const headline = page.locator(".headline h2");
const pace = page.locator(".pace");
const moment = page.getByRole("slider", { name: "Moment" });
const campaigns = page.locator(".cases > .case");
const number = (text) => Number(text.match(/[\d,]+/)[0].replaceAll(",", ""));

/** Chooses a scenario and starts it. */
async function run(name, { scale = 100, days = 2 } = {}) {
  await page.getByLabel("Scenario", { exact: true }).selectOption(name);
  await page.getByLabel("Scale").fill(String(scale));
  await page.getByLabel("Days").fill(String(days));
  await page.getByRole("button", { name: "Run" }).click();
}

/** Has the page count the times that it did not draw for more than a second, until it is asked. */
const watch = () =>
  page.evaluate(() => {
    window.gaps = 0;
    let last = performance.now();
    const tick = (now) => {
      if (now - last > 1000) window.gaps += 1;
      last = now;
      window.watching = requestAnimationFrame(tick);
    };
    window.watching = requestAnimationFrame(tick);
  });
const gaps = () =>
  page.evaluate(() => {
    cancelAnimationFrame(window.watching);
    return window.gaps;
  });

await visit.go("campaign");

await visit.check("a campaign is found, and the page goes on drawing meanwhile", async () => {
  await watch();
  await run("a1");
  await pace.filter({ hasText: /^Done: 1[34]\d,\d{3} requests in / }).waitFor();
  const long = await gaps();
  if (long > 1) throw new Error(`the page stood still ${long} times for more than a second`);
  has(await headline.textContent(), /^Of 12,\d{3} interactions of the campaign \d{3} were let through/);
  has(await page.locator(".sentences").textContent(), /1 campaign is convicted, \d h \d+ m after its first request\./);
  has(await page.locator(".sentences").textContent(), /honest requests none was refused\./);
  equal(await campaigns.count(), 1);
});

await visit.check("it is told why, and who else was touched", async () => {
  has(await campaigns.first().locator("summary").first().textContent(), /convicted c-[0-9a-f]{16}/);
  has(await campaigns.first().locator(".terms").first().textContent(), "Many keys share what the prompts have in common.");
  equal(await campaigns.first().locator(".term").count(), 20);
  has(await campaigns.first().locator(".inside").textContent(), "campaigns.acquit");
  await page.getByText("Nobody else was touched.").waitFor();
  equal(await page.locator(".whom tbody tr").count(), 12);
});

await visit.check("before its conviction there is no campaign, and at the start there is nothing", async () => {
  const all = number(await headline.textContent());
  await moment.focus();
  await page.keyboard.press("Home");
  await headline.filter({ hasText: /^Nothing has come yet\.$/ }).waitFor();
  for (let step = 0; step < 3; step += 1) await page.keyboard.press("ArrowRight");
  await headline.filter({ hasText: /^Of \d+ interactions/ }).waitFor();
  if (number(await headline.textContent()) >= all) throw new Error("there are as many interactions as at the end");
  equal(await campaigns.count(), 0);
  has(await moment.getAttribute("aria-valuetext"), "day 1, 30 m · Wed, 22 Apr 2026, 00:30 UTC");
  await page.keyboard.press("End");
  await campaigns.first().waitFor();
});

await visit.check("a press on a chart goes to the moment there", async () => {
  const plot = page.locator(".chart .u-over").first();
  await plot.scrollIntoViewIfNeeded();
  const { width, height } = await plot.boundingBox();
  await plot.click({ position: { x: width / 2, y: height / 2 } });
  has(await moment.getAttribute("aria-valuetext"), /^day (1, 2\d h|2, 0 m|1, its end)/);
});

await visit.check("it plays by itself, from the start once it has come to the end", async () => {
  await moment.focus();
  await page.keyboard.press("End");
  await page.getByRole("button", { name: "Play" }).click();
  await page.getByRole("button", { name: "Pause" }).waitFor();
  await page.waitForFunction(() => {
    const { value, max } = document.querySelector(".scrubber input");
    return Number(value) > 0 && Number(value) < Number(max) / 2;
  });
  await page.getByRole("button", { name: "Pause" }).click();
  await page.getByRole("button", { name: "Play" }).waitFor();
});

await visit.check("charts and the picture are told as tables, and cells by keys", async () => {
  await page.locator(".chart summary").first().click();
  await page.locator(".chart").first().locator("tbody tr").nth(47).waitFor();
  const picture = page.locator(".picture canvas");
  has(await picture.getAttribute("aria-label"), /^Keys by templates: \d+ templates, 1 of them of a campaign/);
  await picture.focus();
  await page.keyboard.press("ArrowDown");
  has(await page.locator(".cell").textContent(), /^Template [0-9a-f]{16}.*, key [0-9a-f]{16} \(interactions\): /);
  await page.locator("details", { hasText: "Show as table" }).last().locator("summary").click();
  const numbers = page.getByRole("group", { name: "The picture's numbers" });
  await numbers.getByRole("columnheader", { name: "would be refused" }).waitFor();
});

await visit.check("what is stopped is shown as far as it came", async () => {
  await run("a1", { scale: 20, days: 45 });
  await pace.filter({ hasText: /^[1-9]\d* % · / }).waitFor();
  await page.getByRole("button", { name: "Stop" }).click();
  await pace.filter({ hasText: /^Stopped: / }).waitFor();
  has(await headline.textContent(), /^Of [\d,]+ interactions of the campaign/);
  equal(await page.locator(".progress progress").isVisible(), false);
});

await visit.check("to start anew ends what ran", async () => {
  await run("a1", { scale: 20, days: 45 });
  await pace.filter({ hasText: /^\d+ % · / }).waitFor();
  await run("none", { days: 1 });
  await pace.filter({ hasText: /^Done: 6\d,\d{3} requests/ }).waitFor();
  equal(await headline.textContent(), "There is no campaign in this traffic.");
});

await visit.check("a scenario with a fault is refused with a sentence, and one of one's own is run", async () => {
  await page.getByText("More: the whole scenario").click();
  const text = page.getByLabel("Scenario, as stillgate simulate reads it");
  await text.fill('{"days": 99}');
  const wrong = page.locator(".scenario .wrong");
  has(await wrong.textContent(), "days is 99; it must be 1 to 49");
  await page.getByRole("button", { name: "Run" }).click();
  equal(await text.evaluate((element) => document.activeElement === element), true);
  await text.fill('{"days": ');
  has(await wrong.textContent(), "this is no scenario: ");
  await text.fill('{"days": 1, "scale": 1000, "campaign": {"keys": 5000}}');
  equal(await page.getByLabel("Scale").inputValue(), "1000");
  await page.getByRole("button", { name: "Run" }).click();
  await pace.filter({ hasText: /^Done: 6,\d{3} requests/ }).waitFor();
});

await visit.check("the policy in the editor decides where it is chosen", async () => {
  const watching = {
    version: 1,
    account: { age_days: { header: "x-auth-age" } },
    quotas: [],
    campaigns: { jitter: "0s", steps: [{ at: "convicted", then: "deny" }] },
  };
  await page.evaluate((text) => localStorage.setItem("stillgate.policy", text), JSON.stringify(watching));
  await page.goto("about:blank");
  await visit.go("campaign");
  await page.getByLabel("the policy in the editor").check();
  await run("a1");
  await pace.filter({ hasText: /^Done: / }).waitFor();
  has(
    await headline.textContent(),
    /12,\d{3} were let through \(100 %\)\. [\d,]+ would have been refused, by rules in shadow\.$/,
  );
});

await visit.check("a policy with faults does not decide, and is told", async () => {
  await page.evaluate(() => localStorage.setItem("stillgate.policy", '{"version": 1, "quotas": 3}'));
  await page.goto("about:blank");
  await visit.go("campaign");
  await page.getByLabel("the policy in the editor").check();
  await run("a1");
  await page.getByText("The policy in the editor has 1 fault: mend it in the Policy view").waitFor();
  equal(await page.locator(".progress").isVisible(), false);
});

await visit.finish();
