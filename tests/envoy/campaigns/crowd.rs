//! A campaign of 2,000 keys among others: what they ask, and from where.

use serde_json::{Value, json};

use super::Request;
use crate::harness::client::Headers as _;
use crate::harness::{Envoy, Wire, post, until};

/// Connections, each from a network of its own.
const NETWORKS: u64 = 32;

/// Keys of the campaign.
const KEYS: u64 = 2_000;

/// What its prompts have in common.
pub(super) const TEMPLATE: &str = "You are given a task. Work it out step by step, write down every single thought, check each of them twice, \
                        and then give the final answer in a box. The task is as follows: ";

/// Who comes.
pub(super) struct Crowd;

impl Crowd {
    /// Everybody asks, three times in all; answers for every request whether it was honest, and its status. A worker hands on
    /// what it saw of 1,365 requests a second, so nobody comes again before that has been judged.
    pub(super) async fn come(&self, envoy: &Envoy) -> Vec<(bool, u16)> {
        let mut statuses = Vec::new();
        for round in 0..3 {
            statuses.extend(self.come_once(envoy, round).await);
            let sittings = || envoy.metric("stillgate_campaign_sittings_total", &[]);
            let before = sittings().await;
            until("what was seen to be judged", async || {
                (sittings().await >= before + 2).then_some(())
            })
            .await;
        }
        statuses
    }

    async fn come_once(&self, envoy: &Envoy, round: u64) -> Vec<(bool, u16)> {
        let address = envoy.address("main").await;
        let mut clients = tokio::task::JoinSet::new();
        for network in 0..NETWORKS {
            let mut requests = Vec::new();
            // Each time a key comes from elsewhere, as through proxies.
            let here = |key: &u64| (key + round * 7) % NETWORKS == network;
            for key in (0..KEYS).filter(here) {
                requests.push((false, self.campaign(key, round)));
                if key % 2 == 0 {
                    requests.push((true, self.ordinary(key, round)));
                }
                if key % 4 == 0 {
                    requests.push((true, self.popular(key, round)));
                }
            }
            let source = [127, 7, u8::try_from(network).unwrap(), 1];
            clients.spawn(async move {
                let connection = crate::harness::Connection::try_open_from(
                    source.into(),
                    address,
                    Wire::H1,
                    None,
                );
                let mut connection = connection.await.expect("Envoy takes connections");
                let mut statuses = Vec::new();
                for (honest, request) in requests {
                    statuses.push((honest, connection.send(request).await.status));
                }
                statuses
            });
        }
        clients.join_all().await.concat()
    }

    /// A request of the campaign's.
    pub(super) fn campaign(&self, key: u64, round: u64) -> Request {
        let text = format!("{}{}", TEMPLATE, self.text(key << 8 | round));
        ask(&format!("sk-campaign-{key}"), &text).with("x-auth-age", (key % 20).to_string())
    }

    /// One of somebody who asks what nobody else asks.
    pub(super) fn ordinary(&self, key: u64, round: u64) -> Request {
        let text = self.text(key << 8 | round | 1 << 40);
        ask(&format!("sk-ordinary-{key}"), &text).with("x-auth-age", (100 + key).to_string())
    }

    /// One of somebody who uses an app that many use, and talks to it.
    pub(super) fn popular(&self, key: u64, round: u64) -> Request {
        let text = |turn: u64| {
            let rest = self.text(key << 8 | round | turn << 41);
            format!(
                "The user has this file open in the editor and would like you to have a look at it, please, and to say in \
                 a few words what could be better: {rest}"
            )
        };
        let messages = json!([
            {"role": "system", "content": "You are the assistant of a popular editor, and help where you can, as long as you can."},
            {"role": "user", "content": text(1)},
            {"role": "assistant", "content": "It could be shorter."},
            {"role": "user", "content": text(2)},
        ]);
        let request = body(&format!("sk-popular-{key}"), &messages);
        request.with("x-auth-age", (200 + key).to_string())
    }

    /// A text that nobody else has, for a number.
    pub(super) fn text(&self, number: u64) -> String {
        words(number, 30)
    }
}

/// A question.
pub(super) fn ask(key: &str, text: &str) -> Request {
    body(key, &json!([{"role": "user", "content": text}]))
}

fn body(key: &str, messages: &Value) -> Request {
    let body = json!({"model": "gpt-4o", "messages": messages}).to_string();
    post("/v1/chat/completions", body).bearer(key)
}

/// Words that look like some, without digits, which templates do not tell apart.
fn words(number: u64, count: u32) -> String {
    let mut state = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut letter = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        char::from(b'a' + (state >> 33).to_le_bytes()[0] % 26)
    };
    let mut word = || -> String { (0..6).map(|_| letter()).collect() };
    (0..count).map(|_| word()).collect::<Vec<_>>().join(" ")
}
