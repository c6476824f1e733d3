// The Policy view: templates, faults where they are, completion, help, and what puts a policy in force.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { SCRATCH, equal, has, open } from "./browser.mjs";

const visit = await open({ permissions: ["clipboard-read", "clipboard-write"] });
const { page } = visit;
const editor = page.locator(".cm-content");
const order = page.locator(".order");
const help = page.getByRole("region", { name: "At the cursor" });

/** Writes another policy, and puts the cursor so many characters before its end. */
async function write(text, back = 0) {
  await editor.focus();
  await page.keyboard.press("ControlOrMeta+a");
  await page.keyboard.insertText(text);
  for (let each = 0; each < back; each += 1) await page.keyboard.press("ArrowLeft");
}

/** The editor's text. */
async function written() {
  return (await editor.locator(".cm-line").allTextContents()).join("\n");
}

/** Waits until an element has a text. */
async function shows(locator, text) {
  await locator.filter({ hasText: text }).first().waitFor();
}

/** Takes what is offered; by the mouse, since a list hears no keys in the moment in which it opens. */
async function choose(option) {
  await page.locator(".cm-tooltip-autocomplete li", { hasText: option }).first().click();
}

await visit.go("policy");

await visit.check("the engine's version is in the footer", () => shows(page.locator("#version"), /^Stillgate \d+\.\d+\.\d+$/));

await visit.check("every template is in order, and can be undone", async () => {
  const titles = await page.locator(".templates button").allTextContents();
  has(titles.join(), "Public API");
  for (const title of titles) {
    await write('{"version": 1}');
    await page.getByRole("button", { name: title, exact: true }).click();
    await shows(page.locator(".told"), title);
    await shows(order, "The policy is in order");
    await page.locator(".told").getByRole("button", { name: "Undo" }).click();
    await shows(page.locator(".told"), "It is as it was.");
    equal(await written(), '{"version": 1}');
  }
});

await visit.check("faults are underlined, listed with their paths, and jumped to", async () => {
  await write(
    '{\n  "version": 1,\n  "quotas": [\n    {"name": "a", "per": ["key"], "count": "requests", "limit": 5},\n' +
      '    {"name": "b", "per": ["kee"], "count": "requests", "limit": 5, "window": "1m"}\n  ]\n}',
  );
  await shows(order, "2 faults");
  equal(await page.locator(".faults button > code").allTextContents(), ["/quotas/0", "/quotas/1/per/0"]);
  await shows(page.locator(".cm-lintRange-error"), "kee");
  equal(await page.locator(".cm-lint-marker-error").count(), 2);
  await page.locator(".faults button", { hasText: "/quotas/1/per/0" }).click();
  await shows(help.locator(".path"), "/quotas/1/per/0");
  equal(await editor.evaluate((element) => element.getRootNode().activeElement === element), true);
  await page.keyboard.press("F8");
  await shows(page.locator(".cm-diagnostic"), "window");
});

await visit.check("a text that is no JSON has its fault where it breaks off", async () => {
  await write('{"version": 1,\n "ä": x}');
  await shows(page.locator(".faults"), "not JSON");
  await shows(page.locator(".cm-lintRange-error"), /^x$/);
});

await visit.check("what nobody knows is underlined with its name", async () => {
  await write('{"version": 1, "quotaz": []}');
  await shows(page.locator(".faults"), "did you mean quotas?");
  await shows(page.locator(".faults code"), /^quotas$/);
  await page.locator(".faults button").click();
  await shows(help, "There is no such field. What it stands in:");
  await shows(page.locator(".cm-lintRange-error"), '"quotaz"');
});

await visit.check("of many faults the first are listed and underlined, and the rest are counted", async () => {
  const traits = Array.from({ length: 1150 }, () => '"kee"').join(",\n");
  await write(`{"version": 1, "quotas": [{"name": "a", "count": "requests", "limit": 5, "window": "1m", "per": [\n${traits}\n]}]}`);
  await shows(order, "1,150 faults");
  equal(await page.locator(".faults button").count(), 100);
  await shows(page.locator(".found"), "and 1,050 more");
  await page.locator(".faults button").last().click();
  await shows(help.locator(".path"), "/quotas/0/per/99");
});

await visit.check("warnings stand apart", async () => {
  await write('{"version": 1, "campaigns": {"mode": "enforce"}}');
  await shows(order, "The policy is in order, 1 warning");
  await shows(page.locator(".warnings"), "/campaigns/facts");
  await shows(page.locator(".warnings"), "found no fact about the age of accounts");
});

await visit.check("fields and values are offered, and written with what belongs to them", async () => {
  await write('{"version": 1}', 1);
  await page.keyboard.type(', "');
  await choose("quotas");
  equal(await written(), '{"version": 1, "quotas": []}');
  await page.keyboard.type('{"');
  await choose("count");
  await choose("concurrent");
  equal(await written(), '{"version": 1, "quotas": [{"count": "concurrent"}]}');
  await write('{"version": 1, "account": {"org": {"header": "x-org"}}, "quotas": [{"per": []}]}', 4);
  await page.keyboard.press("Control+Space");
  await shows(page.locator(".cm-tooltip-autocomplete li"), "org");
  await page.keyboard.press("Escape");
});

