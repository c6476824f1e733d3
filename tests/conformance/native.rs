//! The facade of the edge as it is: all that a worker does, without wasm, without JavaScript, and with a clock that is moved by
//! hand.

use serde_json::{Value, json};
use stillgate::edge::{Front, Ledger};

use super::case::{Case, Leaves};
use super::compare::BEGINNING;
use super::host::{Host, Ran};
use super::wire::{Arrived, Exchange, Outcome, Reply, Request, SECRET, headers};

/// The host.
pub(crate) struct Native;

impl Host for Native {
    fn name(&self) -> &'static str {
        "native"
    }

    async fn run(&self, case: &Case) -> Ran {
        let policy = case.policy().to_string();
        let mut edge = Edge {
            front: Front::new(&policy, SECRET)
                .unwrap_or_else(|text| panic!("{}: {text}", case.name)),
            ledger: Ledger::new(&policy, SECRET, BEGINNING).expect("what a front takes"),
            now: BEGINNING,
        };
        let mut outcomes = Vec::new();
        for (at, exchanges) in case.moments() {
            edge.now = BEGINNING + at;
            let begun: Vec<Begun> = exchanges.iter().map(|one| edge.begin(one)).collect();
            for (exchange, begun) in exchanges.iter().zip(begun) {
                let mut outcome = edge.finish(exchange, begun);
                outcome.between = (at, at);
                outcomes.push(outcome);
            }
        }
        Ran {
            began: None,
            outcomes,
        }
    }
}

/// One front and one ledger.
struct Edge {
    front: Front,
    ledger: Ledger,
    now: u64,
}

/// A request that is decided about.
struct Begun {
    stream: u32,
    passes: bool,
    outcome: Outcome,
}

impl Edge {
    fn begin(&mut self, exchange: &Exchange) -> Begun {
        let request = &exchange.request;
        let told = json!({
            "method": request.method,
            "target": request.target,
            "headers": request.headers,
            "facts": {"source": request.from},
        });
        let has_body = request.body.is_some();
        let stream = self.front.begin(&told.to_string(), has_body, self.now);
        let stream = stream.expect("a request");
        let longest = usize::try_from(self.front.longest(stream)).expect("a length");
        if let Some(body) = request.body.as_ref().filter(|_| longest > 0) {
            let shown = body.len().min(longest + 1);
            self.front.body(stream, &body[..shown]).expect("a stream");
        }
        let ask = self.front.ask(stream).expect("a stream");
        let decided = ask.map(|ask| self.tell(&ask));
        let action = self.front.act(stream, decided.as_deref(), self.now);
        let action: Value = serde_json::from_str(&action.expect("a stream")).expect("JSON");
        let mut outcome = Outcome {
            record: action["record"].as_str().map(record),
            ..Outcome::default()
        };
        let passes = action["pass"] == true;
        if passes {
            outcome.arrival = Some(arrival(request, &action));
        } else {
            outcome.reply = Some(Reply {
                status: number(&action["status"]),
                headers: headers(pairs(&action["headers"])),
                body: action["body"].as_str().unwrap_or_default().into(),
            });
            assert_eq!(self.front.close(stream, None), None);
        }
        Begun {
            stream,
            passes,
            outcome,
        }
    }

    fn finish(&mut self, exchange: &Exchange, begun: Begun) -> Outcome {
        let Begun {
            stream,
            passes,
            mut outcome,
        } = begun;
        if !passes {
            return outcome;
        }
        if exchange.leaves != Some(Leaves::BeforeTheAnswer) {
            outcome.reply = Some(self.answer(exchange, stream));
        }
        let sent = exchange.request.body.as_ref().map_or(0, Vec::len) as u64;
        let settled = self
            .front
            .end(stream, sent)
            .map(|message| self.tell(&message));
        if let Some(line) = self.front.close(stream, settled.as_deref()) {
            outcome.record = Some(record(&line));
        }
        outcome
    }

    fn answer(&mut self, exchange: &Exchange, stream: u32) -> Reply {
        let response = &exchange.response;
        let sent = json!(response.headers).to_string();
        let answer = self
            .front
            .answered(stream, response.status, &sent, self.now);
        let answer: Value = serde_json::from_str(&answer.expect("a stream")).expect("JSON");
        if let Some(message) = answer["tell"].as_str() {
            self.tell(message);
        }
        let kept = response
            .headers
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let kept = kept.filter(|(name, _)| !names(&answer["remove"]).any(|other| other == *name));
        let mut reply = Reply {
            status: response.status,
            headers: headers(kept.chain(pairs(&answer["headers"]))),
            body: Vec::new(),
        };
        for chunk in response.body.chunks() {
            let passed = self.front.pass(stream, chunk);
            reply.body.extend(passed.as_deref().unwrap_or(chunk));
        }
        if !response.breaks_off && exchange.leaves.is_none() {
            reply.body.extend(self.front.held(stream));
        }
        reply
    }

    fn tell(&mut self, message: &str) -> String {
        self.ledger.tell(message, self.now).expect("a message")
    }
}

/// The request as it goes on.
fn arrival(request: &Request, action: &Value) -> Arrived {
    let sent = request
        .headers
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    let sent = sent.filter(|(name, _)| !names(&action["remove"]).any(|other| other == *name));
    let mut body = request.body.clone().unwrap_or_default();
    if let Some(edit) = action["edit"].as_object() {
        let [at, remove] = ["at", "remove"].map(|name| number::<usize>(&edit[name]));
        let insert = edit["insert"].as_str().expect("a text");
        body.splice(at..at + remove, insert.bytes());
    }
    Arrived {
        target: request.target.clone(),
        headers: headers(sent.chain(pairs(&action["headers"]))),
        body,
    }
}

fn record(line: &str) -> Value {
    serde_json::from_str(line).expect("a record in JSON")
}

fn number<N: TryFrom<u64>>(value: &Value) -> N {
    let number = value.as_u64().and_then(|number| number.try_into().ok());
    number.unwrap_or_else(|| panic!("{value} is no such number"))
}

fn names(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
}

fn pairs(list: &Value) -> impl Iterator<Item = (&str, &str)> {
    let pairs = list.as_array().into_iter().flatten();
    pairs.filter_map(|pair| Some((pair[0].as_str()?, pair[1].as_str()?)))
}
