//! The form of the answers in each dialect, whole and streamed.

use hyper::Version;
use serde_json::{Value, json};

use crate::harness::{Demo, counts, parsed};

#[tokio::test]
async fn openai_chat_is_echoed_and_counted() {
    let demo = Demo::start().await;
    let messages = json!([{"role": "system", "content": "be kind"}, {"role": "user", "content": "hello big world"}]);
    let answer = demo
        .post(
            "/v1/chat/completions",
            &json!({"model": "m", "messages": messages}),
        )
        .await
        .json();
    assert_eq!(answer["object"], "chat.completion");
    assert_eq!(answer["model"], "m");
    assert_eq!(
        answer["choices"][0]["message"]["content"],
        "hello big world"
    );
    assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    assert_eq!(
        counts(
            &answer["usage"],
            ["prompt_tokens", "completion_tokens", "total_tokens"]
        ),
        [5, 3, 8]
    );
}

#[tokio::test]
async fn openai_streams_end_with_done_and_tell_usage_when_asked() {
    let demo = Demo::start().await;
    let mut request = json!({"messages": [{"role": "user", "content": "one two three"}], "stream": true, "max_tokens": 2});
    let events = demo.post("/v1/chat/completions", &request).await.events();
    assert_eq!(events.last().map(String::as_str), Some("[DONE]"));
    let chunks: Vec<Value> = events
        .iter()
        .filter_map(|event| serde_json::from_str(event).ok())
        .collect();
    let text: String = chunks
        .iter()
        .filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str())
        .collect();
    assert_eq!(text, "one two");
    assert_eq!(
        chunks.last().expect("chunks")["choices"][0]["finish_reason"],
        "length"
    );
    assert!(
        chunks
            .iter()
            .all(|chunk| chunk.get("usage").is_none() && chunk["id"] == chunks[0]["id"])
    );

    request["stream_options"] = json!({"include_usage": true});
    let events = demo.post("/v1/chat/completions", &request).await.events();
    let chunks: Vec<Value> = events
        .iter()
        .filter_map(|event| serde_json::from_str(event).ok())
        .collect();
    let (last, others) = chunks.split_last().expect("chunks");
    assert_eq!(last["choices"], json!([]));
    assert_eq!(
        counts(
            &last["usage"],
            ["prompt_tokens", "completion_tokens", "total_tokens"]
        ),
        [3, 2, 5]
    );
    assert!(others.iter().all(|chunk| chunk["usage"].is_null()));
}

#[tokio::test]
async fn anthropic_messages_are_echoed_and_counted() {
    let demo = Demo::start().await;
    let content = json!([{"type": "text", "text": "hello big world"}]);
    let request = json!({"model": "m", "max_tokens": 2, "system": "be kind", "messages": [{"role": "user", "content": content}]});
    let answer = demo.post("/v1/messages", &request).await.json();
    assert_eq!(answer["type"], "message");
    assert_eq!(
        answer["content"],
        json!([{"type": "text", "text": "hello big"}])
    );
    assert_eq!(answer["stop_reason"], "max_tokens");
    assert_eq!(
        counts(&answer["usage"], ["input_tokens", "output_tokens"]),
        [5, 2]
    );
}

#[tokio::test]
async fn anthropic_streams_have_their_events_in_order() {
    let demo = Demo::start().await;
    let request = json!({"max_tokens": 9, "stream": true, "messages": [{"role": "user", "content": "hello world"}]});
    let reply = demo.post("/v1/messages", &request).await;
    let events: Vec<Value> = reply
        .events()
        .iter()
        .map(|event| serde_json::from_str(event).expect("JSON"))
        .collect();
    let kinds: Vec<&str> = events
        .iter()
        .map(|event| event["type"].as_str().expect("a type"))
        .collect();
    let order = [
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_delta",
        "content_block_stop",
        "message_delta",
        "message_stop",
    ];
    assert_eq!(kinds, order);
    let named: Vec<&str> = reply
        .text()
        .lines()
        .filter_map(|line| line.strip_prefix("event: "))
        .collect();
    assert_eq!(named, order);
    assert_eq!(events[0]["message"]["usage"]["input_tokens"], 2);
    assert_eq!(events[6]["usage"]["output_tokens"], 2);
}

#[tokio::test]
async fn gemini_is_echoed_whole_as_events_and_as_an_array() {
    let demo = Demo::start().await;
    let request = json!({"contents": [{"parts": [{"text": "hello world"}]}]});
    let whole = demo
        .post("/v1beta/models/g:generateContent", &request)
        .await
        .json();
    assert_eq!(
        whole["candidates"][0]["content"]["parts"][0]["text"],
        "hello world"
    );
    assert_eq!(whole["candidates"][0]["finishReason"], "STOP");
    let names = [
        "promptTokenCount",
        "candidatesTokenCount",
        "totalTokenCount",
    ];
    assert_eq!(counts(&whole["usageMetadata"], names), [2, 2, 4]);

    let events = demo
        .post("/v1beta/models/g:streamGenerateContent?alt=sse", &request)
        .await
        .events();
    let events: Vec<Value> = events
        .iter()
        .map(|event| serde_json::from_str(event).expect("JSON"))
        .collect();
    let array = demo
        .post("/v1beta/models/g:streamGenerateContent", &request)
        .await
        .json();
    for parts in [&events, array.as_array().expect("an array")] {
        let texts: Vec<&Value> = parts
            .iter()
            .map(|part| &part["candidates"][0]["content"]["parts"][0]["text"])
            .collect();
        assert_eq!(texts, ["hello", " world"]);
        assert_eq!(parts[0]["candidates"][0].get("finishReason"), None);
        assert_eq!(parts[1]["candidates"][0]["finishReason"], "STOP");
    }
}

