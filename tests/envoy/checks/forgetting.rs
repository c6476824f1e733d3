//! A distinct count lasts as long as those whom it has seen keep coming, and no longer.

use tokio::time::{Duration, Instant};

use super::ask;
use super::counting::crowd;
use crate::harness::{Origin, Setup, Wire, until};

#[tokio::test(flavor = "multi_thread")]
async fn a_farm_is_over_when_its_keys_stop_coming() {
    is_over_when_it_stops(3, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_farm_that_is_estimated_is_over_when_its_keys_stop_coming() {
    is_over_when_it_stops(220, false).await;
}

/// Keys are served until there are too many, come again and again in vain, and stop.
async fn is_over_when_it_stops(limit: u32, exact: bool) {
    let origin = Origin::start().await;
    let window = Duration::from_secs(4);
    let Some(envoy) = Setup::new(crowd(limit, "4s"))
        .workers(2)
        .start(&origin)
        .await
    else {
        return;
    };
    let mut connection = envoy.connect(Wire::H1).await;
    let mut ask_as = async |key: &str| connection.send(ask(key)).await.status;
    let mut farm = Vec::new();
    loop {
        let key = format!("sk-{}", farm.len());
        if ask_as(&key).await != 200 {
            break;
        }
        farm.push(key);
    }
    let served = u32::try_from(farm.len()).expect("a count");
    if exact {
        assert_eq!(served, limit + 1);
    } else {
        assert!(
            (limit * 9 / 10..=limit * 11 / 10).contains(&served),
            "{served}"
        );
    }
    // As long as they come, though none of them is served any more, it stays as it is.
    let began = Instant::now();
    let mut asked = 0;
    let mut last_round = began;
    while began.elapsed() < window * 2 {
        last_round = Instant::now();
        for key in &farm {
            assert_eq!(ask_as(key).await, 403, "{key} after {:?}", began.elapsed());
            asked += 1;
        }
    }
    assert_eq!(origin.seen().len(), farm.len());
    until("a stranger to pass", async || {
        (ask_as("sk-stranger").await == 200).then_some(())
    })
    .await;
    let over = last_round.elapsed();
    println!(
        "{served} keys kept a window of {window:?} up with {asked} refused requests, and left it after {over:?}"
    );
    // A value counts for half a window at least.
    assert!(over >= window / 2, "forgotten after {over:?}");
    // And what was, is forgotten: there is room for as many as before.
    for key in farm.iter().skip(1) {
        assert_eq!(ask_as(key).await, 200, "{key}");
        if !exact {
            break;
        }
    }
    if exact {
        assert_eq!(ask_as(&farm[0]).await, 403, "the stranger and three more");
    }
    envoy.assert_never_died().await;
}
