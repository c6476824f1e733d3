//! Promise: many keys that act as one are found and answered, and nobody else is.
//!
//! Evidence of how keys come takes hours, and a test has a minute: all requests of a key are of one sitting, which speaks
//! for people. So these policies convict at 6 points; keys, requests and families are the defaults.

mod crowd;

use serde_json::{Value, json};
use tokio::time::Duration;

use crate::harness::client::{Headers as _, Reply, Request};
use crate::harness::config::plugin;
use crate::harness::{Envoy, Origin, Setup, filter_module, until};
use crowd::{Crowd, TEMPLATE, ask};

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_is_found_and_answered_and_nobody_else_is() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(policy(json!({"cap": 1})))
        .workers(3)
        .dynamic()
        .start(&origin)
        .await
    else {
        return;
    };
    let crowd = Crowd;
    let before = crowd.come(&envoy).await;
    assert!(
        before
            .iter()
            .all(|(honest, status)| !honest || *status == 200),
        "an honest request is refused"
    );

    // It is said in the log, with everything that speaks for it and against it.
    let found = said(&envoy, "convicted").await;
    assert!(
        found["keys"].as_u64() > Some(1_500) && found["keys"].as_u64() < Some(2_600),
        "{found}"
    );
    assert!(
        found["requests"].as_u64() >= Some(500) && found["score"].as_f64() >= Some(6.0),
        "{found}"
    );
    assert_eq!(found["terms"]["human_rhythm"], -3.0, "{found}");
    assert!(
        found["terms"]["young_cohort"].as_f64() > Some(1.0),
        "{found}"
    );
    until_refused(&envoy, &crowd).await;

    // Every worker has it two ticks after the first one.
    tokio::time::sleep(Duration::from_secs(2)).await;
    for number in 0..60 {
        let reply = envoy.send(crowd.campaign(number, 9)).await;
        assert_eq!(reply.status, 403);
        assert_no_trace(&reply, &found);
        // A key that nobody has seen is treated alike, and any key's other requests pass.
        let mut stranger = crowd.campaign(number, 10);
        stranger.headers_mut().remove("authorization");
        let stranger = stranger.bearer(&format!("sk-new-{number}"));
        assert_eq!(envoy.send(stranger).await.status, 403);
        let key = format!("sk-campaign-{number}");
        assert_eq!(
            envoy
                .send(ask(&key, &crowd.text(number + 70_000)))
                .await
                .status,
            200
        );
        let verified = crowd.campaign(number, 11).with("x-auth-verified", "true");
        assert_eq!(envoy.send(verified).await.status, 200);
        let contract = crowd.campaign(number, 12).with("x-auth-contract", "yes");
        assert_eq!(envoy.send(contract).await.status, 200);
        assert_eq!(envoy.send(crowd.ordinary(number, 13)).await.status, 200);
        assert_eq!(envoy.send(crowd.popular(number, 14)).await.status, 200);
    }
    let seen = origin.seen();
    let told = |name: &str| name.starts_with("x-stillgate");
    assert!(
        !seen
            .iter()
            .any(|seen| seen.headers.keys().any(|name| told(name.as_str())))
    );
    assert_eq!(
        envoy
            .metric("stillgate_campaigns_convicted_total", &[])
            .await,
        1
    );
    assert!(!envoy.log().contains("sk-"), "a key is in the log");

    // Another policy and other code go on with what was found.
    let refused = async || {
        for number in 0..20 {
            assert_eq!(envoy.send(crowd.campaign(number, 15)).await.status, 403);
            assert_eq!(envoy.send(crowd.ordinary(number, 16)).await.status, 200);
        }
    };
    let mut other = policy(json!({"cap": 1}));
    other["quotas"] = json!([{"name": "all", "per": ["key"], "count": "requests", "limit": 9_000, "window": "1h"}]);
    assert!(
        envoy.reload(Setup::new(other.clone())).await,
        "{}",
        envoy.log()
    );
    refused().await;
    let module = envoy.file("other.wasm");
    let mut bytes = std::fs::read(filter_module()).unwrap();
    // A custom section without a meaning: other code to Envoy.
    bytes.extend([0, 2, 1, b'x']);
    std::fs::write(&module, bytes).unwrap();
    let with_other_code = move |listener: &mut Value| {
        plugin(listener)["vm_config"]["code"]["local"]["filename"] = json!(module);
    };
    let setup = |policy: Value| Setup::new(policy).adapt(with_other_code.clone());
    assert!(envoy.reload(setup(other.clone())).await, "{}", envoy.log());
    refused().await;
    let sittings = envoy.metric("stillgate_campaign_sittings_total", &[]).await;
    until("new code to judge", async || {
        let now = envoy.metric("stillgate_campaign_sittings_total", &[]).await;
        (now > sittings + 7).then_some(())
    })
    .await;
    refused().await;
    assert_eq!(
        envoy.metric("stillgate_campaigns_closed_total", &[]).await,
        0
    );

    // The operator has the last word: on a campaign by its name, on a text, on a template.
    let passes = async |what: &str| {
        until(what, async || {
            let mut statuses = Vec::new();
            for number in 0..12 {
                statuses.push(envoy.send(crowd.campaign(number, 17)).await.status);
            }
            statuses.iter().all(|status| *status == 200).then_some(())
        })
        .await;
    };
    other["campaigns"]["acquit"] = json!([found["campaign"]]);
    assert!(envoy.reload(setup(other.clone())).await, "{}", envoy.log());
    passes("an acquitted campaign to pass").await;
    other["campaigns"]["acquit"] = json!([]);
    assert!(envoy.reload(setup(other.clone())).await, "{}", envoy.log());
    refused().await;
    other["campaigns"]["excuse"] = json!([{"text": TEMPLATE}]);
    for template in said(&envoy, "convicted").await["templates"]
        .as_array()
        .unwrap()
    {
        let excuses = other["campaigns"]["excuse"].as_array_mut().unwrap();
        excuses.push(json!({"template": template}));
    }
    assert!(envoy.reload(setup(other)).await, "{}", envoy.log());
    passes("an excused campaign to pass").await;
    said(&envoy, "closed").await;
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_shadow_a_campaign_is_found_and_nothing_changes() {
    let origin = Origin::start().await;
    let mut shadow = policy(json!({"cap": 1}));
    shadow["mode"] = json!("shadow");
    let Some(envoy) = Setup::new(shadow).workers(2).start(&origin).await else {
        return;
    };
    let crowd = Crowd;
    let all = crowd.come(&envoy).await;
    assert!(all.iter().all(|(_, status)| *status == 200));
    let found = said(&envoy, "convicted").await;
    assert!(found["requests"].as_u64() >= Some(500), "{found}");
    until("a note of the campaign", async || {
        let reply = envoy.send(crowd.campaign(3, 9)).await;
        assert_eq!(reply.status, 200);
        assert_no_trace(&reply, &found);
        let noted = envoy
            .metric("stillgate_shadow_total", &[("reason", "campaign")])
            .await;
        (noted > 0).then_some(())
    })
    .await;
    assert_eq!(
        origin.seen().last().map(|seen| seen
            .headers
            .keys()
            .any(|name| name.as_str().starts_with("x-stillgate"))),
        Some(false)
    );
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_of_too_many_keys_is_only_noted_and_said_loudly() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(policy(json!({})))
        .workers(2)
        .start(&origin)
        .await
    else {
        return;
    };
    let crowd = Crowd;
    let all = crowd.come(&envoy).await;
    assert!(all.iter().all(|(_, status)| *status == 200));
    said(&envoy, "held back").await;
    assert_eq!(
        envoy
            .metric("stillgate_campaigns_held_back_total", &[])
            .await,
        1
    );
    assert_eq!(envoy.send(crowd.campaign(3, 9)).await.status, 200);
    envoy.assert_never_died().await;
}