#[tokio::test]
async fn what_cannot_be_answered_is_refused_in_the_dialect() {
    let demo = Demo::start().await;
    for (path, body, status, pointer, expected) in [
        (
            "/v1/chat/completions",
            "{",
            400,
            "/error/type",
            json!("invalid_request_error"),
        ),
        (
            "/v1/chat/completions",
            r#"{"messages": []}"#,
            400,
            "/error/param",
            json!("messages"),
        ),
        (
            "/v1/messages",
            "nonsense",
            400,
            "/error/type",
            json!("invalid_request_error"),
        ),
        (
            "/v1/messages",
            r#"{"messages": [{"role": "user", "content": "x"}]}"#,
            400,
            "/error/message",
            json!("max_tokens: Field required"),
        ),
        (
            "/v1beta/models/g:generateContent",
            "{}",
            400,
            "/error/status",
            json!("INVALID_ARGUMENT"),
        ),
        (
            "/v1beta/models/g:paint",
            "{}",
            404,
            "/error/status",
            json!("NOT_FOUND"),
        ),
        ("/elsewhere", "", 404, "/error/code", json!("not_found")),
    ] {
        let reply = demo.send("POST", path, &[], body, Version::HTTP_11).await;
        assert_eq!(reply.status, status, "{path}");
        assert_eq!(
            reply.json().pointer(pointer),
            Some(&expected),
            "{path} {body}"
        );
    }
}

#[tokio::test]
async fn openai_completions_answer_every_prompt_as_often_as_asked() {
    let demo = Demo::start().await;
    let mut request = json!({"prompt": ["hello big world", [1, 2]], "n": 2, "max_tokens": 2});
    let whole = demo.post("/v1/completions", &request).await.json();
    let choice = |index: u64, text: &str, finish: &str| json!({"index": index, "text": text, "finish_reason": finish, "logprobs": null});
    let expected = json!([
        choice(0, "hello big", "length"),
        choice(1, "hello big", "length"),
        choice(2, "1 2", "stop"),
        choice(3, "1 2", "stop"),
    ]);
    assert_eq!(
        (&whole["choices"], &whole["object"]),
        (&expected, &json!("text_completion"))
    );
    let names = ["prompt_tokens", "completion_tokens"];
    assert_eq!(counts(&whole["usage"], names), [5, 8]);

    request["stream"] = json!(true);
    request["prompt"] = json!("hello big world");
    let events = demo.post("/v1/completions", &request).await.events();
    let said: Vec<(u64, String)> = parsed(&events)
        .iter()
        .map(|chunk| &chunk["choices"][0])
        .map(|choice| {
            let finish = choice["finish_reason"].as_str().unwrap_or_default();
            let text = choice["text"].as_str().expect("a text");
            (
                choice["index"].as_u64().expect("an index"),
                format!("{text}{finish}"),
            )
        })
        .collect();
    let each = |index| ["hello", " big", "length"].map(|text| (index, text.to_owned()));
    assert_eq!(said, [each(0), each(1)].concat());
}

#[tokio::test]
async fn openai_chat_and_gemini_answer_as_often_as_asked() {
    let demo = Demo::start().await;
    let mut request = json!({"n": 3, "messages": [{"role": "user", "content": "hello world"}]});
    let whole = demo.post("/v1/chat/completions", &request).await.json();
    assert_eq!(whole["choices"].as_array().map(Vec::len), Some(3));
    assert_eq!(
        counts(&whole["usage"], ["prompt_tokens", "completion_tokens"]),
        [2, 6]
    );
    request["stream"] = json!(true);
    let events = demo.post("/v1/chat/completions", &request).await.events();
    let texts = [0, 1, 2].map(|index| {
        let chunks = parsed(&events)
            .into_iter()
            .map(|chunk| chunk["choices"][0].clone());
        let mine = chunks.filter(|choice| choice["index"] == index);
        mine.filter_map(|choice| choice["delta"]["content"].as_str().map(String::from))
            .collect::<String>()
    });
    assert_eq!(texts, ["hello world"; 3]);

    let request = json!({"contents": [{"parts": [{"text": "hello world"}]}], "generationConfig": {"candidateCount": 2}});
    let whole = demo
        .post("/v1beta/models/g:generateContent", &request)
        .await
        .json();
    assert_eq!(whole["candidates"][1]["index"], 1);
    assert_eq!(
        counts(&whole["usageMetadata"], ["candidatesTokenCount"]),
        [4]
    );
}

