//! A case as its file holds it: README.md says what every field means.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::wire::{self, Body};

/// A file of cases.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct File {
    pub(crate) about: String,
    pub(crate) cases: Vec<Case>,
    #[serde(skip)]
    pub(crate) path: PathBuf,
}

/// A policy, and exchanges with what is expected of them.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) name: String,
    /// Hosts that cannot run it, and why.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) not_on: BTreeMap<String, String>,
    pub(crate) policy: Value,
    /// What is asked unless a step says otherwise.
    #[serde(default, skip_serializing_if = "Ask::is_default")]
    pub(crate) ask: Ask,
    /// What is answered unless a step says otherwise.
    #[serde(default, skip_serializing_if = "Answer::is_default")]
    pub(crate) answer: Answer,
    pub(crate) steps: Vec<Step>,
}

/// One exchange, or several that are in flight at once.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Step {
    /// Milliseconds since the case began.
    pub(crate) at: u64,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) together: Vec<Exchange>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ask: Option<Ask>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) answer: Option<Answer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expect: Option<Expect>,
}

/// An exchange among others.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Exchange {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) ask: Option<Ask>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) answer: Option<Answer>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expect: Option<Expect>,
}

/// A request. What is left out is as in the case's own `ask`, or else as README.md says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ask {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) method: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) from: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) key: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) headers: Option<Vec<(String, String)>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) json: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) filler: Option<usize>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) gzip: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) chunked: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) leaves: Option<Leaves>,
}

/// When a client goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Leaves {
    /// The request is at the origin, and nothing has been answered.
    BeforeTheAnswer,
    /// The client has read all chunks of an answer that has not ended.
    InTheAnswer,
}

/// What the origin answers. What is left out is as in the case's own `answer`, or else as README.md says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Answer {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) headers: Option<Vec<(String, String)>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) json: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) text: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) events: Option<Vec<Value>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) chunks: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) gzip: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) breaks_off: Option<bool>,
}

/// What is expected of an exchange.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expect {
    /// What the client gets; none if it leaves before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: BTreeMap<String, Option<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Value>,
    /// What the origin got; none if the request does not reach it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) origin: Option<Arrival>,
    #[serde(default)]
    pub(crate) record: Option<Value>,
}

/// What is different of a request that reaches the origin from what was sent.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Arrival {
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) headers: BTreeMap<String, Option<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<Value>,
}

impl Ask {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// This, and what it leaves out as in `other`. A body is taken as a whole.
    fn or(&self, other: &Self) -> Self {
        let (one, other) = (self.clone(), other.clone());
        let own = one.json.is_some() || one.text.is_some() || one.filler.is_some();
        let body = if own { &one } else { &other };
        Self {
            json: body.json.clone(),
            text: body.text.clone(),
            filler: body.filler,
            gzip: one.gzip.or(body.gzip),
            chunked: one.chunked.or(body.chunked),
            method: one.method.or(other.method),
            path: one.path.or(other.path),
            from: one.from.or(other.from),
            key: one.key.or(other.key),
            headers: one.headers.or(other.headers),
            leaves: one.leaves.or(other.leaves),
        }
    }
}

impl Answer {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }

    fn or(&self, other: &Self) -> Self {
        let (one, other) = (self.clone(), other.clone());
        let own = one.json.is_some()
            || one.text.is_some()
            || one.events.is_some()
            || one.chunks.is_some();
        let body = if own { &one } else { &other };
        Self {
            json: body.json.clone(),
            text: body.text.clone(),
            events: body.events.clone(),
            chunks: body.chunks.clone(),
            gzip: one.gzip.or(body.gzip),
            status: one.status.or(other.status),
            headers: one.headers.or(other.headers),
            breaks_off: one.breaks_off.or(other.breaks_off),
        }
    }
}

impl Case {
    /// The policy; every decision is recorded unless it says otherwise.
    pub(crate) fn policy(&self) -> Value {
        let mut policy = self.policy.clone();
        if let Some(policy) = policy.as_object_mut() {
            policy.entry("version").or_insert(json!(1));
            policy.entry("record").or_insert(json!("all"));
        }
        policy
    }

    /// The steps, each as exchanges as they go over a wire.
    pub(crate) fn moments(&self) -> Vec<(u64, Vec<wire::Exchange>)> {
        let steps = self.steps.iter();
        steps.map(|step| (step.at, self.exchanges(step))).collect()
    }

    fn exchanges(&self, step: &Step) -> Vec<wire::Exchange> {
        let (no_ask, no_answer) = (Ask::default(), Answer::default());
        let ask = step.ask.as_ref().unwrap_or(&no_ask).or(&self.ask);
        let answer = step.answer.as_ref().unwrap_or(&no_answer).or(&self.answer);
        if step.together.is_empty() {
            return vec![self.exchange(&ask, &answer, step.expect.as_ref())];
        }
        assert!(
            step.expect.is_none(),
            "{}: what is expected of requests that are sent together stands with each of them",
            self.name
        );
        let all = step.together.iter();
        all.map(|one| {
            let ask = one.ask.as_ref().unwrap_or(&no_ask).or(&ask);
            let answer = one.answer.as_ref().unwrap_or(&no_answer).or(&answer);
            self.exchange(&ask, &answer, one.expect.as_ref())
        })
        .collect()
    }

