//! Promise: limits can follow what an account is, as something in front of Stillgate vouches for it.

use serde_json::{Value, json};

use crate::harness::client::Headers as _;
use crate::harness::config::{put_before, route};
use crate::harness::{Envoy, Origin, Setup, get};

#[tokio::test(flavor = "multi_thread")]
async fn a_header_of_an_authentication_filter_sets_the_tier() {
    let origin = Origin::start().await;
    let policy = by_tier(json!({"header": "x-auth-tier"}));
    let Some(envoy) = Setup::new(policy).start(&origin).await else {
        return;
    };

    assert_eq!(admitted(&envoy, "sk-free", Some("free")).await, 1);
    assert_eq!(admitted(&envoy, "sk-pro", Some("pro")).await, 3);
    assert_eq!(
        admitted(&envoy, "sk-other", Some("gold")).await,
        2,
        "a tier that is not listed"
    );
    assert_eq!(admitted(&envoy, "sk-none", None).await, 2, "no tier at all");
}

#[tokio::test(flavor = "multi_thread")]
async fn route_metadata_sets_the_tier() {
    let origin = Origin::start().await;
    let policy = by_tier(json!({"property": "xds.route_metadata.filter_metadata.plan.tier"}));
    let setup = Setup::new(policy).adapt(|listener| {
        route(listener)["metadata"] = json!({"filter_metadata": {"plan": {"tier": "pro"}}})
    });
    let Some(envoy) = setup.start(&origin).await else {
        return;
    };

    assert_eq!(
        admitted(&envoy, "sk-one", Some("free")).await,
        3,
        "a client's header is not asked"
    );
    assert_eq!(admitted(&envoy, "sk-two", None).await, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn dynamic_metadata_of_a_filter_before_sets_the_tier() {
    let origin = Origin::start().await;
    let policy = by_tier(json!({"property": "metadata.filter_metadata.auth.tier"}));
    let setup = Setup::new(policy).adapt(|listener| {
        put_before(
            listener,
            json!({
                "name": "auth",
                "typed_config": {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.set_metadata.v3.Config",
                    "metadata": [{"metadata_namespace": "auth", "value": {"tier": "free"}}],
                },
            }),
        );
    });
    let Some(envoy) = setup.start(&origin).await else {
        return;
    };

    assert_eq!(admitted(&envoy, "sk-one", Some("pro")).await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organisation_shares_a_quota_among_its_keys() {
    let origin = Origin::start().await;
    let policy = json!({
        "version": 1,
        "account": {"org": {"header": "x-auth-org"}},
        "quotas": [{"name": "org", "per": ["org"], "count": "requests", "limit": 2, "window": "1h"}],
    });
    let Some(envoy) = Setup::new(policy).start(&origin).await else {
        return;
    };

    let mut statuses = Vec::new();
    for (key, org) in [
        ("sk-one", "acme"),
        ("sk-two", "acme"),
        ("sk-three", "acme"),
        ("sk-four", "other"),
    ] {
        statuses.push(
            envoy
                .send(get("/").bearer(key).with("x-auth-org", org))
                .await
                .status,
        );
    }
    assert_eq!(statuses, [200, 200, 429, 200]);
}

/// How many of five requests of a key pass.
async fn admitted(envoy: &Envoy, key: &str, tier: Option<&str>) -> usize {
    let mut admitted = 0;
    for _ in 0..5 {
        let mut request = get("/").bearer(key);
        if let Some(tier) = tier {
            request = request.with("x-auth-tier", tier);
        }
        admitted += usize::from(envoy.send(request).await.status == 200);
    }
    admitted
}

/// One request an hour for `free`, three for `pro`, two for everybody else.
fn by_tier(tier: Value) -> Value {
    json!({
        "version": 1,
        "account": {"tier": tier},
        "quotas": [{
            "name": "by-tier", "per": ["key"], "count": "requests", "window": "1h",
            "limit": {"by": "tier", "values": {"free": 1, "pro": 3}, "else": 2},
        }],
    })
}
