//! What `up` says when it is ready: what is where, and what to try, with the addresses as they are.

use std::net::SocketAddr;

use super::edge::PAGE;
use super::{Arguments, Edge, Stack};
use crate::host::cli::origin::Target;

/// Before Envoy.
pub(super) fn envoy(stack: &Stack, arguments: &Arguments, page: Option<SocketAddr>) -> String {
    let (http, https, admin) = (stack.listen, stack.tls_listen, stack.admin_address);
    let asked = Asked::new(&stack.origin, arguments);
    let policy = match &arguments.policy {
        Some(file) => format!("{}, {FOLLOWED}", file.display()),
        None => String::from(
            "envoy/policy.json: 60 requests a minute, 100,000 tokens a day and 8 requests in flight for each key, and a tag for \
             more than 50 keys of one network and one kind of client; --policy FILE for your own",
        ),
    };
    let what = &asked.what;
    let requests = asked.requests(http);
    let sdk = asked.sdk(http);
    let page = page.map_or_else(String::new, |page| format!("  page        http://{page}\n"));
    format!(
        "
Stillgate is up.

{page}  listens on  http://{http} and https://{https} (self-signed)
  asks        {what}
  policy      {policy}
{requests}
  # 60 keys of one client: the last ones are told the origin as the work of a key farm (\"verdict\":\"tag\" below)
  for i in $(seq 60); do KEY=sk-farm-$i ask -o /dev/null; done
{sdk}
  # What was decided
  curl -s http://{admin}/stats/prometheus | grep ^stillgate

Each request is told below, and what was decided (with \"record\": \"all\" in the policy also where it passes). Ctrl-C ends everything.

"
    )
}

/// Before the edge worker.
pub(super) fn edge(edge: &Edge, arguments: &Arguments, page: Option<SocketAddr>) -> String {
    let http = edge.listen;
    let asked = Asked::new(&edge.origin, arguments);
    let policy = match &arguments.policy {
        Some(file) => format!("{}, {FOLLOWED}", file.display()),
        None => format!("www/worker/policy.json, {FOLLOWED}; --policy FILE for your own"),
    };
    let log = match &arguments.access_log {
        Some(file) => format!("in {}", file.display()),
        None => String::from("below"),
    };
    let what = &asked.what;
    let requests = asked.requests(http);
    let sdk = asked.sdk(http);
    let page = page.map_or_else(String::new, |page| {
        format!("  page        http://{page}, and the worker's own at http://{http}{PAGE}/\n")
    });
    format!(
        "
Stillgate is up, as a worker in workerd.

{page}  listens on  http://{http}
  asks        {what}
  policy      {policy}
{requests}{sdk}
What was decided is told {log} (with \"record\": \"all\" in the policy also where a request passes). Ctrl-C ends everything, and counters
end with it.

"
    )
}

/// Whom requests are for, and with what.
struct Asked {
    what: String,
    key: &'static str,
    model: &'static str,
    /// What shows a token rule at work, where the origin can be told what to report.
    tokens: &'static str,
}

impl Asked {
    fn new(origin: &Target, arguments: &Arguments) -> Self {
        match arguments.origin {
            Some(_) => Self {
                what: origin.to_string(),
                key: "YOUR_KEY",
                model: "YOUR_MODEL",
                tokens: "",
            },
            None => Self {
                what: format!("a demo origin that echoes ({origin})"),
                key: "sk-one",
                model: "demo",
                tokens: TOKENS,
            },
        }
    }

    fn requests(&self, http: SocketAddr) -> String {
        let Self {
            key, model, tokens, ..
        } = self;
        format!(
            "
Try, in another terminal:

  ask() {{ curl -s \"$@\" http://{http}/v1/chat/completions \\
    -H \"authorization: Bearer ${{KEY:-{key}}}\" -H 'content-type: application/json' \\
    -d '{{\"model\": \"{model}\", \"messages\": [{{\"role\": \"user\", \"content\": \"hello there\"}}]}}'; }}

  # One request
  ask -i

  # 61 of them: more than the policy that comes with it lets through in a minute
  for i in $(seq 61); do ask -o /dev/null -w '%{{http_code}}\\n'; done | sort | uniq -c
{tokens}"
        )
    }

    fn sdk(&self, http: SocketAddr) -> String {
        let Self { key, model, .. } = self;
        format!(
            "
  # The official SDK: it waits as it is told, and then goes on
  python3 -m venv target/sdk && target/sdk/bin/pip install -q openai
  OPENAI_BASE_URL=http://{http}/v1 OPENAI_API_KEY={key} target/sdk/bin/python -c 'import openai; print(
    openai.OpenAI().chat.completions.create(model=\"{model}\", messages=[{{\"role\": \"user\", \"content\": \"hello\"}}]))'
"
        )
    }
}

const FOLLOWED: &str = "put in force again whenever it changes";
const TOKENS: &str = "
  # An answer that the demo origin says took all of a day's tokens, and one question more
  KEY=sk-two ask -o /dev/null -H 'x-demo-tokens: 60000,40000'; KEY=sk-two ask -i
";
