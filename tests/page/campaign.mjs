// The Campaign view: scenarios, run by the engine in a worker.

import { readFile } from "node:fs/promises";

import { equal, has, open } from "./browser.mjs";

const visit = await open();
const { page } = visit;
const headline = page.locator(".headline h2");
const pace = page.locator(".pace");
const moment = page.getByRole("slider", { name: "Moment" });
const campaigns = page.locator(".cases > .case");
const sentences = page.locator(".sentences");
const focused = (locator) => locator.evaluate((element) => element === document.activeElement);
const number = (text) => Number(text.match(/[\d,]+/)[0].replaceAll(",", ""));

/** Chooses a scenario and starts it. */
async function run(name, { scale = 100, days = 2 } = {}) {
  await page.getByLabel("Scenario", { exact: true }).selectOption(name);
  await page.getByLabel("Scale").fill(String(scale));
  await page.getByLabel("Days").fill(String(days));
  await page.getByRole("button", { name: "Run" }).click();
}

/** Opens the view anew, with a policy in the editor that is to decide. */
async function begin(policy) {
  await page.evaluate((text) => localStorage.setItem("stillgate.policy", text), JSON.stringify(policy));
  await page.goto("about:blank");
  await visit.go("campaign");
  await page.getByLabel("the policy in the editor").check();
}

/** Goes to a moment and leaves the focus where it is. */
async function seek(part) {
  const before = await headline.textContent();
  await moment.evaluate((range, part) => {
    range.value = String(Math.round(Number(range.max) * part));
    range.dispatchEvent(new Event("input"));
  }, part);
  await page.waitForFunction((text) => document.querySelector(".headline h2").textContent !== text, before);
}

/** How long after the scenario's beginning the first campaign of the list was convicted. */
async function sinceMidnight() {
  const [, hours, minutes] = (await campaigns.first().locator(".gist").textContent()).match(/^since 22 Apr, (\d\d):(\d\d) UTC/);
  return `${Number(hours)} h ${Number(minutes)} m`;
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
  has(
    await headline.textContent(),
    /^Of 12,\d{3} interactions of the campaign \d{3} were let through \(\d\.\d\d %\), \d+ of them tagged\.$/,
  );
  has(await pace.textContent(), " a second · a1, 1:100, 2 days, seed 1, the simulator's policy");
  has(await page.locator(".sentences").textContent(), /1 campaign is convicted, \d h \d+ m after its first request\./);
  has(await page.locator(".sentences").textContent(), /honest requests none was refused\./);
  equal(await campaigns.count(), 1);
});

await visit.check("it is told why, and who else was touched", async () => {
  has(await campaigns.first().locator("summary").first().textContent(), /convicted c-[0-9a-f]{16}/);
  has(await campaigns.first().locator(".gist").textContent(), /^since 22 Apr, \d\d:\d\d UTC · about \d+ keys · /);
  has(await campaigns.first().locator(".terms").first().textContent(), "Many keys share what the prompts have in common.");
  equal(await campaigns.first().locator(".term").count(), 20);
  has(await campaigns.first().locator(".inside").textContent(), "campaigns.acquit");
  await page.getByText("Nobody else was touched.").waitFor();
  equal(await page.locator(".whom tbody tr").count(), 12);
});

await visit.check("what is opened of a campaign stays so, and the focus in it, while time goes on", async () => {
  await seek(0.03);
  const silent = campaigns.first().locator(".silent > summary");
  await silent.click();
  const why = campaigns.first().getByRole("heading", { name: /^Why: / });
  const before = await why.textContent();
  await seek(1);
  if ((await why.textContent()) === before) throw new Error("the score is the same: this shows nothing");
  equal(await focused(silent), true);
  equal(await silent.locator("..").evaluate((details) => details.open), true);
});

await visit.check("nothing is read out that is not new, however time goes", async () => {
  equal(await page.locator(".scrubber output, .scrubber [role=status]").count(), 0);
  await page.evaluate(() => {
    window.said = 0;
    const live = document.querySelectorAll("#panel-campaign :is([role=status], [role=alert], output, [aria-live])");
    const observer = new MutationObserver((all) => (window.said += all.length));
    for (const region of live) observer.observe(region, { subtree: true, childList: true, characterData: true });
  });
  for (const part of [0.1, 0.3, 0.5, 1]) await seek(part);
  equal(await page.evaluate(() => window.said), 0);
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
  equal(
    await page.locator(".chart caption").first().textContent(),
    "Each row adds up 1 h · The campaign's interactions per 10 m",
  );
  const picture = page.locator(".picture canvas");
  has(await picture.getAttribute("aria-label"), /^Keys by templates: \d+ templates, 1 of them of a campaign/);
  await picture.focus();
  await page.keyboard.press("ArrowDown");
  has(await page.locator(".cell").textContent(), /^Template [0-9a-f]{16}.*, key [0-9a-f]{16} \(interactions\): /);
  await page.locator("details", { hasText: "Show as table" }).last().locator("summary").click();
  const numbers = page.getByRole("group", { name: "The picture's numbers" });
  await numbers.getByRole("columnheader", { name: "would be refused" }).waitFor();
});

