// Makes the pictures of the README, to OUT: a policy with a fault in it, and a campaign that was found.

import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { open } from "./browser.mjs";

const { OUT } = process.env;
const visit = await open({ viewport: { width: 1200, height: 760 } });
const { page } = visit;
await mkdir(OUT, { recursive: true });
const keep = (name) => page.screenshot({ path: join(OUT, name), animations: "disabled" });

await visit.check("a policy with a fault", async () => {
  await visit.go("policy");
  await page.getByRole("button", { name: "Public API" }).click();
  await page.locator(".order.sound").waitFor();
  await page.locator(".cm-line").filter({ hasText: "tokens-per-day" }).click();
  await page.getByText("1d").first().dblclick();
  await page.keyboard.type("1 day");
  await page.locator(".order.faulty").waitFor();
  await keep("policy.png");
});

await visit.check("a campaign that was found", async () => {
  await visit.go("campaign");
  await page.getByRole("button", { name: "Run" }).click();
  await page.locator(".pace").getByText(/^Done/).waitFor();
  await page.locator(".headline").evaluate((headline) => headline.scrollIntoView());
  await keep("campaign.png");
});

await visit.finish();
