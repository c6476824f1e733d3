// How the page looks and is used: pictures of all views at 360 and 1440 px in both schemes, in SCRATCH/look; nothing wider than the
// screen; no violation of WCAG 2 A and AA, or of best practice, that axe finds; and tabs, the skip link and focus by keyboard.

import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";

import { PAGE, SCRATCH, equal, has, load, open } from "./browser.mjs";

const VIEWS = ["policy", "try", "campaign", "live"];
const visit = await open();
const { page } = visit;
const axe = await readFile(load.resolve("axe-core/axe.min.js"), "utf8");
const folder = join(SCRATCH, "look");

// Where the page is not served by `up`, there is nothing live, and its view says so.
visit.expect(/\/live\b/);
visit.expect(/Failed to load resource/);

/** What axe finds, a line for each; but a list of completions is scrolled from the editor, which has the focus. */
async function violations() {
  await page.evaluate(axe);
  const { violations: found } = await page.evaluate(() =>
    globalThis.axe.run({ runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] }),
  );
  const owned = ({ target }) => String(target.flat().at(-1)).startsWith("#cm-ac-");
  return found.flatMap(({ id, nodes }) =>
    nodes
      .filter((node) => id !== "scrollable-region-focusable" || !owned(node))
      .map(({ target, failureSummary }) => `${id} at ${target.join(" ")}: ${failureSummary.replaceAll(/\s+/g, " ")}`),
  );
}

/** Makes each view show something. */
async function fillIn(view) {
  await visit.go(view);
  if (view === "policy") {
    await page.getByRole("button", { name: "Public API" }).click();
    await page.locator(".order.sound").waitFor();
  }
  if (view === "try") {
    await page.locator("#field-times").fill("100");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await page.locator(".outcomes").waitFor();
  }
}

await mkdir(folder, { recursive: true });
for (const view of VIEWS) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    for (const width of [360, 1440]) {
      await page.setViewportSize({ width, height: width === 360 ? 740 : 900 });
      await visit.check(`${view}, ${colorScheme}, ${width} px: nothing is too wide, and all have access`, async () => {
        await fillIn(view);
        await page.screenshot({ path: join(folder, `${view}-${width}-${colorScheme}.png`), fullPage: true });
        const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
        equal(wide, 0);
        equal(await violations(), []);
      });
    }
  }
}

for (const colorScheme of ["light", "dark"]) {
  await visit.check(`faults, ${colorScheme}: all have access to what is wrong, offered and explained`, async () => {
    await page.emulateMedia({ colorScheme });
    await visit.go("policy");
    await page.locator(".cm-content").focus();
    await page.keyboard.press("ControlOrMeta+a");
    await page.keyboard.insertText('{"version": 2, "campaigns": {"mode": "enforce"}, "');
    await page.locator(".cm-tooltip-autocomplete").waitFor();
    await page.locator(".faults").waitFor();
    await page.screenshot({ path: join(folder, `faults-1440-${colorScheme}.png`) });
    equal(await violations(), []);
    await visit.go("try");
    await page.locator("#field-times").fill("0");
    await page.locator("#times-wrong").filter({ hasText: "." }).waitFor();
    await page.screenshot({ path: join(folder, `wrong-1440-${colorScheme}.png`) });
    equal(await violations(), []);
  });
}

for (const width of [360, 1440]) {
  await visit.check(`nothing moves while the page loads, at ${width} px`, async () => {
    await page.setViewportSize({ width, height: 900 });
    await page.addInitScript(() => {
      globalThis.moved = [];
      new PerformanceObserver((list) =>
        globalThis.moved.push(...list.getEntries().map(({ sources }) => sources.map(({ node }) => node?.className))),
      ).observe({ type: "layout-shift" });
    });
    for (const view of ["policy", "try"]) {
      await page.goto("about:blank");
      await visit.go(view);
      await page.locator(view === "policy" ? ".order:not(:empty)" : ".summary").waitFor();
      equal(await page.evaluate(() => globalThis.moved), []);
    }
  });
}