await visit.check("help follows the cursor, and is a key away", async () => {
  await write('{"version": 1, "limits": {"memory": "32MiB"}}', 4);
  await shows(help, "Memory for counters");
  await shows(help.locator(".facts"), "32MiB");
  await page.keyboard.press("F1");
  equal(await help.evaluate((element) => element === document.activeElement), true);
  await page.keyboard.press("Escape");
  equal(await editor.evaluate((element) => element.getRootNode().activeElement === element), true);
  await page.locator(".ink-name", { hasText: "limits" }).hover();
  await shows(page.locator(".cm-tooltip-hover .tip"), "Caps on what Stillgate itself may use.");
});

await visit.check("Tab leaves the editor", async () => {
  await write('{"version": 1}');
  await page.keyboard.press("Tab");
  equal(await editor.evaluate((element) => element.getRootNode().activeElement === element), false);
  equal(await written(), '{"version": 1}');
});

await visit.check("a policy is laid out, and what is no JSON is not", async () => {
  await write('{"version":1,"limits":{"memory":"1MiB"},"quotas":[]}');
  await page.getByRole("button", { name: "Format" }).click();
  equal(await written(), '{\n  "version": 1,\n  "limits": {"memory": "1MiB"},\n  "quotas": []\n}\n');
  await write("{");
  await page.getByRole("button", { name: "Format" }).click();
  await shows(page.locator(".told"), "Only JSON can be laid out.");
});

await visit.check("files are opened, and refused with a sentence", async () => {
  const file = async (name, bytes) => {
    await writeFile(join(SCRATCH, name), bytes);
    await page.locator(".workbench input[type=file]").setInputFiles(join(SCRATCH, name));
  };
  await file("mine.json", '{"version": 1, "mode": "shadow"}');
  await shows(page.locator(".told"), "This is now mine.json.");
  equal(await written(), '{"version": 1, "mode": "shadow"}');
  await file("latin.json", Buffer.from([0x7b, 0xe4, 0x7d]));
  await shows(page.locator(".told"), "latin.json is no text in UTF-8");
  await file("large.json", Buffer.alloc(9 * 1024 * 1024, " "));
  await shows(page.locator(".told"), "large.json has 9.0 MiB");
  equal(await written(), '{"version": 1, "mode": "shadow"}');
});

await visit.check("no name turns the text around it", async () => {
  const [name, field] = ["mine\u202e.json", "quotas\u202e"];
  await page.locator(".workbench input[type=file]").setInputFiles({
    name,
    mimeType: "application/json",
    buffer: Buffer.from(JSON.stringify({ version: 1, [field]: [] })),
  });
  await shows(page.locator(".told"), "This is now mine\\u202e.json.");
  await shows(page.locator(".faults"), "/quotas\\u202e");
  await shows(page.locator(".cm-specialChar"), "•");
  equal((await page.locator("#panel-policy").textContent()).includes("\u202e"), false);
});

await visit.check("a file that is dropped on the editor is opened", async () => {
  const dropped = await page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(['{"version": 1, "quotas": []}'], "dropped.json"));
    return transfer;
  });
  await editor.dispatchEvent("drop", { dataTransfer: dropped });
  await shows(page.locator(".told"), "This is now dropped.json.");
  equal(await written(), '{"version": 1, "quotas": []}');
});

await visit.check("every way to put it in force embeds the policy, to copy and to download", async () => {
  await write('{"version": 1, "quotas": [{"name": "my-own", "per": ["key"], "count": "requests", "limit": 7, "window": "1m"}]}');
  await shows(order, "The policy is in order");
  for (const [place, file] of [
    ["Istio", "istio.yaml"],
    ["Envoy Gateway", "envoy-gateway.yaml"],
    ["Worker", "policy.json"],
    ["Envoy", "envoy.yaml"],
  ]) {
    await page.getByRole("radio", { name: place, exact: true }).check();
    await shows(page.getByRole("region", { name: file }), "my-own");
  }
  const shown = await page.getByRole("region", { name: "envoy.yaml" }).textContent();
  await page.getByRole("button", { name: "Copy envoy.yaml" }).click();
  await shows(page.locator(".file"), "Copied.");
  equal(await page.evaluate(() => navigator.clipboard.readText()), shown);
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Download envoy.yaml" }).click(),
  ]);
  equal(download.suggestedFilename(), "envoy.yaml");
});

await visit.check("without leave to copy, the text is selected", async () => {
  await page.evaluate(() => Object.defineProperty(navigator, "clipboard", { value: undefined, configurable: true }));
  await page.getByRole("button", { name: "Copy envoy.yaml" }).click();
  await shows(page.locator(".file"), "press Control (or Command) and C");
  has(await page.evaluate(() => getSelection().toString()), "my-own");
});

await visit.check("a policy with faults is not put in force", async () => {
  await write("{}");
  await shows(page.locator("[aria-labelledby=deploy-title]"), "The policy has faults");
  equal(await page.locator(".file").count(), 0);
});

await visit.check("the policy is there again after the page is loaded again", async () => {
  await write('{"version": 1, "headers": "refusals"}');
  await shows(order, "The policy is in order");
  await page.reload();
  await shows(editor, "refusals");
});

await visit.finish();
