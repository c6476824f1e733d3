//! Lists of thousands are taken, and each of their entries is found.

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{ask, gate, own_ja4, policy, told};
use crate::harness::client::Headers as _;
use crate::harness::{Envoy, Origin, Wire, filter_module};

#[tokio::test(flavor = "multi_thread")]
async fn lists_of_ten_thousand_entries_are_taken_and_right() {
    let Some(ja4) = own_ja4(Wire::TlsH2).await else {
        return;
    };
    let origin = Origin::start().await;
    let mut fingerprints: Vec<String> = (0..ENTRIES)
        .map(|n| format!("t13d1516h2_{:012x}_{:012x}", n * 7_919, n * 104_729))
        .collect();
    let networks: Vec<String> = (0..ENTRIES)
        .map(|n| {
            let [_, _, b, c] = even(n);
            format!("127.{b}.{c}.0/24")
        })
        .collect();
    let exact = (0..ENTRIES).map(|n| format!("org-{}", n * 2));
    let orgs: Vec<String> = exact
        .chain((0..ENTRIES).map(|n| format!("team-{}-*", n * 2)))
        .collect();
    fingerprints.insert(usize::try_from(ENTRIES / 3).expect("a place"), ja4);
    let list = |name: &str, of: &str, list: Value| json!({"name": name, "trait": of, "in": list, "then": "tag"});
    let policy = policy(json!([
        list("ja4", "ja4", json!(fingerprints)),
        list("network", "network", json!(networks)),
        list("org", "org", json!(orgs)),
    ]));
    let mut small = policy.clone();
    for check in small["checks"].as_array_mut().expect("checks") {
        check["in"].as_array_mut().expect("a list").truncate(1);
    }
    // Built before anything is timed.
    filter_module();
    drop(start(small, &origin).await);
    let Some(envoy) = start(policy, &origin).await else {
        return;
    };

    let mut secure = envoy.connect_to("tls", Wire::TlsH2).await;
    assert_eq!(secure.send(ask("sk-one")).await.status, 200);
    assert_eq!(told(&origin.only()), Some("ja4"));
    let mut clear = envoy.connect_to("main", Wire::H1).await;
    for n in (0..ENTRIES).step_by(101) {
        for (number, expected) in [(n * 2, Some("org")), (n * 2 + 1, None)] {
            for org in [format!("org-{number}"), format!("team-{number}-red")] {
                let request = ask("sk-one").with("x-auth-org", &org);
                assert_eq!(clear.send(request).await.status, 200);
                assert_eq!(last_told(&origin), expected.map(str::to_owned), "{org}");
            }
        }
    }
    for n in (0..ENTRIES).step_by(997) {
        // Every other network is on the list.
        let [_, _, b, c] = even(n);
        for (source, expected) in [
            ([127, b, c, 9], Some("network")),
            ([127, b, c + 1, 9], None),
        ] {
            let mut connection = envoy.connect_from(source, "main", Wire::H1).await;
            assert_eq!(connection.send(ask("sk-one")).await.status, 200);
            assert_eq!(
                last_told(&origin),
                expected.map(str::to_owned),
                "{source:?}"
            );
        }
    }
    envoy.assert_never_died().await;
}

/// Starts an Envoy, and prints how long it took.
async fn start(policy: Value, origin: &Origin) -> Option<Envoy> {
    let (began, length) = (Instant::now(), policy.to_string().len());
    let envoy = gate(policy).workers(2).start(origin).await;
    println!(
        "eight VMs with a policy of {length} bytes are ready after {:?}",
        began.elapsed()
    );
    envoy
}

/// The bytes of an even number: of every two networks from 127.0.128.0/24 on the first is listed.
fn even(n: u64) -> [u8; 4] {
    let number = u32::try_from(n * 2 + (1 << 15)).expect("a network");
    number.to_be_bytes()
}

fn last_told(origin: &Origin) -> Option<String> {
    told(origin.seen().last().expect("a request")).map(str::to_owned)
}

const ENTRIES: u64 = 10_000;
