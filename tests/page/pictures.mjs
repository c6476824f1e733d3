// Makes the pictures of the README, to OUT: a policy with faults in it, and a campaign that was found.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { open } from "./browser.mjs";

/** Two faults in it. */
const POLICY = `{
  "version": 1,
  "quotas": [
    {"name": "requests-per-minute", "per": ["key"], "count": "requests", "limit": 60, "window": "1m"},
    {"name": "tokens-per-day", "per": ["key", "modle"], "count": "tokens", "limit": 200000, "window": "1d"},
    {"name": "in-flight", "per": ["key"], "count": "concurrent", "limit": 8}
  ],
  "checks": [
    {"name": "key-farm", "per": ["network", "shape"], "distinct": "key", "limit": 50, "window": "1 day", "then": "tag"}
  ],
  "campaigns": {"mode": "shadow"}
}`;

const { OUT } = process.env;
const visit = await open({ viewport: { width: 1120, height: 760 } });
const { page } = visit;
await mkdir(OUT, { recursive: true });
const keep = (name, clip) => page.screenshot({ path: join(OUT, name), animations: "disabled", caret: "hide", clip, fullPage: clip !== undefined });

await visit.check("a policy with faults", async () => {
  await visit.go("policy");
  const editor = page.locator(".cm-content");
  await editor.focus();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.insertText(POLICY);
  await page.locator(".faults button").first().click();
  await page.locator(".cm-lintRange-error").first().waitFor();
  await keep("policy.png");
});

await visit.check("a campaign that was found", async () => {
  await visit.go("campaign");
  await page.getByRole("button", { name: "Run" }).click();
  await page.locator(".pace").getByText(/^Done/).waitFor();
  const { y } = await page.locator(".headline").boundingBox();
  const top = y + await page.evaluate(() => window.scrollY);
  await keep("campaign.png", { x: 0, y: top - 16, width: 1120, height: 1010 });
});

await visit.finish();
