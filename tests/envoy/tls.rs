//! Promise: the filter behind a TLS listener is the filter.

use crate::harness::client::Headers as _;
use crate::harness::config::Listener;
use crate::harness::{Origin, Setup, Wire, get};
use crate::quotas::per_key;

#[tokio::test(flavor = "multi_thread")]
async fn quotas_hold_over_tls_in_http_1_and_http_2() {
    let origin = Origin::start().await;
    let listener = Listener::new("main", per_key(2)).tls();
    let Some(envoy) = Setup::of([listener]).start(&origin).await else {
        return;
    };

    for (wire, statuses) in [
        (Wire::TlsH2, [200, 200, 429]),
        (Wire::TlsH1, [429, 429, 429]),
    ] {
        let mut connection = envoy.connect(wire).await;
        for status in statuses {
            assert_eq!(
                connection
                    .send(get("/v1/models").bearer("sk-one"))
                    .await
                    .status,
                status,
                "{wire:?}"
            );
        }
    }
    assert_eq!(origin.seen().len(), 2);
    envoy.assert_never_died().await;
}
