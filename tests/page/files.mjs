// The Campaign view: recordings, opened and dropped, whole and broken.

import { createWriteStream } from "node:fs";
import { writeFile } from "node:fs/promises";
import { once } from "node:events";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

import { equal, has, open, SCRATCH } from "./browser.mjs";

const START = 1776816000000;
const LINES = 5000;
const POLICY = { version: 1, quotas: [{ name: "per-minute", per: ["key"], count: "requests", limit: 5, window: "1m" }] };

/** A request of one of fifty keys, ten a second: each key comes every five seconds, and passes five times a minute. */
function line(number) {
  return JSON.stringify({
    t: START + number * 100,
    source: `203.0.113.${number % 50}`,
    method: "POST",
    path: "/v1/chat/completions",
    headers: [
      ["user-agent", "OpenAI/Python 1.40.0"],
      ["authorization", `Bearer sk-${number % 50}`],
    ],
    body: {
      model: "m",
      messages: [{ role: "user", content: `What is the sum of ${number} and ${number * 7}, and why? `.repeat(4) }],
    },
    status: 200,
    usage: { input: 80, output: 20 },
  });
}

const trace = Buffer.from(`${Array.from({ length: LINES }, (_, number) => line(number)).join("\n")}\n`);

const visit = await open();
const { page } = visit;
const pace = page.locator(".pace");
const remarks = page.locator(".remarks");
const headline = page.locator(".headline h2");

/** Writes a file and opens it in the view. */
async function choose(name, bytes) {
  const path = join(SCRATCH, name);
  await writeFile(path, bytes);
  await page.getByLabel("Choose a file, or drop it anywhere on this view").setInputFiles(path);
}

/** Goes to the view, with a policy in the editor. */
async function begin(policy) {
  await visit.go("campaign");
  await page.evaluate((text) => localStorage.setItem("stillgate.policy", text), JSON.stringify(policy));
  await page.goto("about:blank");
  await visit.go("campaign");
}

/** Has the page keep what its charts write, from now on. */
async function listen() {
  await page.evaluate(() => {
    window.drawn ??= [];
    window.drawn.length = 0;
    const { prototype } = CanvasRenderingContext2D;
    window.write ??= prototype.fillText;
    prototype.fillText = function fillText(text, ...more) {
      window.drawn.push(text);
      window.write.call(this, text, ...more);
    };
  });
}

const drawn = (text) => page.waitForFunction((text) => window.drawn.includes(text), text);
const moment = () => page.getByRole("slider", { name: "Moment" }).getAttribute("aria-valuetext");

const done = (requests) => pace.filter({ hasText: `Done: ${requests} requests in ` }).waitFor();

await begin(POLICY);

await visit.check("a trace that is dropped is decided about by the policy in the editor", async () => {
  await page.evaluate((text) => {
    const given = new DataTransfer();
    given.items.add(new File([text], "trace.jsonl"));
    const drop = (name) =>
      document
        .querySelector(".headline, #panel-campaign h2")
        .dispatchEvent(new DragEvent(name, { dataTransfer: given, bubbles: true, cancelable: true }));
    drop("dragover");
    drop("drop");
  }, trace.toString());
  await done("5,000");
  has(await headline.textContent(), /^Of 5,000 requests 2,\d{3} were refused \(\d\d\.\d\d %\)\.$/);
  has(await page.locator(".screen").textContent(), /per-minutequotaenforced2,\d{3}50/);
  has(await pace.textContent(), / · “trace\.jsonl”, the policy in the editor$/);
  equal(await moment(), "day 1, 8 m 19 s · Wed, 22 Apr 2026, 00:08:19 UTC");
});

await visit.check("packed with gzip it is the same", async () => {
  const before = await headline.textContent();
  await choose("trace.jsonl.gz", gzipSync(trace));
  await done("5,000");
  equal(await headline.textContent(), before);
  equal(await remarks.isVisible(), false);
});

await visit.check("of a gzip that is cut, what is before is shown", async () => {
  const packed = gzipSync(trace);
  await choose("cut.jsonl.gz", packed.subarray(0, packed.length >> 1));
  await remarks
    .filter({
      hasText:
        /“cut\.jsonl\.gz” breaks off in the middle of its gzip data, after [\d,]+ requests: copy it again\. What is before it is shown\./,
    })
    .waitFor();
  has(await headline.textContent(), /^Of [1-4],\d{3} requests/);
});

await visit.check("a gzip of several parts, and one that is damaged", async () => {
  await choose("two.jsonl.gz", Buffer.concat([gzipSync(trace), gzipSync(trace)]));
  await remarks
    .filter({
      hasText: /“two\.jsonl\.gz” goes on after the end of its gzip data.*: it was packed in several parts, so unpack it first/,
    })
    .waitFor();
  const packed = gzipSync(trace);
  packed.fill(0xff, packed.length >> 1, (packed.length >> 1) + 64);
  await choose("damaged.jsonl.gz", packed);
  const damaged = /“damaged\.jsonl\.gz” has gzip data that is damaged, after [\d,]+ requests: copy it again\. What is before/;
  await remarks.filter({ hasText: damaged }).waitFor();
  const wrong = gzipSync(trace);
  wrong[wrong.length - 6] ^= 1;
  await choose("checksum.jsonl.gz", wrong);
  await remarks.filter({ hasText: "“checksum.jsonl.gz” has gzip data that is damaged, after 5,000 requests" }).waitFor();
  has(await headline.textContent(), /^Of 5,000 requests/);
});

