//! Stillgate stands before model servers and decides, before a request reaches them, whether it may.
//!
//! One engine, and hosts around it. A host hands over a request as borrowed bytes ([`exchange`]), a moment and a
//! [`store`]; the [`engine`] answers with a [`Decision`](engine::Decision), which [`reply`] turns into what a client
//! reads and [`record`] into what a log keeps. [`trace`] reads what was recorded elsewhere, [`learn`] asks of it what
//! limits would have to be, [`replay`] decides about it again, and [`page`] shows all of it. Outside [`host`] there is no clock, no randomness, no file and no SDK.
//!
//! ```text
//! host bytes ─► exchange ─► identity ─► plan ─► pages ─► decision ─► reply ─► host
//!                              policy ──┘         └── store
//! ```
//!
//! | target | host |
//! | - | - |
//! | `wasm32-wasip1` | Envoy, and what embeds it: a proxy-wasm filter |
//! | `wasm32-unknown-unknown` | JavaScript: a CDN worker, by [`edge`], or with the feature `page` a page, by [`page`] |
//! | anything that is not wasm | the `stillgate` command |
//!
//! # Example
//!
//! ```
//! use std::net::IpAddr;
//!
//! use stillgate::engine::Engine;
//! use stillgate::exchange::{Attributes, Exchange, Foreseen, Model, Now};
//! use stillgate::identity::Secret;
//! use stillgate::policy::Policy;
//! use stillgate::store::MemoryStore;
//! use stillgate::verdict::Verdict;
//!
//! struct Unknown;
//!
//! impl Attributes for Unknown {
//!     fn source(&self) -> Option<IpAddr> {
//!         None
//!     }
//!     fn property(&self, _: &[String]) -> Option<Vec<u8>> {
//!         None
//!     }
//! }
//!
//! let policy = Policy::parse(
//!     br#"{"version": 1, "quotas": [
//!         {"name": "burst", "per": ["key"], "count": "requests", "limit": 2, "window": "10s"}
//!     ]}"#,
//! )?;
//! let store = MemoryStore::new(policy.memory);
//! let engine = Engine::new(policy, Secret::new(b"16 or more bytes"));
//! let request = Exchange {
//!     method: b"POST",
//!     path: b"/v1/chat/completions",
//!     query: b"",
//!     headers: &[(b"authorization", b"Bearer sk-one")],
//!     model: Model::Absent,
//!     foreseen: Foreseen::default(),
//!     attributes: &Unknown,
//! };
//! let mut ask = |millis| engine.admit(&request, Now::at(millis), &store).verdict;
//! assert_eq!([ask(1_000), ask(1_001), ask(1_002)], [Verdict::Allow, Verdict::Allow, Verdict::Throttle]);
//! assert_eq!(ask(11_000), Verdict::Allow);
//! # Ok::<(), stillgate::policy::Faults>(())
//! ```

pub mod agent;
pub mod campaign;
pub mod dialect;
pub mod distinct;
pub mod edge;
pub mod engine;
pub mod estimate;
pub mod exchange;
pub mod host;
pub mod identity;
pub mod json;
pub mod learn;
pub mod metrics;
pub mod page;
pub mod policy;
pub mod quota;
pub mod record;
pub mod replay;
pub mod reply;
pub mod sample;
pub mod scan;
pub mod shape;
pub mod simulate;
pub mod store;
pub mod template;
pub mod trace;
pub mod traits;
pub mod usage;
pub mod verdict;
pub mod window;
