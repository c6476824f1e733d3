// Fetches the engine, for the page and for its worker.

/** Why there is no engine: a sentence that says what to do. */
export class NoEngine extends Error {}

/**
 * The engine's functions.
 * @returns {Promise<typeof import("./stillgate.js")>}
 */
export async function load() {
  if (typeof WebAssembly !== "object") {
    throw new NoEngine(
      "This browser has no WebAssembly, which the engine is made of. Use a current Firefox, Chrome, Edge or Safari, " +
        "or allow WebAssembly for this address: Lockdown Mode and some blockers switch it off.",
    );
  }
  const [module, wasm] = await Promise.all([
    import("./stillgate.js").catch((error) => missing("stillgate.js", error.message)),
    fetch(new URL("./stillgate_bg.wasm", import.meta.url)).catch((error) => missing("stillgate_bg.wasm", error.message)),
  ]);
  if (!wasm.ok) missing("stillgate_bg.wasm", `the server answered ${wasm.status}`);
  try {
    await module.default({ module_or_path: wasm });
  } catch (error) {
    throw new NoEngine(
      `The engine came and does not run: ${error.message}. Load the page again; if that does not help, use a ` +
        "current Firefox, Chrome, Edge or Safari.",
    );
  }
  return module;
}

/** What a failure of the engine's means for who is at the page. @param {Error} error @returns {string} */
export function sentence(error) {
  if (!(error instanceof WebAssembly.RuntimeError)) return error.message;
  return `The engine broke down (${error.message}). That is a fault in Stillgate: load the page again, and report what led to it.`;
}

function missing(file, why) {
  throw new NoEngine(
    `The engine could not be fetched: ${file} did not come (${why}). Load the page again when the server is there; ` +
      "where it lacks the file, `stillgate build page` makes it.",
  );
}