/// A policy that answers campaigns; with more words about them.
fn policy(more: Value) -> Value {
    let mut campaigns = json!({
        "mode": "enforce",
        "convict": {"score": 6},
        "steps": [{"at": "convicted", "then": "verify"}],
        "jitter": "0s",
    });
    for (name, value) in more.as_object().unwrap() {
        campaigns[name] = value.clone();
    }
    json!({
        "version": 1,
        "verify_url": "https://example.com/verify",
        "account": {
            "age_days": {"header": "x-auth-age"},
            "verified": {"header": "x-auth-verified"},
            "contract": {"header": "x-auth-contract"},
        },
        "campaigns": campaigns,
    })
}

/// What the log says of the first campaign of which it says this.
async fn said(envoy: &Envoy, event: &str) -> Value {
    until(&format!("a campaign to be {event}"), async || {
        let log = envoy.log();
        let lines = log
            .lines()
            .filter_map(|line| line.split_once("stillgate: campaign "));
        let mut lines = lines.map(|(_, line)| serde_json::from_str::<Value>(line).expect("JSON"));
        lines.find(|line| line["event"] == event)
    })
    .await
}

/// Waits until the conviction is acted on.
async fn until_refused(envoy: &Envoy, crowd: &Crowd) {
    until("the campaign to be refused", async || {
        let reply = envoy.send(crowd.campaign(1, 8)).await;
        (reply.status == 403).then_some(())
    })
    .await;
}

/// A client is not told of what it was refused for.
fn assert_no_trace(reply: &Reply, found: &Value) {
    let all = format!("{:?} {}", reply.headers, reply.text()).to_lowercase();
    let name = found["campaign"].as_str().unwrap();
    for secret in ["campaign", "template", "convict", &name[2..]] {
        assert!(!all.contains(secret), "{secret} in {all}");
    }
}
