// What runs beside the page: the engine, for long work.

import init, { version } from "./stillgate.js";

await init();
postMessage(version());
