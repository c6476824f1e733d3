// Opens the page in Chromium for one script, and hears all that must not happen there: errors and warnings, requests that fail or
// go to another host, and whatever the page's own security policy forbids.
//
// From the environment: PAGE, the page's address, with a slash at its end; MODULES, a folder whose node_modules has playwright-core
// and axe-core; SCRATCH, a folder for files; and CHROMIUM, if it is not at /usr/bin/chromium.

import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, join } from "node:path";

const FLAGS = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

/** How long something may take to be there, in milliseconds. */
const PATIENCE = 30_000;

export const { PAGE, MODULES, SCRATCH } = process.env;
if (!PAGE || !MODULES || !SCRATCH) {
  console.log("Set PAGE, MODULES and SCRATCH: tests/page/browser.mjs says to what.");
  process.exit(1);
}
process.on("uncaughtException", (error) => {
  console.log(`failed: ${error.message.split("\n").slice(0, 4).join(" ")}`);
  process.exit(1);
});

export const load = createRequire(join(MODULES, "anything.js"));

/**
 * Opens the page with a profile of its own.
 * @param {object} [options] - as of Playwright's contexts
 * @returns {Promise<Visit>}
 */
export async function open(options = {}) {
  const profile = await mkdtemp(join(SCRATCH, "profile-"));
  const context = await load("playwright-core").chromium.launchPersistentContext(profile, {
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: FLAGS,
    viewport: { width: 1440, height: 900 },
    ...options,
  });
  context.setDefaultTimeout(PATIENCE);
  return new Visit(context, context.pages()[0], profile);
}

/** The page in one browser, and the checks that are made there. */
class Visit {
  constructor(context, page, profile) {
    Object.assign(this, { context, page, profile, failed: 0, heard: [], expected: [] });
    const { host } = new URL(PAGE);
    context.on("console", (message) => {
      if (["error", "warning"].includes(message.type())) this.heard.push(`console ${message.type()}: ${message.text()}`);
    });
    context.on("weberror", (error) => this.heard.push(`not caught: ${error.error().message}`));
    context.on("requestfailed", (request) => this.heard.push(`failed: ${request.url()}: ${request.failure().errorText}`));
    context.on("response", (response) => {
      if (response.status() >= 400) this.heard.push(`answered ${response.status()}: ${response.url()}`);
    });
    context.on("request", (request) => {
      const url = new URL(request.url());
      if (url.protocol.startsWith("http") && url.host !== host) this.heard.push(`another host: ${request.url()}`);
    });
  }

  /** Goes to a view. @param {string} [view] */
  async go(view = "policy") {
    await this.page.goto(`${PAGE}#${view}`);
    await this.page.locator(`#panel-${view}:not([aria-busy])`).waitFor();
  }

  /** What is all right to be heard in this script. @param {RegExp} pattern */
  expect(pattern) {
    this.expected.push(pattern);
  }

  /** Makes one check and says how it went. @param {string} name @param {() => Promise<void>} made */
  async check(name, made) {
    try {
      await made();
      console.log(`ok: ${name}`);
    } catch (error) {
      this.failed += 1;
      console.log(`failed: ${name}: ${error.message.split("\n").slice(0, 4).join(" ")}`);
    }
  }

  /** Ends the visit. */
  async close() {
    await this.context.close();
    await rm(this.profile, { recursive: true, force: true });
  }

  /** Ends the visit, and the script with 1 if anything was not as it should be. */
  async finish() {
    await this.check("nothing was heard that should not be", async () => {
      const bad = this.heard.filter((line) => !this.expected.some((pattern) => pattern.test(line)));
      equal(bad.join(" | "), "");
    });
    await this.close();
    const script = basename(process.argv[1]);
    if (this.failed > 0) console.log(`${script}: ${this.failed} of its checks failed`);
    if (this.failed > 0) process.exitCode = 1;
  }
}

/** Whether two values are the same, as JSON. */
export function equal(found, wanted) {
  const [left, right] = [found, wanted].map((value) => JSON.stringify(value));
  if (left !== right) throw new Error(`found ${left}, and not ${right}`);
}

/** Whether a text has a part, or matches a pattern. @param {string} text @param {string | RegExp} part */
export function has(text, part) {
  const found = typeof part === "string" ? text.includes(part) : part.test(text);
  if (!found) throw new Error(`${JSON.stringify(text.slice(0, 600))} has no ${part}`);
}
