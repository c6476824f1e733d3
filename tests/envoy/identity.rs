//! Promise: a request is somebody's or it is refused; nobody is two people at once.

use serde_json::{Value, json};

use crate::harness::client::{Headers as _, Request};
use crate::harness::{Envoy, Origin, Setup, get, raw};
use crate::quotas::{per_key, statuses_of};
use crate::records::{decision, recorded};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_the_same_wherever_it_stands() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_key(4)).start(&origin).await else {
        return;
    };

    for request in [
        get("/").bearer("sk-one"),
        get("/").with("authorization", "bearer sk-one"),
        get("/?key=sk-one"),
        get("/").with("x-api-key", "sk-one").bearer("sk-one"),
    ] {
        assert_eq!(envoy.send(request).await.status, 200);
    }
    assert_eq!(
        envoy
            .send(get("/").with("x-goog-api-key", "sk-one"))
            .await
            .status,
        429,
        "all of them were one key"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_stands_where_the_policy_says() {
    let origin = Origin::start().await;
    let mut policy = per_key(1);
    policy["identity"] =
        json!({"from": [{"header": "x-team"}, {"query": "team"}], "missing": "deny"});
    let Some(envoy) = Setup::new(policy).start(&origin).await else {
        return;
    };

    assert_eq!(
        envoy.send(get("/").bearer("sk-one")).await.status,
        401,
        "not a place that the policy names"
    );
    assert_eq!(
        envoy
            .send(get("/").with("x-team", "blue").bearer("sk-one"))
            .await
            .status,
        200
    );
    assert_eq!(
        envoy
            .send(get("/").with("x-team", "blue").bearer("sk-two"))
            .await
            .status,
        429
    );
    assert_eq!(envoy.send(get("/?a=b&team=red")).await.status, 200);
    assert_eq!(envoy.send(get("/?team=red&a=c")).await.status, 429);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_credential_is_refused() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_key(100)).start(&origin).await else {
        return;
    };

    for request in [
        get("/"),
        get("/?key="),
        get("/").with("authorization", ""),
        get("/").with("authorization", "Bearer"),
        get("/").with("authorization", "Bearer "),
        get("/").with("authorization", "Basic dXNlcjpwYXNz"),
        get("/").with("x-api-key", ""),
    ] {
        let shown = format!("{request:?}");
        assert_eq!(envoy.send(request).await.status, 401, "{shown}");
    }
    assert!(origin.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_credential_a_network_can_stand_for_the_key() {
    let origin = Origin::start().await;
    let mut policy = per_key(2);
    policy["identity"] = json!({"missing": "by_network"});
    let Some(envoy) = Setup::new(policy).start(&origin).await else {
        return;
    };

    for (expected, path) in [(200, "/a"), (200, "/b"), (429, "/c")] {
        assert_eq!(envoy.send(get(path)).await.status, expected);
    }
    assert_eq!(
        statuses_of(&envoy, "sk-one", 3).await,
        [200, 200, 429],
        "a key is not its network"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_with_several_credentials_is_refused() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_key(100)).start(&origin).await else {
        return;
    };

    for request in [
        get("/").bearer("sk-one").bearer("sk-two"),
        get("/").with("authorization", "Bearer sk-one, Bearer sk-two"),
        get("/").with("authorization", "Bearer sk-one,sk-two"),
        get("/")
            .with("x-api-key", "sk-one")
            .with("x-api-key", "sk-two"),
        get("/").with("x-api-key", "sk-one,sk-two"),
        get("/").bearer("sk-one").with("x-api-key", "sk-two"),
        get("/").bearer("sk-one").with("x-goog-api-key", b"\xff"),
        get("/?key=sk-one&key=sk-two"),
        get("/?key=sk-one").bearer("sk-two"),
    ] {
        let shown = format!("{request:?}");
        let (status, decision) = decided(&envoy, request).await;
        assert_eq!(
            (status, &decision["reason"]),
            (401, &json!("ambiguous_credential")),
            "{shown}"
        );
    }
    assert!(origin.seen().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_makes_the_same_pseudonyms_after_a_restart() {
    let origin = Origin::start().await;
    let mut pseudonyms = Vec::new();
    for secret in [true, true, false, false] {
        let setup = Setup::new(recorded(per_key(1)));
        let setup = if secret {
            setup
        } else {
            setup.without_secret()
        };
        let Some(envoy) = setup.start(&origin).await else {
            return;
        };
        let (_, decision) = decided(&envoy, get("/").bearer("sk-one")).await;
        pseudonyms.push(decision["key"].as_str().expect("a pseudonym").to_owned());
        let warnings = envoy.log().matches("STILLGATE_SECRET").count();
        assert_eq!(
            warnings,
            usize::from(!secret),
            "one warning, and only without a secret:\n{}",
            envoy.log()
        );
    }
    assert_eq!(pseudonyms[0], pseudonyms[1]);
    assert_ne!(pseudonyms[2], pseudonyms[3], "a random secret per start");
    assert_ne!(pseudonyms[0], pseudonyms[2]);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_secret_the_workers_still_agree_on_one() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_key(10))
        .workers(4)
        .without_secret()
        .start(&origin)
        .await
    else {
        return;
    };

    let mut statuses = Vec::new();
    for _ in 0..40 {
        // A connection each, so that all workers have their share.
        statuses.push(envoy.send(get("/").bearer("sk-one")).await.status);
    }
    assert_eq!(crate::quotas::count(&statuses, 200), 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_percent_encoded_query_is_the_key_that_it_encodes() {
    let origin = Origin::start().await;
    let Some(envoy) = Setup::new(per_key(1)).start(&origin).await else {
        return;
    };
    let address = envoy.address("main").await;

    let ask = async |path: &str| {
        raw(
            address,
            format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").as_bytes(),
        )
        .await
        .status()
    };
    assert_eq!(ask("/?key=sk-one").await, 200);
    assert_eq!(ask("/?key=sk%2Done").await, 429, "the same key");
    assert_eq!(ask("/?%6Bey=sk-one").await, 429, "under the same name");
    assert_eq!(
        ask("/?key=sk%2").await,
        200,
        "half an escape is a key of its own"
    );
    assert_eq!(
        ask("/?key=%ff%fe").await,
        200,
        "so are bytes that are no text"
    );
}

/// Sends a request on its own and returns its status and what the access log says was decided.
async fn decided(envoy: &Envoy, request: Request) -> (u16, Value) {
    let before = envoy.access_log(0).await.len();
    let status = envoy.send(request).await.status;
    let log = envoy.access_log(before + 1).await;
    (status, decision(&log[before]))
}
