// The page where something is missing: JavaScript, WebAssembly, the engine, a view, the browser's store. It says what to do.

import { PAGE, equal, has, open } from "./browser.mjs";

const visit = await open();
const { page } = visit;
const panel = page.getByRole("tabpanel");

/** Loads the page in a tab of its own, in which something has been arranged before. */
async function alone(arrange, view = "policy") {
  const tab = await visit.context.newPage();
  await arrange(tab);
  await tab.goto(`${PAGE}#${view}`);
  return tab;
}

/** What the panel says in a tab, once it has settled. */
async function says(tab, text) {
  await tab.getByRole("alert").filter({ hasText: text }).waitFor();
  await tab.getByRole("button", { name: "Load the page again" }).waitFor();
}

visit.expect(/stillgate_bg\.wasm|stillgate\.js|page\.js|try-/);
visit.expect(/Failed to load resource/);

await visit.check("the head of the page is there before the engine is", async () => {
  let go;
  const held = new Promise((resolve) => (go = resolve));
  const tab = await alone(async (fresh) => {
    await fresh.route("**/stillgate_bg.wasm", (route) => held.then(() => route.continue()));
  });
  await tab.getByRole("tab", { name: "Campaign" }).waitFor();
  await tab.getByText("Loading the engine …").waitFor();
  await tab.getByRole("tab", { name: "Try" }).click();
  await tab.getByRole("tab", { name: "Try", selected: true }).waitFor();
  go();
  await tab.getByRole("button", { name: "Send", exact: true }).waitFor();
  await tab.close();
});

await visit.check("a browser without WebAssembly", async () => {
  const tab = await alone((fresh) => fresh.addInitScript(() => delete globalThis.WebAssembly));
  await says(tab, "This browser has no WebAssembly");
  await tab.getByRole("tab", { name: "Try" }).click();
  await says(tab, "This browser has no WebAssembly");
  await tab.close();
});

for (const [file, answer, text] of [
  ["stillgate_bg.wasm", { status: 404, body: "" }, "stillgate_bg.wasm did not come (the server answered 404)"],
  ["stillgate.js", { status: 404, body: "" }, "stillgate.js did not come"],
  ["stillgate_bg.wasm", { status: 200, contentType: "application/wasm", body: "not wasm" }, "The engine came and does not run"],
]) {
  await visit.check(`${file} with ${answer.status} ${answer.body}`.trim(), async () => {
    const tab = await alone((fresh) => fresh.route(`**/${file}`, (route) => route.fulfill(answer)));
    await says(tab, text);
    await tab.close();
  });
}

await visit.check("a view that does not come is told in its place, and the others work", async () => {
  const tab = await alone((fresh) => fresh.route("**/try-*.js", (route) => route.fulfill({ status: 404, body: "" })), "try");
  await says(tab, "The Try view did not load");
  await tab.getByRole("tab", { name: "Policy" }).click();
  await tab.locator(".order").filter({ hasText: "The policy" }).waitFor();
  await tab.close();
});

await visit.check("the page's own program does not come", async () => {
  const tab = await alone((fresh) => fresh.route("**/page.js", (route) => route.fulfill({ status: 404, body: "" })));
  await tab.getByText("It has not come.").waitFor();
  await tab.close();
});

await visit.check("a browser that keeps nothing", async () => {
  const tab = await alone((fresh) =>
    fresh.addInitScript(() => {
      Object.defineProperty(globalThis, "localStorage", {
        get: () => {
          throw new DOMException("denied", "SecurityError");
        },
      });
    }),
  );
  await tab.locator(".order").filter({ hasText: "The policy is in order" }).waitFor();
  await tab.close();
});

await visit.check("a policy that another view has set is the editor's", async () => {
  await visit.go("policy");
  await page.getByRole("button", { name: "Campaign watch in shadow" }).click();
  await page.getByRole("tab", { name: "Try" }).click();
  await page.getByRole("button", { name: "Send", exact: true }).click();
  has(await panel.innerText(), "1 request: 1 let through");
  equal(await page.evaluate(() => localStorage.getItem("stillgate.policy").includes("age_days")), true);
});

await visit.finish();

const quiet = await open({ javaScriptEnabled: false });
await quiet.check("without JavaScript", async () => {
  await quiet.page.goto(PAGE);
  await quiet.page.locator("noscript p").waitFor();
  has(await quiet.page.locator("main").innerText(), /^This page is a program and needs JavaScript[^…]*$/);
});
await quiet.finish();