    fn exchange(&self, ask: &Ask, answer: &Answer, expect: Option<&Expect>) -> wire::Exchange {
        wire::Exchange {
            request: request(ask),
            response: response(answer),
            leaves: ask.leaves,
            expect: expect.cloned(),
        }
    }

    /// The places where expectations stand, in the order of [`moments`](Self::moments).
    pub(crate) fn expectations(&mut self) -> Vec<&mut Option<Expect>> {
        let mut places = Vec::new();
        for step in &mut self.steps {
            if step.together.is_empty() {
                places.push(&mut step.expect);
            } else {
                places.extend(step.together.iter_mut().map(|one| &mut one.expect));
            }
        }
        places
    }
}

fn request(ask: &Ask) -> wire::Request {
    let mut headers = vec![(String::from("host"), String::from(wire::HOST))];
    if let Some(key) = ask.key.as_ref().filter(|key| !key.is_empty()) {
        headers.push((String::from("authorization"), format!("Bearer {key}")));
    }
    headers.extend(ask.headers.clone().unwrap_or_default());
    let mut body = match (&ask.json, &ask.text, ask.filler) {
        (Some(json), None, None) => Some(json.to_string().into_bytes()),
        (None, Some(text), None) => Some(text.clone().into_bytes()),
        (None, None, Some(bytes)) => Some(vec![b'x'; bytes]),
        (None, None, None) => None,
        _ => panic!("a body is one of json, text and filler: {ask:?}"),
    };
    if let Some(body) = &mut body {
        let named = |name: &str| headers.iter().any(|(other, _)| other == name);
        if !named("content-type") {
            headers.push((
                String::from("content-type"),
                String::from("application/json"),
            ));
        }
        if ask.gzip == Some(true) {
            *body = wire::gzip(body);
            headers.push((String::from("content-encoding"), String::from("gzip")));
        }
        headers.push(if ask.chunked == Some(true) {
            (String::from("transfer-encoding"), String::from("chunked"))
        } else {
            (String::from("content-length"), body.len().to_string())
        });
    }
    let method = if body.is_some() { "POST" } else { "GET" };
    wire::Request {
        method: ask.method.clone().unwrap_or_else(|| String::from(method)),
        target: ask
            .path
            .clone()
            .unwrap_or_else(|| String::from("/v1/chat/completions")),
        from: ask.from.clone().map_or([127, 0, 0, 1].into(), |text| {
            text.parse().expect("an address such as 127.0.0.7")
        }),
        headers,
        body,
    }
}

fn response(answer: &Answer) -> wire::Response {
    let event = |event: &Value| match event {
        Value::String(text) => format!("data: {text}\n\n"),
        // Anthropic's events and OpenAI's responses have names.
        Value::Object(event) if event.get("type").is_some_and(Value::is_string) => {
            let name = event["type"].as_str().unwrap_or_default();
            format!("event: {name}\ndata: {}\n\n", json!(event))
        }
        event => format!("data: {event}\n\n"),
    };
    let (kind, body) = match (&answer.json, &answer.text, &answer.events, &answer.chunks) {
        (Some(json), None, None, None) => {
            ("application/json", Body::Whole(json.to_string().into()))
        }
        (None, Some(text), None, None) => ("application/json", Body::Whole(text.clone().into())),
        (None, None, Some(events), None) => {
            let chunks = events.iter().map(|each| event(each).into_bytes());
            ("text/event-stream", Body::Chunks(chunks.collect()))
        }
        (None, None, None, Some(chunks)) => {
            let chunks = chunks.iter().map(|chunk| chunk.clone().into_bytes());
            ("text/event-stream", Body::Chunks(chunks.collect()))
        }
        (None, None, None, None) => ("application/json", Body::Whole(b"{}".to_vec())),
        _ => panic!("an answer's body is one of json, text, events and chunks: {answer:?}"),
    };
    let mut headers = answer.headers.clone().unwrap_or_default();
    if !headers.iter().any(|(name, _)| name == "content-type") {
        headers.push((String::from("content-type"), String::from(kind)));
    }
    let body = match body {
        Body::Whole(bytes) if answer.gzip == Some(true) => {
            headers.push((String::from("content-encoding"), String::from("gzip")));
            Body::Whole(wire::gzip(&bytes))
        }
        body => body,
    };
    wire::Response {
        status: answer.status.unwrap_or(200),
        headers,
        body,
        breaks_off: answer.breaks_off.unwrap_or(false),
    }
}

/// All cases, by their files.
pub(crate) fn files() -> Vec<File> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)
        .expect("the folder of cases")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let text = fs::read_to_string(&path).expect("UTF-8");
            let file = serde_json::from_str(&text);
            let file: File = file.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            File { path, ..file }
        })
        .collect()
}

/// A body as an expectation has it: JSON if it is an object or a list, or else text.
pub(crate) fn told(bytes: &[u8]) -> Value {
    match serde_json::from_slice(bytes) {
        Ok(value @ (Value::Object(_) | Value::Array(_))) => value,
        _ => Value::String(String::from_utf8_lossy(bytes).into_owned()),
    }
}

/// An empty object.
pub(crate) fn nothing() -> Value {
    Value::Object(Map::new())
}