#[tokio::test]
async fn azure_names_the_model_in_the_path_and_streams_begin_with_its_filter() {
    let demo = Demo::start().await;
    let request = json!({"stream": true, "messages": [{"role": "user", "content": "hello"}]});
    let path = "/openai/deployments/mine/chat/completions?api-version=2024-10-21";
    let chunks = parsed(&demo.post(path, &request).await.events());
    assert_eq!(chunks[0]["choices"], json!([]));
    assert!(chunks[0]["prompt_filter_results"].is_array());
    assert_eq!(chunks[1]["model"], "mine");
    for path in [
        "/openai/deployments/mine/completions",
        "/openai/deployments/mine/embeddings",
    ] {
        let request = json!({"prompt": "hello", "input": "hello"});
        assert_eq!(demo.post(path, &request).await.json()["model"], "mine");
    }
    let request = json!({"model": "m", "input": "hello"});
    let response = demo.post("/openai/v1/responses", &request).await.json();
    assert_eq!(response["model"], "m");
}

#[tokio::test]
async fn responses_are_echoed_whole_and_as_typed_events() {
    let demo = Demo::start().await;
    let content = json!([{"type": "input_text", "text": "hello big world"}]);
    let mut request = json!({"model": "m", "input": [{"role": "user", "content": content}], "max_output_tokens": 2});
    let whole = demo.post("/v1/responses", &request).await.json();
    assert_eq!(whole["output"][0]["content"][0]["text"], "hello big");
    assert_eq!(whole["status"], "incomplete");
    assert_eq!(whole["incomplete_details"]["reason"], "max_output_tokens");

    for (cap, last, text) in [
        (2, "response.incomplete", "hello big"),
        (9, "response.completed", "hello big world"),
    ] {
        request["stream"] = json!(true);
        request["max_output_tokens"] = json!(cap);
        let reply = demo.post("/v1/responses", &request).await;
        let events = parsed(&reply.events());
        let kinds: Vec<&str> = events
            .iter()
            .map(|event| event["type"].as_str().expect("a type"))
            .collect();
        let named: Vec<&str> = reply
            .text()
            .lines()
            .filter_map(|line| line.strip_prefix("event: "))
            .collect();
        assert_eq!(named, kinds);
        let mut order = vec![
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
        ];
        order.extend(text.split(' ').map(|_| "response.output_text.delta"));
        order.extend([
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            last,
        ]);
        assert_eq!(kinds, order);
        let numbers: Vec<usize> = events
            .iter()
            .filter_map(|event| event["sequence_number"].as_u64()?.try_into().ok())
            .collect();
        assert_eq!(numbers, (0..events.len()).collect::<Vec<_>>());
        assert!(events[0]["response"]["usage"].is_null());
        let said: String = events
            .iter()
            .filter_map(|event| event["delta"].as_str())
            .collect();
        let response = &events.last().expect("events")["response"];
        assert_eq!(
            (said.as_str(), &response["output"][0]["content"][0]["text"]),
            (text, &json!(text))
        );
    }
}

#[tokio::test]
async fn embeddings_have_a_vector_for_each_text_as_numbers_or_as_bytes() {
    let demo = Demo::start().await;
    let mut request = json!({"input": ["one", "one two", [5, 6, 7]], "dimensions": 4});
    let plain = demo.post("/v1/embeddings", &request).await.json();
    let vectors: Vec<&Value> = plain["data"]
        .as_array()
        .expect("data")
        .iter()
        .map(|item| &item["embedding"])
        .collect();
    assert_eq!(
        vectors,
        [
            &json!([0.0, 1.0, 0.0, 0.0]),
            &json!([0.0, 0.0, 1.0, 0.0]),
            &json!([0.0, 0.0, 0.0, 1.0])
        ]
    );
    request["encoding_format"] = json!("base64");
    let encoded = demo.post("/v1/embeddings", &request).await.json();
    assert_eq!(encoded["data"][0]["embedding"], "AAAAAAAAgD8AAAAAAAAAAA==");
    for bad in [
        json!({}),
        json!({"input": []}),
        json!({"input": {}}),
        json!({"input": "x", "dimensions": 0}),
    ] {
        assert_eq!(demo.post("/v1/embeddings", &bad).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn vertex_is_gemini_at_another_place() {
    let demo = Demo::start().await;
    let request = json!({"contents": [{"role": "user", "parts": [{"text": "hello"}]}]});
    for version in ["v1", "v1beta1"] {
        let model = format!("/{version}/projects/p/locations/l/publishers/google/models/g");
        let whole = demo
            .post(&format!("{model}:generateContent"), &request)
            .await
            .json();
        assert_eq!(whole["modelVersion"], "g");
        let path = format!("{model}:streamGenerateContent?alt=sse");
        assert_eq!(demo.post(&path, &request).await.events().len(), 1);
    }
}
