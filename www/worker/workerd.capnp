# The worker in workerd, Cloudflare's own runtime, on any machine and without an account:
#
#   stillgate build worker
#   STILLGATE_SECRET=… STILLGATE_ORIGIN=https://api.openai.com workerd serve www/worker/workerd.capnp \
#     --socket-addr=http=127.0.0.1:8080 --directory-path=storage=/var/lib/stillgate
#
# `stillgate up --edge` does the same with one command. What the variables say is in README.md beside this file.

using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "gate", worker = .gate),
    # Origins may be anywhere. Workers reach only public addresses unless the private ones are named.
    (name = "internet", network = (
      allow = ["public", "private", "local"],
      tlsOptions = (trustBrowserCas = true),
    )),
    # The SQLite files of the Durable Objects. `up --edge` and the line above put another folder in its place.
    (name = "storage", disk = (path = "storage", writable = true)),
    # The page, where STILLGATE_PAGE is set. `up --edge` and --directory-path=page=www/pkg put its folder in the place of this one, which is
    # everywhere and holds no page.
    (name = "page", disk = (path = "/dev")),
  ],
  sockets = [
    (name = "http", address = "127.0.0.1:8080", http = (), service = "gate"),
  ],
);

const gate :Workerd.Worker = (
  compatibilityDate = "2026-11-01",
  # So that a client which goes away is noticed.
  compatibilityFlags = ["enable_request_signal"],
  modules = [
    (name = "worker.js", esModule = embed "worker.js"),
    (name = "gate.js", esModule = embed "gate.js"),
    (name = "local.js", esModule = embed "local.js"),
    (name = "page.js", esModule = embed "page.js"),
    (name = "pkg/stillgate.js", esModule = embed "pkg/stillgate.js"),
    (name = "pkg/stillgate_bg.wasm", wasm = embed "pkg/stillgate_bg.wasm"),
    (name = "policy.json", json = embed "policy.json"),
  ],
  bindings = [
    # A variable that is not set is null in the worker.
    (name = "STILLGATE_SECRET", fromEnvironment = "STILLGATE_SECRET"),
    (name = "STILLGATE_POLICY", fromEnvironment = "STILLGATE_POLICY"),
    (name = "STILLGATE_ORIGIN", fromEnvironment = "STILLGATE_ORIGIN"),
    (name = "STILLGATE_SHARDS", fromEnvironment = "STILLGATE_SHARDS"),
    (name = "STILLGATE_COUNTERS", fromEnvironment = "STILLGATE_COUNTERS"),
    (name = "STILLGATE_PAGE", fromEnvironment = "STILLGATE_PAGE"),
    (name = "PAGE", service = "page"),
    (name = "LEDGER", durableObjectNamespace = "Ledger"),
    (name = "JUDGE", durableObjectNamespace = "Judge"),
  ],
  globalOutbound = "internet",
  # The unique keys name the folders below `storage`: another key is another, empty set of counters.
  durableObjectNamespaces = [
    (className = "Ledger", uniqueKey = "stillgate-ledger", enableSql = true),
    (className = "Judge", uniqueKey = "stillgate-judge", enableSql = true),
  ],
  durableObjectStorage = (localDisk = "storage"),
);
