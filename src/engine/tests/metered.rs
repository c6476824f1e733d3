//! What a request that is counted by its tokens reserves.

use super::*;

const TOKENS: &str =
    r#"{"name": "tokens", "per": ["key"], "count": "tokens", "limit": 10000, "window": "1d"}"#;

/// A policy of one token rule, with more beside it.
fn metered(more: &str) -> Desk {
    let policy =
        format!(r#"{{"version": 1, "limits": {{"body": "1KiB"}}, "quotas": [{TOKENS}]{more}}}"#);
    let policy = Policy::parse(policy.as_bytes()).unwrap();
    Desk {
        engine: Engine::new(policy, Secret::new(b"0123456789abcdef")),
        estimator: Estimator::new(),
        store: MemoryStore::new(1 << 20),
    }
}

#[test]
fn what_a_request_reserves_is_its_input_and_what_it_allows_itself() {
    const CHAT: &str = "/v1/chat/completions";
    // 24 bytes of text beside the caps: 6 tokens.
    let body = |more: &str| format!(r#"{{"messages":[{{"role":"user","content":""}}]{more}}}"#);
    for (target, body, output) in [
        (CHAT, body(""), 1_024),
        (CHAT, body(r#","max_tokens":100"#), 100),
        (
            CHAT,
            body(r#","max_tokens":100,"max_completion_tokens":70"#),
            100,
        ),
        (CHAT, body(r#","max_tokens":100,"n":3"#), 300),
        // A field that this API ignores makes no request smaller, and what is no number sets no bound.
        (CHAT, body(r#","max_output_tokens":1"#), 1_024),
        (CHAT, body(r#","max_tokens":-1"#), 1_024),
        (CHAT, body(r#","max_tokens":"100""#), 1_024),
        (CHAT, body(r#","max_tokens":1e308"#), u64::MAX),
        ("/v1/responses", body(r#","max_output_tokens":70"#), 70),
        (
            "/v1/responses",
            body(r#","max_output_tokens":70,"maxOutputTokens":1"#),
            70,
        ),
        ("/v1/messages", body(r#","max_tokens":100"#), 100),
        ("/v1/messages/count_tokens", body(r#","max_tokens":100"#), 0),
        ("/v1/embeddings", body(r#","max_tokens":100"#), 0),
        (
            "/v1beta/models/m:generateContent",
            body(r#","generationConfig":{"maxOutputTokens":70,"candidateCount":2}"#),
            140,
        ),
        ("/v1beta/models/m:countTokens", body(""), 0),
        // Of a list of prompts each is answered, whatever stands beside it; one of numbers is one prompt.
        (
            "/v1/completions",
            String::from(r#"{"prompt":["ab",[1,2]],"max_tokens":100,"n":3}"#),
            600,
        ),
        (
            "/v1/completions",
            String::from(r#"{"messages":[],"prompt":["ab","cd"],"max_tokens":100}"#),
            200,
        ),
        (
            "/v1/completions",
            String::from(r#"{"prompt":["ab","cd"],"messages":["a"],"max_tokens":100}"#),
            200,
        ),
        (
            "/v1/completions",
            String::from(r#"{"prompt":["ab","cd"],"prompt":[1,2],"max_tokens":100}"#),
            100,
        ),
        // The path says nothing, the body does.
        ("/llm", body(r#","max_tokens":100"#), 100),
        (
            "/llm",
            String::from(r#"{"contents":[],"generationConfig":{"maxOutputTokens":70}}"#),
            70,
        ),
        ("/llm", String::from(r#"{"file":"abcdefgh"}"#), 1_024),
        // Nothing can be read, and so anything may be asked for.
        ("/llm", String::from("abcdefgh"), 1_024),
        (CHAT, String::from("[1,2"), 1_024),
        ("/v1/embeddings", String::from("[1,2"), 0),
    ] {
        let desk = metered("");
        let ask = Ask {
            target,
            ..super::CHAT
        };
        let decision = desk.post(ask, &body, START);
        assert_eq!(decision.verdict, Verdict::Allow, "{body}");
        let foreseen = decision.reservation.foreseen();
        assert_eq!(foreseen.output, output, "{target} {body}");
        let free = target.contains("ount");
        assert_eq!(foreseen.input == 0, free, "{target} {body}");
        assert!(
            foreseen.input <= body.len() as u64 / 4 + 1,
            "{target} {body}"
        );
    }
}

#[test]
fn what_cannot_be_read_is_charged_by_its_length_or_refused_as_the_policy_says() {
    let unread = "x".repeat(4_000);
    let decision = metered("").post(CHAT, &unread, START);
    assert_eq!(
        decision.reservation.foreseen(),
        Foreseen {
            input: 1_000,
            output: 1_024
        }
    );
    let more = r#", "on_unreadable": "deny""#;
    let decision = metered(more).post(CHAT, &unread, START);
    assert_eq!(
        (decision.verdict, decision.reason),
        (Verdict::Deny, Reason::Unreadable)
    );
    let decision = metered(more).post(CHAT, "{}", START);
    assert_eq!(decision.verdict, Verdict::Allow);
    let decision =
        metered(r#", "mode": "shadow", "on_unreadable": "deny""#).post(CHAT, &unread, START);
    assert_eq!(decision.verdict, Verdict::Allow);
    assert_eq!(
        decision.shadow.map(|intent| intent.reason),
        Some(Reason::Unreadable)
    );
}

#[test]
fn pictures_are_charged_as_the_policy_says_and_not_by_their_bytes() {
    let picture = "A".repeat(100_000);
    let body = format!(
        r#"{{"messages":[{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{picture}"}}}}]}}],"max_tokens":1}}"#
    );
    let input = |more: &str| {
        metered(more)
            .post(CHAT, &body, START)
            .reservation
            .foreseen()
            .input
    };
    assert!((1_000..1_100).contains(&input("")));
    assert!((250..350).contains(&input(r#", "tokens": {"media": 250}"#)));
}

#[test]
fn an_estimate_learns_from_what_the_origin_tells() {
    let desk = metered("");
    let content = "word ".repeat(100);
    let body = format!(
        r#"{{"model":"m","messages":[{{"role":"user","content":"{content}"}}],"max_tokens":1}}"#
    );
    let estimate = |body: &str| desk.post(CHAT, body, START).reservation.foreseen().input;
    let learn = |body: &str, tokens: u64| {
        let decision = desk.post(CHAT, body, START);
        let answer = format!(r#"{{"usage":{{"prompt_tokens":{tokens},"completion_tokens":1}}}}"#);
        let mut reader = crate::usage::Reader::new();
        reader.feed(answer.as_bytes());
        let ending = Ending::Answered {
            status: 200,
            seen: Some(reader.finish()),
        };
        let (settlement, _) = desk.engine.settle(
            &decision.reservation,
            &ending,
            &desk.estimator,
            Now::at(START),
            &desk.store,
        );
        assert!(settlement.estimated.is_some());
    };
    for _ in 0..40 {
        learn(&body, 100);
    }
    let learned = estimate(&body);
    assert!((95..=105).contains(&learned), "{learned}");
    // What the origin has kept says nothing of a body.
    for kept in [
        r#""previous_response_id":"a""#,
        r#""conversation":{"id":"a"}"#,
        r#""cachedContent":"a""#,
    ] {
        let body = body.replace("\"max_tokens\"", &format!("{kept},\"max_tokens\""));
        learn(&body, 600);
    }
    assert_eq!(estimate(&body), learned);
    let other = estimate(&body.replace("\"m\"", "\"n\""));
    assert!(
        (95..=110).contains(&other),
        "a new model begins with what all have taught: {other}"
    );
}

#[test]
fn what_a_client_says_of_its_length_and_does_not_send_is_charged_to_nobody() {
    let desk = metered("");
    let ask = Ask {
        headers: &[
            ("authorization", "Bearer sk-one"),
            ("content-type", "text/plain"),
            ("content-length", "1000000000000000"),
        ],
        ..CHAT
    };
    let Screening::Ready(content) = desk.screen(ask, true) else {
        panic!("a text is not read");
    };
    let decide = |content| {
        desk.with(ask, Model::Absent, |exchange| {
            let now = Now::at(START);
            desk.engine.decide(
                exchange,
                content,
                &desk.estimator,
                &Book::default(),
                now,
                &desk.store,
            )
        })
    };
    let mut decision = decide(content);
    assert!(decision.reservation.foreseen().input > 1_000_000_000);
    decision.reservation.note_length(40, &desk.estimator);
    let (settlement, _) = desk.engine.settle(
        &decision.reservation,
        &Ending::Silent,
        &desk.estimator,
        Now::at(START),
        &desk.store,
    );
    assert_eq!(settlement.usage.input, 10);
    let left = decide(Content::Unreadable(0)).quotas[0].standing.remaining;
    assert_eq!(left, 10_000 - 10 - 1 - 1_024);
}

#[test]
fn what_goes_on_in_the_background_stays_reserved_unless_its_usage_is_told() {
    let told = br#"{"status":"completed","usage":{"input_tokens":3,"output_tokens":5}}"#;
    let queued = br#"{"status":"queued","output":[],"usage":null}"#;
    let cut = b"data: {\"type\":\"response.output_text.delta\",\"delta\":\"a\"}\n\n";
    for (answer, background, used) in [
        (Some(&told[..]), "true", 8),
        (Some(queued), "true", 500),
        (Some(cut), "true", 500),
        (None, "true", 500),
        (Some(cut), "false", 1),
        (None, "false", 0),
    ] {
        let desk = metered("");
        let ask = Ask {
            target: "/v1/responses",
            ..CHAT
        };
        let body = format!(r#"{{"background":{background},"max_output_tokens":500,"input":""}}"#);
        let decision = desk.post(ask, &body, START);
        let ending = answer.map_or(Ending::Silent, |answer| {
            let mut reader = crate::usage::Reader::new();
            reader.feed(answer);
            Ending::Answered {
                status: 200,
                seen: Some(reader.finish()),
            }
        });
        let (now, store) = (Now::at(START), &desk.store);
        let settled =
            desk.engine
                .settle(&decision.reservation, &ending, &desk.estimator, now, store);
        settled.1.unwrap();
        let left = desk.post(ask, "{}", START).quotas[0].standing.remaining;
        let input = decision.reservation.foreseen().input as u32;
        let input = if used == 8 { 0 } else { input };
        // And what this look reserves.
        assert_eq!(
            10_000 - left - 1_024 - 1,
            used + input,
            "{background} {answer:?}"
        );
    }
}