await visit.check("broken lines are counted, and the first are named", async () => {
  const lines = trace.toString().trim().split("\n");
  for (let number = 100; number < 115; number += 1) lines[number] = '{"t": ';
  await choose("broken.jsonl", lines.join("\n"));
  await done("4,985");
  has(await remarks.textContent(), /^15 lines of the file are broken and were left out, the first: line 101: .*; line 110: /);
});

await visit.check("times that go backwards are told", async () => {
  await choose("backwards.jsonl", [line(10), line(20), line(5), line(30)].join("\n"));
  await done("4");
  has(await remarks.textContent(), /Times go backwards, first at line 3/);
});

await visit.check("times are written as they can be told apart, from seconds to centuries", async () => {
  const at = (number, t) => JSON.stringify({ ...JSON.parse(line(number)), t: START + t });
  await listen();
  await choose("short.jsonl", [at(0, 0), at(1, 2_400)].join("\n"));
  await done("2");
  await drawn("00:00:01");
  await drawn("UTC");
  equal(await moment(), "day 1, 2 s · Wed, 22 Apr 2026, 00:00:02 UTC");
  await listen();
  await choose("long.jsonl", [at(0, 0), at(1, 600 * 86_400_000)].join("\n"));
  await done("2");
  await drawn("Dec 2027");
  await page.locator(".chart summary").first().click();
  has(await page.locator(".chart tbody th").first().textContent(), "22 Apr 2026, 00:00");
  await page.locator(".chart summary").first().click();
  await listen();
  await choose("centuries.jsonl", [at(0, 0), JSON.stringify({ ...JSON.parse(line(1)), t: 253_402_300_799_000 })].join("\n"));
  await done("2");
  await page.waitForFunction(() => window.drawn.filter((text) => /^\d{4}$/.test(text)).length > 3);
  has(await moment(), /^day 2,\d{3},\d{3}, .* Fri, 31 Dec 9999, /);
});

await visit.check("names from elsewhere turn no text around", async () => {
  await choose(
    "ver\u202edicts.jsonl",
    JSON.stringify({ id: "r", t: START, verdict: "deny", reasons: [{ rule: "per\u202eminute", kind: "quota" }] }),
  );
  await pace.filter({ hasText: "Done: 1 request in less than 0.1 s · “ver\\u202edicts.jsonl”, as it was decided" }).waitFor();
  equal(await page.locator(".whom ~ div bdi").textContent(), "per\\u202eminute");
  equal(await page.locator(".whole").getAttribute("aria-label"), "0 % of 1 request is a campaign's, as found");
});

await visit.check("times that leap are told", async () => {
  await choose("leap.jsonl", [line(0), JSON.stringify({ ...JSON.parse(line(1)), t: 4 * START })].join("\n"));
  await done("2");
  has(await remarks.textContent(), /Line 2 comes [\d,]+ d .*after the one before it. Are its times in milliseconds/);
});

await visit.check("a trace whose first line is long is one", async () => {
  const long = { ...JSON.parse(line(0)), body: "x".repeat(3 << 20) };
  await choose("long.jsonl", [JSON.stringify(long), line(1), line(2)].join("\n"));
  await done("3");
});

await visit.check("verdicts need no policy", async () => {
  const verdicts = Array.from({ length: 600 }, (_, number) => {
    const deny = number >= 300 && number % 3 === 0;
    return JSON.stringify({
      id: `r${number}`,
      t: START + number * 1000,
      verdict: deny ? "deny" : "allow",
      ...(deny && { reasons: [{ rule: "campaign", kind: "campaign" }], campaign: "c-5f1e0c2ad47084e8" }),
    });
  });
  await choose("verdicts.jsonl", verdicts.join("\n"));
  await done("600");
  has(await headline.textContent(), "Of 600 requests 100 were refused (16.67 %).");
  has(await page.locator(".sentences").textContent(), "1 campaign is named.");
  has(await page.locator(".cases").textContent(), "c-5f1e0c2ad47084e8");
});

await visit.check("what is neither, and what is empty, is told with a sentence", async () => {
  await choose("notes.txt", "Dear diary,\n");
  await remarks.filter({ hasText: /\w+.* (neither|no) / }).waitFor();
  equal(await page.locator(".screen").isVisible(), false);
  await choose("empty.jsonl", "");
  await remarks.filter({ hasText: "“empty.jsonl” is empty: choose the file that was to be written there." }).waitFor();
  await choose("empty.jsonl.gz", gzipSync(""));
  await remarks.filter({ hasText: "“empty.jsonl.gz” is empty once it is unpacked" }).waitFor();
});

await visit.check("a trace of 50 MB is read to its end", async () => {
  const path = join(SCRATCH, "large.jsonl");
  const file = createWriteStream(path);
  let bytes = 0;
  let number = 0;
  for (; bytes < 50_000_000; number += 1) {
    const text = `${line(number)}\n`;
    bytes += text.length;
    if (!file.write(text)) await once(file, "drain");
  }
  file.end();
  await once(file, "close");
  await page.getByLabel("Choose a file, or drop it anywhere on this view").setInputFiles(path);
  await done(number.toLocaleString("en-US"));
  equal(await remarks.isVisible(), false);
});

await visit.check("a policy with faults cannot decide about a trace", async () => {
  await begin({ version: 1, quotas: 3 });
  await choose("trace.jsonl", trace);
  await remarks
    .filter({
      hasText:
        /^The policy in the editor cannot decide: 1 fault, the first at .*quotas.*\. Mend it in the Policy view, then start again\.$/,
    })
    .waitFor();
  equal(await page.locator(".progress").isVisible(), false);
  await page.getByRole("tab", { name: "Policy" }).click();
  await page.getByRole("button", { name: "Public API" }).click();
  await page.getByRole("tab", { name: "Campaign" }).click();
  equal(await remarks.isVisible(), false);
});

await visit.finish();
