//! The page: what its JavaScript calls. Each function hands over to [`crate::page`]; what goes in and out is text, numbers and
//! bytes.

use serde::Serialize;
use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

use super::wire::moment::millis;
use crate::page::deploy::{self, Target};
use crate::page::{desk, policy, run, sniff as kind};

/// A fault as JavaScript throws it.
fn thrown(fault: String) -> JsError {
    JsError::new(&fault)
}

/// Data as JavaScript reads it.
fn written<T: Serialize>(data: &T) -> Result<String, JsError> {
    serde_json::to_string(data).map_err(|error| JsError::new(&error.to_string()))
}

/// The version of this module.
#[must_use]
#[wasm_bindgen]
pub fn version() -> String {
    String::from(env!("CARGO_PKG_VERSION"))
}

/// What is wrong with a text that is to be a policy: [`policy::Findings`].
///
/// # Errors
/// Never, and so with all that only write.
#[wasm_bindgen]
pub fn read_policy(text: &str) -> Result<String, JsError> {
    written(&policy::read(text))
}

/// Policies to begin with: [`policy::Template`].
///
/// # Errors
/// As [`read_policy`].
#[wasm_bindgen]
pub fn templates() -> Result<String, JsError> {
    written(&policy::TEMPLATES)
}

/// The configuration that embeds a policy: [`deploy::Deployment`].
///
/// # Errors
/// When the policy has faults, or there is no such target.
#[wasm_bindgen]
pub fn deploy(text: &str, target: &str) -> Result<String, JsError> {
    let policy = policy::parse(text).map_err(thrown)?;
    let target = Target::of(target).ok_or_else(|| {
        thrown(format!(
            "There is nothing to deploy to that is called {target}."
        ))
    })?;
    written(&deploy::deploy(target, text, &policy))
}

/// What can be simulated, by name.
///
/// # Errors
/// As [`read_policy`].
#[wasm_bindgen]
pub fn scenarios() -> Result<String, JsError> {
    written(&run::scenarios())
}

/// What is wrong with a text that is to be a scenario.
///
/// # Errors
/// As [`read_policy`].
#[wasm_bindgen]
pub fn check_scenario(text: &str) -> Result<String, JsError> {
    written(&run::check_scenario(text))
}

/// What a file is that begins so, or that is that and no more.
///
/// # Errors
/// See [`kind::sniff`].
#[wasm_bindgen]
pub fn sniff(bytes: &[u8], whole: bool) -> Result<String, JsError> {
    let file = kind::sniff(bytes, whole).map_err(thrown)?;
    Ok(String::from(file.label()))
}

/// Where requests are tried.
#[wasm_bindgen]
pub struct Desk(desk::Desk);

#[wasm_bindgen]
impl Desk {
    /// With a policy, at a moment.
    ///
    /// # Errors
    /// See [`desk::Desk::new`].
    #[wasm_bindgen(constructor)]
    pub fn new(policy: &str, now: f64) -> Result<Self, JsError> {
        let desk = desk::Desk::new(policy, millis(now));
        desk.map(Self).map_err(thrown)
    }

    /// Sends a request, as often as it says.
    ///
    /// # Errors
    /// See [`desk::Desk::ask`].
    pub fn ask(&mut self, text: &str) -> Result<String, JsError> {
        let outcome = self.0.ask(text).map_err(thrown)?;
        written(&outcome)
    }

    /// Lets time pass.
    pub fn advance(&mut self, ms: f64) {
        self.0.advance(millis(ms));
    }

    /// The moment.
    #[expect(clippy::cast_precision_loss, reason = "no clock here goes that far")]
    pub fn now(&self) -> f64 {
        self.0.now() as f64
    }
}

/// Traffic that goes by.
#[wasm_bindgen]
pub struct Run(Source);

/// Where it comes from.
#[expect(
    clippy::large_enum_variant,
    reason = "there is one at a time, and JavaScript holds it behind a pointer"
)]
enum Source {
    Made(run::Made),
    Recorded(run::Recorded),
    Told(run::Told),
}

#[wasm_bindgen]
impl Run {
    /// Makes up a scenario.
    ///
    /// # Errors
    /// See [`run::Made::new`].
    pub fn scenario(
        scenario: &str,
        policy: Option<String>,
        options: &str,
    ) -> Result<Self, JsError> {
        let options = run::Options::read(options).map_err(thrown)?;
        let made = run::Made::new(scenario, policy.as_deref(), &options);
        made.map(|made| Self(Source::Made(made))).map_err(thrown)
    }

    /// Reads a trace.
    ///
    /// # Errors
    /// See [`run::Recorded::new`].
    pub fn trace(policy: &str, options: &str) -> Result<Self, JsError> {
        let options = run::Options::read(options).map_err(thrown)?;
        let recorded = run::Recorded::new(policy, &options);
        recorded
            .map(|recorded| Self(Source::Recorded(recorded)))
            .map_err(thrown)
    }

    /// Reads a file of verdicts.
    #[must_use]
    pub fn verdicts() -> Self {
        Self(Source::Told(run::Told::default()))
    }

    /// Goes on with so many requests; answers whether there may be more.
    pub fn step(&mut self, requests: u32) -> bool {
        match &mut self.0 {
            Source::Made(made) => made.step(requests),
            Source::Recorded(_) | Source::Told(_) => false,
        }
    }

    /// Takes in what comes next of a file.
    pub fn feed(&mut self, bytes: &[u8]) {
        match &mut self.0 {
            Source::Made(_) => {}
            Source::Recorded(recorded) => recorded.feed(bytes),
            Source::Told(told) => told.feed(bytes),
        }
    }

    /// Takes in that nothing more comes.
    pub fn end(&mut self) {
        match &mut self.0 {
            Source::Made(_) => {}
            Source::Recorded(recorded) => recorded.end(),
            Source::Told(told) => told.end(),
        }
    }

    /// How much of a scenario has passed, from 0 to 1.
    #[must_use]
    pub fn progress(&self) -> f64 {
        match &self.0 {
            Source::Made(made) => made.progress(),
            Source::Recorded(_) | Source::Told(_) => 0.0,
        }
    }

    /// All of it so far, without the picture.
    ///
    /// # Errors
    /// As [`read_policy`].
    pub fn glance(&self) -> Result<String, JsError> {
        self.report(false)
    }

    /// All of it so far.
    ///
    /// # Errors
    /// As [`read_policy`].
    pub fn film(&self) -> Result<String, JsError> {
        self.report(true)
    }
}

impl Run {
    fn report(&self, picture: bool) -> Result<String, JsError> {
        let report = match &self.0 {
            Source::Made(made) => made.report(picture),
            Source::Recorded(recorded) => recorded.report(picture),
            Source::Told(told) => told.report(),
        };
        written(&report)
    }
}