await visit.check("tabs are chosen by arrows, and are in the address", async () => {
  await visit.go("policy");
  await page.getByRole("tab", { name: "Policy" }).focus();
  for (const [key, name] of [
    ["ArrowRight", "Try"],
    ["ArrowLeft", "Policy"],
    ["ArrowLeft", "Live"],
    ["Home", "Policy"],
    ["End", "Live"],
    ["ArrowRight", "Policy"],
  ]) {
    await page.keyboard.press(key);
    await page.getByRole("tab", { name, selected: true }).waitFor();
    await page.getByRole("tabpanel", { name }).waitFor();
    equal(await page.evaluate(() => document.activeElement.textContent), name);
    has(page.url(), `#${name.toLowerCase()}`);
    equal(await page.getByRole("tabpanel").count(), 1);
  }
});

await visit.check("back and forward take the focus to the tab that is chosen", async () => {
  await visit.go("policy");
  await page.getByRole("tab", { name: "Policy" }).focus();
  await page.keyboard.press("ArrowRight");
  await page.getByRole("tab", { name: "Try", selected: true }).waitFor();
  for (const [go, name] of [
    ["goBack", "Policy"],
    ["goForward", "Try"],
  ]) {
    await page[go]();
    await page.getByRole("tab", { name, selected: true }).waitFor();
    equal(await page.evaluate(() => document.activeElement.textContent), name);
  }
});

await visit.check("an address that names no view shows the policy", async () => {
  await page.goto(`${PAGE}#nothing`);
  await page.getByRole("tab", { name: "Policy", selected: true }).waitFor();
});

await visit.check("the first stop is a link past the tabs, and focus is seen", async () => {
  await page.goto("about:blank");
  await visit.go("try");
  await page.keyboard.press("Tab");
  const skip = page.getByRole("link", { name: "Skip to the view" });
  equal(await skip.evaluate((link) => link === document.activeElement && link.getBoundingClientRect().top >= 0), true);
  await page.keyboard.press("Enter");
  equal(await page.evaluate(() => document.activeElement.id), "panel-try");
  has(page.url(), "#try");
  await page.keyboard.press("Tab");
  equal(await page.evaluate(() => document.activeElement.id), "field-api");
  const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  equal(outline, "solid");
});

await visit.check("every stop on the way through the policy is seen", async () => {
  await fillIn("policy");
  await page.getByRole("tab", { name: "Policy" }).focus();
  for (let stop = 0; stop < 12; stop += 1) {
    await page.keyboard.press("Tab");
    const seen = await page.evaluate(() => {
      let at = document.activeElement;
      while (at.shadowRoot?.activeElement) at = at.shadowRoot.activeElement;
      const marked = (element) => getComputedStyle(element).outlineStyle !== "none";
      const host = at.getRootNode().host ?? at;
      return marked(at) || marked(at.parentElement) || marked(host);
    });
    equal([stop, seen], [stop, true]);
  }
});

await visit.check("in the reader's own colours it is seen what is chosen", async () => {
  await page.emulateMedia({ forcedColors: "active" });
  await fillIn("try");
  const edges = (locator, side) => locator.evaluateAll((all, name) => all.map((one) => getComputedStyle(one)[name]), side);
  const [policy, chosen, ...others] = await edges(page.getByRole("tab"), "borderBottomColor");
  equal([policy === chosen, ...others.map((other) => other === policy)], [false, true, true]);
  const [first, pressed] = await edges(page.locator(".run"), "borderLeftStyle");
  equal([first, pressed], ["none", "solid"]);
  const parts = await edges(page.locator(".bar > span"), "backgroundColor");
  equal(new Set(parts).size, 2);
  await page.screenshot({ path: join(folder, "try-1440-forced.png") });
  await page.emulateMedia({ forcedColors: "none" });
});

await visit.finish();