await visit.check("what a colour says is seen where colours are forced, and on paper", async () => {
  const ground = (of, mark) => page.locator(of).first().evaluate((part, mark) => getComputedStyle(part, mark).backgroundColor, mark);
  await moment.focus();
  await page.keyboard.press("End");
  const shades = async () => [await ground(".part.refuse"), await ground(".meter .fill"), await ground(".swatch.let", "::before")];
  const before = await shades();
  await page.emulateMedia({ forcedColors: "active" });
  equal(await shades(), before);
  await page.emulateMedia({ forcedColors: "none", media: "print" });
  equal(await page.locator(".part").first().evaluate((part) => getComputedStyle(part).printColorAdjust), "exact");
  await page.emulateMedia({ media: "screen" });
});

await visit.check("on a low screen what goes through time covers nothing", async () => {
  const scrubber = page.locator(".scrubber");
  equal(await scrubber.evaluate((element) => getComputedStyle(element).position), "sticky");
  await page.setViewportSize({ width: 360, height: 225 });
  equal(await scrubber.evaluate((element) => getComputedStyle(element).position), "static");
  await page.setViewportSize({ width: 1440, height: 900 });
});

await visit.check("what is stopped is shown as far as it came, and who pressed comes to it", async () => {
  await run("a1", { scale: 20, days: 45 });
  await pace.filter({ hasText: /^[1-9]\d* % · / }).waitFor();
  equal(await focused(page.getByRole("button", { name: "Stop" })), true);
  await page.keyboard.press("Enter");
  await pace.filter({ hasText: /^Stopped: .* · a1, 1:20, 45 days, seed 1, the simulator's policy$/ }).waitFor();
  equal(await focused(headline), true);
  has(await headline.textContent(), /^Of [\d,]+ interactions of the campaign/);
  equal(await page.locator(".progress progress").isVisible(), false);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Save this film as JSON" }).click(),
  ]);
  const film = JSON.parse(await readFile(await download.path(), "utf8"));
  equal([film.of, film.stopped], ["a1, 1:20, 45 days, seed 1, the simulator's policy", true]);
  const { start, step, frames, last } = film;
  equal(last > start + (frames - 1) * step && last < start + frames * step, true);
});

await visit.check("to start anew ends what ran", async () => {
  await run("a1", { scale: 20, days: 45 });
  await pace.filter({ hasText: /^\d+ % · / }).waitFor();
  await run("none", { days: 1 });
  await pace.filter({ hasText: /^Done: 6\d,\d{3} requests/ }).waitFor();
  equal(await headline.textContent(), "There is no campaign in this traffic.");
});

await visit.check("a number that cannot be is told at its field, and nothing is run", async () => {
  const days = page.getByLabel("Days");
  for (const wrong of ["", "0", "-1", "1.5", "50"]) {
    await days.fill(wrong);
    equal(await page.locator("#scenario-days-wrong").textContent(), "Days is a whole number from 1 to 49.");
    equal(await days.getAttribute("aria-invalid"), "true");
    await page.getByRole("button", { name: "Run" }).click();
    equal(await focused(days), true);
  }
  equal(await page.locator(".scenario .wrong").isVisible(), false);
  has(await pace.textContent(), /^Done: 6\d,\d{3} requests/);
  await days.fill("2");
  equal(await page.locator("#scenario-days-wrong").isVisible(), false);
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
  await pace.filter({ hasText: /^Done: 6,\d{3} requests.* · a scenario of your own, 1:1,000, 1 day, the simulator's policy$/ }).waitFor();
});

await visit.check("of campaigns that come and go it is told when the one that stands was convicted", async () => {
  await run("a7");
  await pace.filter({ hasText: /^Done: / }).waitFor();
  const told = await sentences.textContent();
  has(told, `1 campaign is convicted, ${await sinceMidnight()} after its first request. `);
  has(told, / \d+ (more were|campaigns were|more was) convicted and (are|is) closed\./);
});

await visit.check("the policy in the editor decides where it is chosen", async () => {
  const watching = {
    version: 1,
    account: { age_days: { header: "x-auth-age" } },
    quotas: [],
    campaigns: { jitter: "0s", steps: [{ at: "convicted", then: "deny" }] },
  };
  await begin(watching);
  await run("a1");
  await pace.filter({ hasText: /^Done: / }).waitFor();
  has(
    await headline.textContent(),
    /12,\d{3} were let through \(100 %\)\. [\d,]+ would have been refused, by what is in shadow or only noted\.$/,
  );
  const told = await sentences.textContent();
  has(told, `1 campaign is convicted, ${await sinceMidnight()} after its first request, and only noted until 1`);
  has(await page.locator(".whom").locator("..").textContent(), "campaigncampaignin shadow or only noted");
});

await visit.check("a policy that looks for no campaigns finds none, and that is why", async () => {
  await begin({ version: 1 });
  await run("a1", { scale: 1000, days: 1 });
  await pace.filter({ hasText: /^Done: / }).waitFor();
  has(await sentences.textContent(), "This policy does not look for campaigns.");
});

await visit.check("a policy with faults does not decide, and is told", async () => {
  await begin({ version: 1, quotas: 3 });
  await run("a1");
  const complaint = page.getByText("The policy in the editor has 1 fault: mend it in the Policy view");
  await complaint.waitFor();
  equal(await page.locator(".progress").isVisible(), false);
  await page.getByLabel("the simulator's own policy").check();
  equal(await complaint.isVisible(), false);
});

await visit.finish();
