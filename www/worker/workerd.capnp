# The worker in workerd, without an account:
#   workerd serve www/worker/workerd.capnp --socket-addr=http=127.0.0.1:8080 --directory-path=storage=FOLDER
# Settings come from the environment, as they would from wrangler.jsonc.
using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "stillgate", worker = .stillgate),
    (name = "internet", network = (allow = ["public", "private", "local"], tlsOptions = (trustBrowserCas = true))),
    # Where Durable Objects keep their SQLite files; a folder that exists.
    (name = "storage", disk = (writable = true)),
  ],
  sockets = [(name = "http", address = "127.0.0.1:8080", http = (), service = "stillgate")],
);

const stillgate :Workerd.Worker = (
  modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    (name = "gate.js", esModule = embed "gate.js"),
    (name = "local.js", esModule = embed "local.js"),
    (name = "pkg/stillgate.js", esModule = embed "pkg/stillgate.js"),
    (name = "pkg/stillgate_bg.wasm", wasm = embed "pkg/stillgate_bg.wasm"),
    (name = "policy.json", json = embed "policy.json"),
  ],
  compatibilityDate = "2026-11-01",
  compatibilityFlags = ["enable_request_signal"],
  bindings = [
    (name = "LEDGER", durableObjectNamespace = "Ledger"),
    (name = "JUDGE", durableObjectNamespace = "Judge"),
    (name = "STILLGATE_SECRET", fromEnvironment = "STILLGATE_SECRET"),
    (name = "STILLGATE_POLICY", fromEnvironment = "STILLGATE_POLICY"),
    (name = "STILLGATE_ORIGIN", fromEnvironment = "STILLGATE_ORIGIN"),
    (name = "STILLGATE_SHARDS", fromEnvironment = "STILLGATE_SHARDS"),
    (name = "STILLGATE_COUNTERS", fromEnvironment = "STILLGATE_COUNTERS"),
  ],
  durableObjectNamespaces = [
    (className = "Ledger", uniqueKey = "stillgate-ledger", enableSql = true),
    (className = "Judge", uniqueKey = "stillgate-judge", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "storage"),
  globalOutbound = "internet",
);
