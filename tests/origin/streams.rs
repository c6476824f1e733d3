//! How streams are sent: in chunks, at a pace, broken off and failing, and what the origin then saw.

use std::io::Read as _;

use http_body_util::BodyExt as _;
use hyper::Version;
use hyper::body::Incoming;
use serde_json::{Value, json};

use crate::harness::{Demo, Way, chunks, ways};

fn streams() -> impl Iterator<Item = Way> {
    ways().into_iter().filter(|way| way.streams)
}

/// The next part of a stream; nothing at its end.
async fn next(body: &mut Incoming) -> Option<String> {
    loop {
        let frame = body.frame().await?.expect("no break");
        let data = frame.into_data().expect("data");
        // HTTP/2 may end with a frame of nothing.
        if !data.is_empty() {
            return Some(String::from_utf8(data.to_vec()).expect("UTF-8"));
        }
    }
}

#[tokio::test]
async fn every_part_is_a_chunk_of_its_own() {
    let demo = Demo::start().await;
    for way in streams() {
        let (head, body) = demo.raw(&way, &[]).await;
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        let (chunks, ended) = chunks(&body);
        assert!(ended);
        for chunk in &chunks {
            let text = str::from_utf8(chunk).expect("UTF-8");
            if way.path == "/v1beta/models/g:streamGenerateContent" {
                let item = text.trim_start_matches(['[', ',', '\r', '\n']);
                let item = item.strip_suffix(']').unwrap_or(item);
                serde_json::from_str::<Value>(item).expect("an item");
            } else {
                assert_eq!(text.matches("data: ").count(), 1, "{text}");
                assert!(text.ends_with("\n\n"), "{text}");
            }
        }
        assert!(chunks.len() > 2);
    }
}

#[tokio::test]
async fn a_stepped_stream_sends_nothing_before_it_is_released() {
    let demo = Demo::start().await;
    for version in [Version::HTTP_11, Version::HTTP_2] {
        for (number, way) in streams().enumerate() {
            let name = format!("{number}-{version:?}").replace('/', "-");
            let asked = [("x-demo-step", name.as_str())];
            let body = way.body.to_string();
            let response = demo.open("POST", way.path, &asked, &body, version).await;
            let mut body = response.into_body();
            let mut text = next(&mut body).await.expect("a first part");
            let mut parts = 1;
            loop {
                let step = demo.step(&name).await;
                if step.status == 409 {
                    break;
                }
                parts += 1;
                assert_eq!(step.json(), json!({"parts": parts}), "{}", way.path);
                text += &next(&mut body).await.expect("a part");
            }
            assert_eq!(next(&mut body).await, None);
            assert!(parts > 2 && text.contains("world"), "{text}");
            let seen = demo.seen(&name).await;
            assert_eq!(
                (&seen["parts"], &seen["end"]),
                (&json!(parts), &json!("served"))
            );
        }
    }
}

#[tokio::test]
async fn each_part_of_a_compressed_stream_can_be_read_when_it_comes() {
    let demo = Demo::start().await;
    for way in streams() {
        let asked = [("x-demo-step", "it"), ("x-demo-encoding", "gzip!")];
        let body = way.body.to_string();
        let response = demo
            .open("POST", way.path, &asked, &body, Version::HTTP_11)
            .await;
        let mut body = response.into_body();
        let first = body.frame().await.expect("a part").expect("no break");
        let first = first.into_data().expect("data");
        let mut plain = vec![0; 10_000];
        let read = flate2::read::GzDecoder::new(&first[..]).read(&mut plain);
        let text = str::from_utf8(&plain[..read.expect("bytes")]).expect("UTF-8");
        assert!(text.ends_with('\n') || text.ends_with('}'), "{text}");
    }
}

#[tokio::test]
async fn lines_end_as_asked() {
    let demo = Demo::start().await;
    for way in streams() {
        let plain = demo.ask(way.path, &way.body, &[]).await;
        let lines = plain.text().matches('\n').count();
        for (name, end) in [("lf", "\n"), ("crlf", "\r\n"), ("cr", "\r")] {
            let reply = demo
                .ask(way.path, &way.body, &[("x-demo-line-end", name)])
                .await;
            if reply.headers["content-type"] == "application/json" {
                continue;
            }
            let text = reply.text();
            assert!(text.ends_with(&end.repeat(2)), "{text:?}");
            assert_eq!(text.matches(end).count(), lines);
            let others = text.replace(end, "");
            assert!(!others.contains(['\r', '\n']), "{text:?}");
        }
    }
}

