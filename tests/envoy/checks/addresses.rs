//! A client's network is the same however its address is written.

use std::net::{Ipv4Addr, SocketAddr};

use serde_json::json;

use super::{ask, gate, policy, told};
use crate::harness::client::Headers as _;
use crate::harness::config::manager;
use crate::harness::{Connection, Origin, Wire, skip};

#[tokio::test(flavor = "multi_thread")]
async fn an_ipv4_client_of_an_ipv6_listener_is_an_ipv4_client() {
    if let Err(error) = std::net::TcpListener::bind("[::]:0") {
        skip("IPv6 is not tried", &error);
        return;
    }
    let origin = Origin::start().await;
    let policy = policy(json!([
        {"name": "office", "trait": "network", "in": ["127.3.4.0/24"], "then": "tag"},
        {"name": "six", "trait": "network", "in": ["::1/128"], "then": "tag"},
        {"name": "farm", "per": ["network"], "distinct": "key", "limit": 2, "window": "1h", "then": "verify"},
    ]));
    let setup = gate(policy).adapt(|listener| {
        listener["address"] =
            json!({"socket_address": {"address": "::", "port_value": 0, "ipv4_compat": true}});
    });
    let Some(envoy) = setup.start(&origin).await else {
        return;
    };
    let port = envoy.address("main").await.port();
    let four = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let status = async |source: [u8; 4], key: &str| {
        let connection = Connection::try_open_from(source.into(), four, Wire::H1, None).await;
        connection
            .expect("Envoy takes connections")
            .send(ask(key))
            .await
            .status
    };
    assert_eq!(status([127, 3, 4, 9], "sk-0").await, 200);
    assert_eq!(told(&origin.only()), Some("office"));
    // One network, and not the whole of IPv4 in one /48.
    for (host, key) in [(10, "sk-1"), (11, "sk-2")] {
        assert_eq!(status([127, 3, 4, host], key).await, 200, "{key}");
    }
    assert_eq!(status([127, 3, 4, 12], "sk-3").await, 403);
    assert_eq!(status([127, 3, 5, 9], "sk-0").await, 200);
    let six = SocketAddr::from(([0, 0, 0, 0, 0, 0, 0, 1], port));
    let mut connection = Connection::open(six, Wire::H1, None).await;
    assert_eq!(connection.send(ask("sk-0")).await.status, 200);
    assert_eq!(told(origin.seen().last().expect("a request")), Some("six"));
    envoy.assert_never_died().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ipv4_that_is_written_as_ipv6_is_the_network_that_it_is() {
    let origin = Origin::start().await;
    let policy = policy(json!([
        {"name": "farm", "per": ["network"], "distinct": "key", "limit": 2, "window": "1h", "then": "verify"},
    ]));
    let setup = gate(policy).adapt(|listener| manager(listener)["xff_num_trusted_hops"] = json!(1));
    let Some(envoy) = setup.start(&origin).await else {
        return;
    };
    let mut connection = envoy.connect_to("main", Wire::H1).await;
    for (source, key, status) in [
        ("198.51.100.1", "sk-0", 200),
        ("::ffff:198.51.100.2", "sk-1", 200),
        ("::ffff:c633:6403", "sk-2", 200),
        // Three of one network; and others, of which there would be none if all of IPv4 were one.
        ("198.51.100.4", "sk-3", 403),
        ("::ffff:198.51.100.4", "sk-3", 403),
        ("::ffff:198.51.101.1", "sk-0", 200),
        ("198.51.102.1", "sk-0", 200),
        ("2001:db8:1::1", "sk-0", 200),
        ("2001:db8:1:2::1", "sk-1", 200),
        ("2001:db8:1:ffff::1", "sk-2", 200),
        ("2001:db8:1:3::1", "sk-3", 403),
        ("2001:db8:2::1", "sk-0", 200),
    ] {
        let request = ask(key).with("x-forwarded-for", source);
        assert_eq!(
            connection.send(request).await.status,
            status,
            "{source} {key}"
        );
    }
    envoy.assert_never_died().await;
}
