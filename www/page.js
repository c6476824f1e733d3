// The page: which engine it has.

import init, { version } from "./stillgate.js";

await init();
document.getElementById("version").textContent = `Version ${version()}`;