#[tokio::test]
async fn a_cut_stream_breaks_after_its_parts() {
    let demo = Demo::start().await;
    for way in streams() {
        for (cut, parts) in [("0", 0), ("2", 2)] {
            let asked = [("x-demo-cut", cut), ("x-demo-name", "it")];
            let (_, body) = demo.raw(&way, &asked).await;
            let (chunks, ended) = chunks(&body);
            assert_eq!((chunks.len(), ended), (parts, false), "{}", way.path);
            let seen = demo.seen("it").await;
            assert_eq!(
                (&seen["parts"], &seen["end"]),
                (&json!(parts), &json!("cut"))
            );

            let body = way.body.to_string();
            let response = demo
                .open("POST", way.path, &asked, &body, Version::HTTP_2)
                .await;
            let mut body = response.into_body();
            for _ in 0..parts {
                body.frame().await.expect("a part").expect("no break");
            }
            body.frame().await.expect("a break").expect_err("a break");
        }
        // More than there are: all of them, and no clean end.
        let (_, body) = demo.raw(&way, &[("x-demo-cut", "99")]).await;
        let (chunks, ended) = chunks(&body);
        let last = String::from_utf8_lossy(chunks.last().expect("chunks")).into_owned();
        assert!(!ended && !last.contains("\"delta\":{\"content\""), "{last}");
    }
}

#[tokio::test]
async fn a_cut_answer_has_half_of_its_bytes_and_the_length_of_all() {
    let demo = Demo::start().await;
    for way in ways().iter().filter(|way| !way.streams) {
        for encoding in [&[("x-demo-encoding", "gzip!")][..], &[]] {
            let asked = [&[("x-demo-cut", "1")][..], encoding].concat();
            let (head, body) = demo.raw(way, &asked).await;
            let length = head.split("content-length: ").nth(1).expect("a length");
            let length: usize = length
                .lines()
                .next()
                .expect("a line")
                .parse()
                .expect("a number");
            assert_eq!(body.len(), length / 2, "{head}");
        }
    }
}

#[tokio::test]
async fn a_failing_stream_ends_clean_after_an_error_of_its_dialect() {
    let demo = Demo::start().await;
    for way in streams() {
        for place in ["0", "2", "99"] {
            let (_, body) = demo.raw(&way, &[("x-demo-error", place)]).await;
            let (chunks, ended) = chunks(&body);
            assert!(ended);
            if place != "99" {
                assert_eq!(
                    chunks.len().to_string(),
                    (place.parse::<usize>().expect("a number") + 1).to_string()
                );
            }
            let last = str::from_utf8(chunks.last().expect("chunks")).expect("UTF-8");
            let data = last.split_once("data: ").map_or(last, |(_, data)| data);
            let data = data
                .trim_start_matches(['[', ',', '\r', '\n'])
                .trim_end_matches([']', '\n']);
            let data: Value = serde_json::from_str(data).expect("JSON");
            let error = &data["error"];
            let told = match way.path {
                "/v1/messages" => {
                    error["type"] == "overloaded_error" && last.starts_with("event: error\n")
                }
                "/v1/responses" => {
                    data["type"] == "error"
                        && data["sequence_number"].is_number()
                        && last.starts_with("event: error\n")
                }
                path if path.contains("models") => error["status"] == "UNAVAILABLE",
                _ => error["type"] == "server_error" && last.starts_with("data: "),
            };
            assert!(told, "{}: {last}", way.path);
        }
    }
}

#[tokio::test]
async fn a_client_that_goes_is_seen_to_go() {
    let demo = Demo::start().await;
    for version in [Version::HTTP_11, Version::HTTP_2] {
        for way in streams() {
            let asked = [("x-demo-step", "it")];
            let body = way.body.to_string();
            let mut response = demo.open("POST", way.path, &asked, &body, version).await;
            next(response.body_mut()).await.expect("a first part");
            drop(response);
            let seen = demo.seen("it").await;
            assert_eq!((&seen["parts"], &seen["end"]), (&json!(1), &json!("gone")));
            assert_eq!(demo.step("it").await.status, 409);
        }
    }
    // And one that does not wait for its answer.
    let way = &ways()[0];
    let asked = [("x-demo-delay", "60000"), ("x-demo-name", "other")];
    let body = way.body.to_string();
    let waits = demo.open("POST", way.path, &asked, &body, Version::HTTP_11);
    tokio::select! {
        _ = waits => panic!("it answers a minute later"),
        seen = demo.seen("other?now") => assert_eq!(seen["end"], Value::Null),
    }
    assert_eq!(demo.seen("other").await["end"], "gone");
}

#[tokio::test]
async fn a_name_is_waited_for() {
    let demo = Demo::start().await;
    let way = &ways()[0];
    let asks = async {
        tokio::task::yield_now().await;
        demo.ask(way.path, &way.body, &[("x-demo-name", "it")])
            .await
    };
    let (seen, _) = tokio::join!(demo.seen("it"), asks);
    assert_eq!(seen["end"], "served");
}

#[tokio::test]
async fn a_delay_is_kept_between_the_parts() {
    let demo = Demo::start().await;
    let way = streams().next().expect("a stream");
    let before = tokio::time::Instant::now();
    let asked = [("x-demo-delay", "20")];
    let reply = demo.ask(way.path, &way.body, &asked).await;
    let parts = u128::try_from(reply.parts().len()).expect("a number");
    // Slower is no fault; the machine may be busy.
    assert!(before.elapsed().as_millis() >= 20 * parts);
}
