// The page beside the gate: files that are handed out without a key, and without any of what the gate knows.

import { Fault } from "./gate.js";

/** What the files of a page are. There are no others, whatever else lies in the folder. */
const TYPES = {
  html: "text/html; charset=utf-8",
  css: "text/css; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  json: "application/json",
  wasm: "application/wasm",
  txt: "text/plain; charset=utf-8",
};

/** What every answer says of what the page may do. src/host/cli/up/page.rs says the same. */
const SECURITY = {
  "content-security-policy":
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
    "worker-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "cross-origin-opener-policy": "same-origin",
  "cross-origin-resource-policy": "same-origin",
  "cache-control": "no-cache",
};

/** The page, at a path of the worker's. */
export class Page {
  /**
   * @param {string} path - such as "/stillgate": what begins so is the page's
   * @param {{ fetch(request: Request): Promise<Response> }} files - what holds the files that `stillgate build page` makes
   */
  constructor(path, files) {
    if (!/^(\/[\w-]+)+$/.test(path)) {
      throw new Fault(`STILLGATE_PAGE is "${path}": write a path such as /stillgate, of letters, digits, "_" and "-", without a / at its end`);
    }
    if (typeof files?.fetch !== "function") {
      throw new Fault("PAGE is not bound: bind it to the folder that `stillgate build page` makes, or do not set STILLGATE_PAGE");
    }
    this.path = path;
    this.files = files;
  }

  /**
   * Answers what is the page's.
   * @param {Request} request
   * @returns {Promise<Response> | Response | undefined} nothing for what is the gate's
   */
  fetch(request) {
    if (request.method !== "GET" && request.method !== "HEAD") return undefined;
    const { pathname } = new URL(request.url);
    if (pathname === this.path) return answer(null, 308, { location: `${this.path}/` });
    if (!pathname.startsWith(`${this.path}/`)) return undefined;
    return this.file(request, pathname.slice(this.path.length + 1) || "index.html");
  }

  /** Hands out a file by its name. */
  async file(request, name) {
    const { method, headers } = request;
    const type = TYPES[/^[\w-][\w.-]*\.(\w+)$/.exec(name)?.[1]];
    const asked = new Request(`http://page/${name}`, { method, headers: pick(headers, ["if-none-match", "if-modified-since"]) });
    const found = type && (await this.files.fetch(asked));
    const known = found && pick(found.headers, ["etag", "last-modified"]);
    // A folder of workerd's hands everything out, whatever is known.
    const same = known?.["last-modified"] && known["last-modified"] === headers.get("if-modified-since");
    if (found?.status === 304 || same) return answer(null, 304, known);
    if (found?.status !== 200) return answer(name === "index.html" ? UNBUILT : NOTHING, 404, { "content-type": "text/plain" });
    return answer(found.body, 200, { ...known, "content-type": type });
  }
}

const UNBUILT = "There is no page in the folder that PAGE is bound to: `stillgate build page` makes it.\n";
const NOTHING = "There is nothing here.\n";

/** Those of these headers that are there. */
function pick(headers, names) {
  return Object.fromEntries(names.filter((name) => headers.has(name)).map((name) => [name, headers.get(name)]));
}

function answer(body, status, headers) {
  return new Response(body, { status, headers: { ...SECURITY, ...headers } });
}
