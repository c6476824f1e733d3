//! Envoy, and what embeds it: a proxy-wasm filter.
//!
//! The SDK dispatches Envoy's callbacks to [`Root`] and its streams; calls to the host go through [`abi`], because
//! the SDK's own panic on what clients can send.

mod abi;
mod answer;
mod campaigns;
mod counters;
mod kept;
mod running;
mod shared;
mod stream;

use std::rc::Rc;

use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::ContextType;

use crate::host::wire::structure;
use crate::policy::json::Json;
use crate::policy::{Faults, Policy};
use abi::{Buffer, Level};
use running::Running;
use stream::Stream;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Root::default()));
}}

/// How often each VM renews its slots in flight, in milliseconds.
const TICK: u32 = 1_000;

/// The filter with one configuration. Envoy makes one in every VM: in each worker, and in the main thread.
#[derive(Default)]
struct Root {
    running: Option<Rc<Running>>,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        let configuration = abi::buffer(Buffer::PluginConfiguration, 0, size);
        match policy(&configuration) {
            Ok(policy) => {
                self.running = Some(Rc::new(Running::start(policy, &configuration)));
                abi::tick_every(TICK);
                true
            }
            Err(faults) => {
                for fault in faults.iter() {
                    abi::log(
                        Level::Error,
                        &format!("stillgate: the policy is refused: {fault}"),
                    );
                }
                running::count_rejection();
                false
            }
        }
    }

    fn on_tick(&mut self) {
        if let Some(running) = &self.running {
            running.tick();
        }
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream::new(id, self.running.clone())))
    }
}

/// Reads the policy: JSON as it should be, or the protobuf bytes that Envoy makes of a `Struct`.
fn policy(configuration: &[u8]) -> Result<Policy, Faults> {
    let not_json = serde_json::from_slice::<Json>(configuration).is_err();
    match structure::read(configuration).filter(|_| not_json && !configuration.is_empty()) {
        Some(json) => {
            abi::log(
                Level::Warn,
                "stillgate: the policy came as a protobuf Struct, in which numbers may have become strings; \
                 pass it as a google.protobuf.StringValue that holds JSON",
            );
            Policy::from_json(&json)
        }
        None => Policy::parse(configuration),
    }
}
