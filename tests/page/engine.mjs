// Where the engine cannot be: what the page says then, in each of its views.

import { PAGE, has, open } from "./browser.mjs";

/** Opens the page where something is missing, and says what it tells. */
async function told(name, prepare, said, options) {
  const visit = await open(options);
  const { page } = visit;
  // What is missing is heard in the console too.
  visit.expect(/stillgate|Failed to load|answered/);
  await visit.check(name, async () => {
    await prepare(page);
    await page.goto(`${PAGE}#try`);
    const notice = page.locator(".notice.bad");
    await notice.waitFor();
    has(await notice.innerText(), said);
  });
  await visit.finish();
  return visit.failed;
}

const answering = (file, answer) => (page) => page.route(`**/${file}`, (route) => route.fulfill(answer));

let failed = 0;
failed += await told(
  "a browser without WebAssembly",
  (page) => page.addInitScript(() => delete globalThis.WebAssembly),
  /has no WebAssembly.*Use a current Firefox/s,
);
failed += await told(
  "a server without the module",
  answering("stillgate_bg.wasm", { status: 404 }),
  /stillgate_bg\.wasm did not come \(the server answered 404\).*stillgate build page/s,
);
failed += await told("a server that is gone", (page) => page.route("**/stillgate_bg.wasm", (route) => route.abort()), /did not come/);
failed += await told(
  "a module that is none",
  answering("stillgate_bg.wasm", { status: 200, contentType: "application/wasm", body: "nonsense" }),
  /does not run.*Load the page again/s,
);
failed += await told("a server without the module's JavaScript", answering("stillgate.js", { status: 404 }), /stillgate\.js did not come/);
failed += await told("a browser without JavaScript", async () => {}, /needs JavaScript/, { javaScriptEnabled: false });
process.exitCode = failed > 0 ? 1 : 0;
