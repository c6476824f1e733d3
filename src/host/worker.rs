//! The edge: what JavaScript calls. Each function hands over to [`crate::edge`]; what goes in and out is text, numbers and bytes.
//!
//! `www/worker/gate.js` says in which order they are called.

use wasm_bindgen::JsError;
use wasm_bindgen::prelude::wasm_bindgen;

use super::wire::moment::millis;
use crate::edge;

/// A fault as JavaScript throws it.
fn thrown(fault: String) -> JsError {
    JsError::new(&fault)
}

/// Where requests come in.
#[wasm_bindgen]
pub struct Front(edge::Front);

#[wasm_bindgen]
impl Front {
    /// With a policy and a secret.
    ///
    /// # Errors
    /// See [`edge::Front::new`]; so with all that follow.
    #[wasm_bindgen(constructor)]
    pub fn new(policy: &str, secret: &str) -> Result<Self, JsError> {
        edge::Front::new(policy, secret).map(Self).map_err(thrown)
    }

    /// Whether counters may lie on several ledgers.
    pub fn spreads(&self) -> bool {
        self.0.spreads()
    }

    /// Takes a request; answers its stream.
    ///
    /// # Errors
    /// See [`edge::Front::begin`].
    pub fn begin(&mut self, request: &str, has_body: bool, now: f64) -> Result<u32, JsError> {
        let stream = self.0.begin(request, has_body, millis(now));
        stream.map_err(thrown)
    }

    /// How many bytes of the body are wanted at most.
    #[expect(
        clippy::cast_precision_loss,
        reason = "no policy lets a body be longer than 2^53 bytes"
    )]
    pub fn longest(&self, stream: u32) -> f64 {
        self.0.longest(stream) as f64
    }

    /// Takes the body.
    ///
    /// # Errors
    /// See [`edge::Front::body`].
    pub fn body(&mut self, stream: u32, bytes: &[u8]) -> Result<(), JsError> {
        self.0.body(stream, bytes).map_err(thrown)
    }

    /// What a ledger is to be asked.
    ///
    /// # Errors
    /// See [`edge::Front::ask`].
    pub fn ask(&self, stream: u32) -> Result<Option<String>, JsError> {
        self.0.ask(stream).map_err(thrown)
    }

    /// Which ledger of so many.
    pub fn shard(&self, stream: u32, shards: u32) -> u32 {
        self.0.shard(stream, shards)
    }

    /// What is to be done.
    ///
    /// # Errors
    /// See [`edge::Front::act`].
    pub fn act(
        &mut self,
        stream: u32,
        answer: Option<String>,
        now: f64,
    ) -> Result<String, JsError> {
        let action = self.0.act(stream, answer.as_deref(), millis(now));
        action.map_err(thrown)
    }

    /// What is to be done with the answer.
    ///
    /// # Errors
    /// See [`edge::Front::answered`].
    pub fn answered(
        &mut self,
        stream: u32,
        status: u16,
        headers: &str,
        now: f64,
    ) -> Result<String, JsError> {
        let answer = self.0.answered(stream, status, headers, millis(now));
        answer.map_err(thrown)
    }

    /// Takes a chunk of the answer; answers what is to be handed on instead.
    pub fn pass(&mut self, stream: u32, chunk: &[u8]) -> Option<Vec<u8>> {
        self.0.pass(stream, chunk)
    }

    /// What a ledger is told for slots to be kept.
    pub fn renew(&mut self, stream: u32) -> Option<String> {
        self.0.renew(stream)
    }

    /// What was held back of the answer; before [`end`](Self::end).
    pub fn held(&mut self, stream: u32) -> Vec<u8> {
        self.0.held(stream)
    }

    /// What a ledger is told of the end, after so many bytes of the request's body.
    pub fn end(&mut self, stream: u32, sent: f64) -> Option<String> {
        self.0.end(stream, millis(sent))
    }

    /// Forgets a stream; answers a line for the log.
    pub fn close(&mut self, stream: u32, settled: Option<String>) -> Option<String> {
        self.0.close(stream, settled.as_deref())
    }
}

/// The counters of a shard of keys.
#[wasm_bindgen]
pub struct Ledger(edge::Ledger);

#[wasm_bindgen]
impl Ledger {
    /// With a policy and a secret.
    ///
    /// # Errors
    /// See [`edge::Ledger::new`].
    #[wasm_bindgen(constructor)]
    pub fn new(policy: &str, secret: &str, now: f64) -> Result<Self, JsError> {
        edge::Ledger::new(policy, secret, millis(now))
            .map(Self)
            .map_err(thrown)
    }

    /// Takes a message and answers it.
    ///
    /// # Errors
    /// See [`edge::Ledger::tell`].
    pub fn tell(&mut self, message: &str, now: f64) -> Result<String, JsError> {
        self.0.tell(message, millis(now)).map_err(thrown)
    }

    /// How many pages there are.
    pub fn pages(&self) -> u32 {
        self.0.pages()
    }

    /// Takes a page that was written down.
    pub fn load(&self, page: u32, bytes: &[u8]) -> bool {
        self.0.load(page, bytes)
    }

    /// The pages that changed.
    pub fn changed(&self) -> Vec<u32> {
        self.0.take_changed()
    }

    /// What is to be written down of a page.
    pub fn page(&self, page: u32) -> Option<Vec<u8>> {
        self.0.page(page)
    }

    /// Forgets what is replenished.
    pub fn tidy(&self, pages: &[u32], now: f64) {
        self.0.tidy(pages, millis(now));
    }

    /// Whether campaigns are looked for.
    pub fn watches(&self) -> bool {
        self.0.watches()
    }

    /// What requests have shown.
    pub fn mail(&mut self) -> Option<Vec<u8>> {
        self.0.take_mail()
    }

    /// The version of what is known of campaigns.
    pub fn edition(&self) -> u32 {
        self.0.edition()
    }

    /// Takes what a judge has found.
    #[wasm_bindgen(js_name = takeBook)]
    pub fn take_book(&mut self, book: &[u8]) -> bool {
        self.0.take_book(book)
    }
}

/// Where campaigns are judged.
#[wasm_bindgen]
pub struct Bench(edge::Bench);

#[wasm_bindgen]
impl Bench {
    /// With a policy and a secret.
    ///
    /// # Errors
    /// See [`edge::Bench::new`].
    #[wasm_bindgen(constructor)]
    pub fn new(policy: &str, secret: &str) -> Result<Self, JsError> {
        edge::Bench::new(policy, secret).map(Self).map_err(thrown)
    }

    /// Takes a piece of what another one has known.
    pub fn load(&mut self, place: u32, piece: &[u8]) -> bool {
        self.0.load(place, piece)
    }

    /// Goes on with what was loaded.
    pub fn resume(&mut self, book: &[u8], now: f64) {
        self.0.resume(book, millis(now));
    }

    /// Takes what a ledger has seen.
    pub fn take(&mut self, mail: &[u8]) -> bool {
        self.0.take(mail)
    }

    /// Judges; answers lines for the log.
    pub fn sit(&mut self, now: f64) -> Vec<String> {
        self.0.sit(millis(now))
    }

    /// The version of what is known.
    pub fn edition(&self) -> u32 {
        self.0.edition()
    }

    /// What is known.
    pub fn book(&self) -> Vec<u8> {
        self.0.book()
    }

    /// The pieces that are to be written down now.
    pub fn due(&mut self, changed: bool) -> Vec<u32> {
        self.0.due(changed)
    }

    /// What is to be written down of a piece.
    pub fn piece(&self, place: u32) -> Vec<u8> {
        self.0.piece(place)
    }
}
