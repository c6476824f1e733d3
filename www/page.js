// The shell: tabs that follow the address, the engine, and the views, each of which is fetched when it is first shown.

import { fill, h } from "./dom.js";
import { NoEngine, load } from "./engine.js";
import { policy } from "./store.js";

const VIEWS = {
  policy: () => import("./policy.js"),
  try: () => import("./try.js"),
  campaign: () => import("./campaign.js"),
  live: () => import("./live.js"),
};
const NAMES = Object.keys(VIEWS);
const tab = (name) => document.getElementById(`tab-${name}`);
const panel = (name) => document.getElementById(`panel-${name}`);

const engine = load().then((functions) => {
  if (!policy.begun) policy.set(JSON.parse(functions.templates())[0].text);
  document.getElementById("version").textContent = `Stillgate ${functions.version()}`;
  return functions;
});
/** What a view that has been shown has returned, by its name. */
const mounted = new Map();
let current;

/** The view that the address names; any other address is the policy's. */
function named() {
  const name = location.hash.slice(1).split("/")[0];
  return NAMES.includes(name) ? name : "policy";
}

async function show(name) {
  if (name === current) return;
  const before = current;
  current = name;
  const focused = document.activeElement;
  const strayed = before && panel(before).contains(focused);
  for (const each of NAMES) {
    const chosen = each === name;
    tab(each).setAttribute("aria-selected", String(chosen));
    tab(each).tabIndex = chosen ? 0 : -1;
    panel(each).hidden = !chosen;
  }
  document.title = `${tab(name).textContent} · Stillgate`;
  if (strayed) panel(name).focus();
  // Back and forward choose a tab too: the focus goes with the choice.
  else if (focused?.role === "tab") tab(name).focus();
  if (before) (await mounted.get(before))?.hidden?.();
  if (!mounted.has(name)) mounted.set(name, mount(name));
  const view = await mounted.get(name);
  if (current === name) view?.shown?.();
}

async function mount(name) {
  const root = panel(name);
  root.setAttribute("aria-busy", "true");
  fill(root, h("p", { class: "waiting", role: "status" }, "Loading the engine …"));
  try {
    const [functions, view] = await Promise.all([engine, VIEWS[name]()]);
    fill(root);
    return await view.mount(root, { engine: functions, policy });
  } catch (error) {
    fill(root, failure(name, error));
    return undefined;
  } finally {
    root.removeAttribute("aria-busy");
  }
}

function failure(name, error) {
  const sentence =
    error instanceof NoEngine
      ? error.message
      : `The ${tab(name).textContent} view did not load: ${error.message}. ` +
        "Load the page again; the other views work without it.";
  return h(
    "div",
    { class: "notice bad", role: "alert" },
    h("p", null, sentence),
    h("button", { type: "button", onclick: () => location.reload() }, "Load the page again"),
  );
}

document.querySelector("[role=tablist]").addEventListener("keydown", (event) => {
  const last = NAMES.length - 1;
  const at = NAMES.indexOf(current);
  const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last }[event.key];
  if (to === undefined || event.altKey || event.ctrlKey || event.metaKey) return;
  event.preventDefault();
  location.hash = NAMES[to];
  tab(NAMES[to]).focus();
});

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault();
  panel(current).focus();
});

addEventListener("hashchange", () => show(named()));
document.getElementById("waiting").remove();
show(named());
