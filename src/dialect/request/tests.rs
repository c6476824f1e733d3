#![expect(
    clippy::arithmetic_side_effects,
    clippy::string_slice,
    reason = "a test that meets the unexpected should stop and say so"
)]

mod laws;

use super::*;

fn prompt(body: &str) -> Prompt {
    read(body.as_bytes()).unwrap_or_else(|| panic!("{body} is not understood"))
}

/// The pieces of a text, as they are written in the body.
fn written<'b>(body: &'b str, spans: &Spans) -> Vec<&'b str> {
    spans.iter().map(|range| &body[range]).collect()
}

#[test]
fn nothing_makes_a_reader_grow() {
    assert!(size_of::<Reader>() < 2_048, "{}", size_of::<Reader>());
}

#[test]
fn bodies_and_their_models() {
    for (body, model) in [
        (r#"{"model":"gpt-x"}"#, "gpt-x"),
        (
            " {\n\"messages\" : [ {\"role\":\"user\",\"model\":\"inner\"} ] , \"model\" : \"gpt-x\"\t}\n",
            "gpt-x",
        ),
        (r#"{"model":"a","model":"a"}"#, "a"),
        (r#"{"mod\u0065l":"gpt\u002dx"}"#, "gpt-x"),
        (r#"{"model":"\ud83d\ude00\n\/"}"#, "😀\n/"),
        (r#"{"model":"\ud83dx"}"#, "\u{fffd}x"),
        (
            r#"{"a":{"b":[1,2,{"c":[]}],"d":{}},"e":-1.5e+3,"f":true,"g":null,"model":"m"}"#,
            "m",
        ),
        (r#"{"a":"}{\"]\\","model":"m"}"#, "m"),
        ("{}", ""),
        (r#"{"model":""}"#, ""),
        (r#"{"messages":[{"model":"inner"}]}"#, ""),
    ] {
        let prompt = prompt(body);
        let name = prompt.model.as_deref().unwrap_or_default();
        assert_eq!(name, model.as_bytes(), "{body}");
        let named = matches!(prompt.model(), Model::Named(name) if name == model.as_bytes());
        assert_eq!(named, !model.is_empty(), "{body}");
    }
    assert_eq!(
        read(b"{\"a\":\"\xff\xfe\",\"model\":\"\xff\"}")
            .unwrap()
            .model,
        Some(vec![0xff])
    );
}

#[test]
fn bodies_that_are_not_understood() {
    for body in [
        "",
        "null",
        "1",
        "[]",
        r#"[{"model":"m"}]"#,
        r#""model""#,
        r#"{"model":"a","model":"b"}"#,
        r#"{"model":"a","model":""}"#,
        r#"{"model":1}"#,
        r#"{"model":null}"#,
        r#"{"model":["m"]}"#,
        r#"{"model":{"name":"m"}}"#,
        r#"{"Model":"m"}"#,
        r#"{"model":"m"} {}"#,
        r#"{"model":"m""#,
        r#"{"model":"m",}"#,
        r#"{"model" "m"}"#,
        r#"{"a":[1,2},"model":"m"}"#,
        r#"{"a":[1 2],"model":"m"}"#,
        r#"{"a":"\x","model":"m"}"#,
        r#"{"a":"\u00g0","model":"m"}"#,
        "{\"a\":\"\n\",\"model\":\"m\"}",
        "\u{feff}{\"model\":\"m\"}",
    ] {
        assert_eq!(read(body.as_bytes()), None, "{body}");
    }
}

#[test]
fn depth_and_length_are_bounded() {
    let deep = |depth: usize| {
        let (open, shut) = ("[".repeat(depth), "]".repeat(depth));
        read(format!(r#"{{"a":{open}1{shut},"model":"m"}}"#).as_bytes())
    };
    assert_eq!(deep(127).unwrap().model, Some(b"m".to_vec()));
    assert_eq!(deep(128), None);
    assert_eq!(deep(100_000), None);
    let long = |length: usize| prompt(&format!(r#"{{"model":"{}"}}"#, "m".repeat(length))).model;
    assert_eq!(long(256), Some(vec![b'm'; 256]));
    assert_eq!(long(257), Some(vec![b'm'; 257]));
    assert_eq!(long(257), long(100_000));
}

#[test]
fn an_api_heeds_its_own_bounds() {
    let body = r#"{"max_tokens":1,"max_completion_tokens":2,"max_output_tokens":3,"max_tokens_to_sample":4,
        "generationConfig":{"maxOutputTokens":5,"candidateCount":6,"max_tokens":50},"n":7,"best_of":8}"#;
    let all = prompt(body);
    for (api, cap, candidates) in [
        (Api::Chat, Some(2), 7),
        (Api::Completions, Some(2), 8),
        (Api::Responses, Some(3), 1),
        (Api::Messages, Some(4), 1),
        (Api::Generate, Some(5), 6),
        (Api::Embeddings, None, 1),
        (Api::Free, None, 1),
        (Api::Other, None, 1),
    ] {
        assert_eq!(all.output_cap(api), cap, "{api:?}");
        assert_eq!(all.candidates(api), candidates, "{api:?}");
    }
    let snake = prompt(r#"{"generation_config":{"max_output_tokens":5,"candidate_count":6}}"#);
    assert_eq!(snake.output_cap(Api::Generate), Some(5));
    assert_eq!(snake.candidates(Api::Generate), 6);
}

#[test]
fn bounds_are_whole_numbers_and_the_last_of_a_name_counts() {
    for (value, cap) in [
        ("4096", Some(4096)),
        ("4096.0", Some(4096)),
        ("1e3", Some(1000)),
        ("0", Some(0)),
        ("1e308", Some(u64::MAX)),
        ("-1", None),
        ("0.5", None),
        ("\"4096\"", None),
        ("null", None),
        ("true", None),
        ("[4096]", None),
        ("{\"a\":4096}", None),
    ] {
        let once = prompt(&format!(r#"{{"max_tokens":{value}}}"#));
        assert_eq!(once.output_cap(Api::Chat), cap, "{value}");
        let last = prompt(&format!(r#"{{"max_tokens":7,"max_tokens":{value}}}"#));
        assert_eq!(last.output_cap(Api::Chat), cap, "{value}");
        let settings = format!(
            r#"{{"generationConfig":{{"maxOutputTokens":7}},"generation_config":{{"maxOutputTokens":{value}}}}}"#
        );
        assert_eq!(prompt(&settings).output_cap(Api::Generate), cap, "{value}");
    }
    let renewed = r#"{"generationConfig":{"maxOutputTokens":7},"generationConfig":{}}"#;
    assert_eq!(prompt(renewed).output_cap(Api::Generate), None);
    for (n, candidates) in [("0", 1), ("3", 3), ("1e9", 128), ("-2", 1), ("\"3\"", 1)] {
        let asked = prompt(&format!(r#"{{"n":{n}}}"#));
        assert_eq!(asked.candidates(Api::Chat), candidates, "{n}");
    }
}

#[test]
fn the_shape_tells_the_api() {
    for (body, shape) in [
        (r#"{"messages":[]}"#, Api::Chat),
        (r#"{"system":"s","messages":[]}"#, Api::Messages),
        (r#"{"messages":[],"anthropic_version":"x"}"#, Api::Messages),
        (r#"{"contents":[]}"#, Api::Generate),
        (r#"{"input":"x"}"#, Api::Responses),
        (r#"{"prompt":"x"}"#, Api::Completions),
        (r#"{"prompt":"x","messages":[]}"#, Api::Chat),
        (r#"{"messages":[],"prompt":"x"}"#, Api::Chat),
        ("{}", Api::Other),
        (r#"{"content":{}}"#, Api::Other),
    ] {
        assert_eq!(prompt(body).shape, shape, "{body}");
    }
}

#[test]
fn texts_are_found_wherever_an_api_puts_them() {
    for (body, system, user, turns) in [
        // OpenAI's chat; the role may come last.
        (
            r#"{"messages":[{"role":"system","content":"S"},{"content":"one","role":"user"},{"role":"assistant","content":"no"},{"role":"user","content":"two\n"}]}"#,
            vec!["S"],
            vec![r"two\n"],
            3,
        ),
        (
            r#"{"messages":[{"role":"developer","content":[{"type":"text","text":"S"}]},{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"u"}},{"text":"b","type":"text"}]}]}"#,
            vec!["S"],
            vec!["a", "b"],
            1,
        ),
        (
            r#"{"messages":[{"role":"user","content":"ask"},{"role":"assistant","content":null,"tool_calls":[{"function":{"arguments":"{}"}}]},{"role":"tool","content":"42"}]}"#,
            vec![],
            vec!["ask"],
            2,
        ),
        // Completions and embeddings.
        (r#"{"prompt":"once"}"#, vec![], vec!["once"], 1),
        (
            r#"{"prompt":["once","upon"]}"#,
            vec![],
            vec!["once", "upon"],
            1,
        ),
        (r#"{"prompt":[1,2,3]}"#, vec![], vec![], 0),
        (r#"{"input":["a","","b"]}"#, vec![], vec!["a", "b"], 1),
        // Responses.
        (
            r#"{"instructions":"S","input":"hello"}"#,
            vec!["S"],
            vec!["hello"],
            1,
        ),
        (
            r#"{"input":[{"role":"developer","content":"S"},{"type":"message","role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_image","image_url":"u"}]},{"type":"function_call","name":"f","arguments":"{}"},{"type":"function_call_output","output":"no"}]}"#,
            vec!["S"],
            vec!["a"],
            1,
        ),
        // Anthropic.
        (
            r#"{"system":"S","messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"text","text":"no"},{"type":"tool_use","input":{"text":"no"}}]},{"role":"user","content":[{"type":"tool_result","content":[{"type":"text","text":"no"}]}]}]}"#,
            vec!["S"],
            vec!["a"],
            3,
        ),
        (
            r#"{"messages":[{"role":"user","content":[{"type":"tool_result","content":"no"},{"type":"text","text":"and?"}]}],"system":[{"type":"text","text":"S","cache_control":{"type":"ephemeral"}},{"type":"text","text":"T"}]}"#,
            vec!["S", "T"],
            vec!["and?"],
            1,
        ),
        // Gemini.
        (
            r#"{"systemInstruction":{"parts":[{"text":"S"}]},"contents":[{"parts":[{"text":"a"}]},{"role":"model","parts":[{"text":"no"}]},{"role":"user","parts":[{"text":"b"},{"text":"c"}]}]}"#,
            vec!["S"],
            vec!["b", "c"],
            3,
        ),
        (
            r#"{"system_instruction":{"parts":{"text":"S"}},"contents":{"parts":{"text":"a"}}}"#,
            vec!["S"],
            vec!["a"],
            1,
        ),
        (
            r#"{"contents":[{"role":"user","parts":[{"text":"a"}]},{"role":"function","parts":[{"functionResponse":{"response":{"text":"no"}}}]}]}"#,
            vec![],
            vec!["a"],
            1,
        ),
        (
            r#"{"content":{"parts":[{"text":"a"}]}}"#,
            vec![],
            vec!["a"],
            1,
        ),
        (
            r#"{"requests":[{"model":"m","content":{"parts":[{"text":"a"}]}},{"content":{"parts":[{"text":"b"}]}}]}"#,
            vec![],
            vec!["b"],
            2,
        ),
    ] {
        let prompt = prompt(body);
        assert_eq!(written(body, &prompt.system), system, "{body}");
        assert_eq!(written(body, &prompt.user), user, "{body}");
        assert_eq!(prompt.turns, turns, "{body}");
    }
}

#[test]
fn what_a_conversation_began_with_is_kept_once_the_user_went_on() {
    let said = |turns: &[(&str, &str)]| {
        let turn =
            |(role, text): &(&str, &str)| format!(r#"{{"role":"{role}","content":"{text}"}}"#);
        let turns: Vec<String> = turns.iter().map(turn).collect();
        turns.join(",")
    };
    for (turns, opening, user) in [
        (vec![("system", "s"), ("user", "a")], vec![], "a"),
        (vec![("user", "a"), ("assistant", "m")], vec![], "a"),
        (
            vec![("user", "a"), ("assistant", "m"), ("user", "b")],
            vec!["a"],
            "b",
        ),
        (
            vec![
                ("user", "a"),
                ("user", "b"),
                ("assistant", "m"),
                ("user", "c"),
            ],
            vec!["a"],
            "c",
        ),
        (
            vec![("assistant", "m"), ("user", "b"), ("tool", "t")],
            vec![],
            "b",
        ),
    ] {
        let turns = said(&turns);
        let responses = format!(r#"{{"input":[{turns}]}}"#);
        // The same messages again, of which the last are meant.
        let twice =
            format!(r#"{{"messages":[{{"content":"x"}},{{"content":"y"}}],"messages":[{turns}]}}"#);
        for body in [format!(r#"{{"messages":[{turns}]}}"#), responses, twice] {
            let prompt = prompt(&body);
            assert_eq!(written(&body, &prompt.opening), opening, "{body}");
            assert_eq!(written(&body, &prompt.user), [user], "{body}");
        }
    }
    let gemini = r#"{"contents":[{"parts":[{"text":"a"},{"text":"b"}]},{"role":"model","parts":[{"text":"m"}]},{"role":"user","parts":[{"text":"c"}]}]}"#;
    assert_eq!(written(gemini, &prompt(gemini).opening), ["a", "b"]);
}

#[test]
fn what_comes_twice_begins_afresh() {
    let body = r#"{"system":"no","messages":[{"role":"system","content":"no"},{"role":"user","content":[{"type":"text","text":"no"},{"image_url":"u"}]},{"role":"tool"}],
        "messages":[{"role":"system","role":"user","content":"no","content":[{"text":"no","text":"yes"}]}],"system":"S"}"#;
    let twice = prompt(body);
    assert_eq!(written(body, &twice.system), ["S"]);
    assert_eq!(written(body, &twice.user), ["yes"]);
    assert_eq!(
        (twice.turns, twice.media, twice.tool_results),
        (1, 0, false)
    );
    // A field of another API, which the origin passes over, hides nothing.
    let body = r#"{"messages":[{"role":"user","content":"yes"}],"input":"no","prompt":["no"],"contents":[]}"#;
    assert_eq!(written(body, &prompt(body).user), ["yes"]);
    let body = r#"{"input":"no","messages":[{"role":"user","content":"yes"}]}"#;
    assert_eq!(written(body, &prompt(body).user), ["yes"]);
    // Not even one in the place of the messages.
    for messages in ["12", "null", "{}", "\"x\"", "[[]]", "[1,null,\"x\",{}]"] {
        assert_eq!(
            prompt(&format!(r#"{{"messages":{messages}}}"#)).shape,
            Api::Chat
        );
    }
}

#[test]
fn tools_and_what_they_answer_are_noticed() {
    for (body, tools, results) in [
        (r#"{"tools":[{"type":"function"}]}"#, true, false),
        (r#"{"functions":[{}]}"#, true, false),
        (r#"{"tools":[]}"#, false, false),
        (r#"{"tools":null}"#, false, false),
        (r#"{"tools":[{}],"tools":[]}"#, false, false),
        (
            r#"{"messages":[{"role":"tool","content":"x"}]}"#,
            false,
            true,
        ),
        (
            r#"{"messages":[{"role":"function","content":"x"}]}"#,
            false,
            true,
        ),
        (
            r#"{"messages":[{"role":"user","content":[{"type":"tool_result"}]}]}"#,
            false,
            true,
        ),
        (
            r#"{"input":[{"type":"function_call_output"}]}"#,
            false,
            true,
        ),
        (
            r#"{"input":[{"type":"computer_call_output"}]}"#,
            false,
            true,
        ),
        (
            r#"{"contents":[{"parts":[{"functionResponse":{}}]}]}"#,
            false,
            true,
        ),
        (
            r#"{"contents":[{"parts":[{"function_response":{}}]}]}"#,
            false,
            true,
        ),
        (
            r#"{"messages":[{"role":"assistant","tool_calls":[{}]}]}"#,
            false,
            false,
        ),
    ] {
        let prompt = prompt(body);
        assert_eq!(
            (prompt.tools, prompt.tool_results),
            (tools, results),
            "{body}"
        );
    }
}

#[test]
fn media_are_counted_and_their_bytes_are_no_text() {
    let data = "A".repeat(1000);
    for (part, media) in [
        (
            r#"{"type":"image_url","image_url":{"url":"DATA","detail":"low"}}"#,
            1,
        ),
        (r#"{"type":"input_image","image_url":"DATA"}"#, 1),
        (
            r#"{"type":"input_audio","input_audio":{"data":"DATA","format":"wav"}}"#,
            1,
        ),
        (
            r#"{"type":"file","file":{"filename":"a.pdf","file_data":"DATA"}}"#,
            1,
        ),
        (
            r#"{"type":"input_file","filename":"a.pdf","file_data":"DATA"}"#,
            1,
        ),
        (
            r#"{"type":"image","source":{"data":"DATA","type":"base64"}}"#,
            1,
        ),
        (
            r#"{"type":"document","source":{"type":"url","url":"DATA"}}"#,
            1,
        ),
        (
            r#"{"inlineData":{"mimeType":"image/png","data":"DATA"}}"#,
            1,
        ),
        (
            r#"{"inline_data":{"mime_type":"image/png","data":"DATA"}}"#,
            1,
        ),
        (r#"{"fileData":{"fileUri":"DATA"}}"#, 1),
        (
            r#"{"type":"tool_result","content":[{"type":"image","source":{"type":"base64","data":"DATA"}},{"type":"image","source":{"data":"DATA"}}]}"#,
            2,
        ),
    ] {
        let part = part.replace("DATA", &data);
        let body =
            format!(r#"{{"messages":[{{"role":"user","content":[{part},{{"text":"hi"}}]}}]}}"#);
        let prompt = prompt(&body);
        assert_eq!(prompt.media, media, "{part}");
        assert!(prompt.text_bytes < 150, "{}: {part}", prompt.text_bytes);
        assert_eq!(written(&body, &prompt.user), ["hi"]);
    }
    // A document may be text that the model reads, whichever way its fields are ordered.
    for source in [
        format!(r#"{{"type":"text","media_type":"text/plain","data":"{data}"}}"#),
        format!(r#"{{"data":"{data}","type":"text"}}"#),
    ] {
        let body =
            format!(r#"{{"messages":[{{"content":[{{"type":"document","source":{source}}}]}}]}}"#);
        assert!(prompt(&body).text_bytes > 1000);
    }
    let many = r#"{"image_url":"u"},"#.repeat(30);
    let body = format!(r#"{{"messages":[{{"content":[{many}{{}}]}}]}}"#);
    assert_eq!(prompt(&body).media, 30);
}

#[test]
fn text_is_counted_as_it_is_meant() {
    let body = r#"{"model":"gpt","messages":[{"role":"user","content":"\u4e2d\n\ud83d\ude00"}],"n":12,"stream":true}"#;
    let keys = "modelmessagesrolecontentnstream".len() as u64;
    assert_eq!(prompt(body).text_bytes, keys + 3 + 4 + (3 + 1 + 4) + 2 + 4);
}

#[test]
fn pieces_beyond_what_is_kept_are_counted() {
    let parts = r#"{"text":"x"},"#.repeat(SPANS + 4);
    let body = format!(r#"{{"messages":[{{"role":"user","content":[{parts}{{"text":"x"}}]}}]}}"#);
    let user = prompt(&body).user;
    assert_eq!(
        (user.iter().count(), user.dropped(), user.bytes()),
        (SPANS, 5, SPANS as u64)
    );
    assert!(!user.is_empty());
}

#[test]
fn a_body_cut_anywhere_is_not_understood() {
    let body = r#"{"messages":[{"role":"user","content":"a \"b\" \u00e9"}],"n":12,"model":"gpt-x","stream":true}"#;
    for end in 0..body.len() {
        assert_eq!(read(&body.as_bytes()[..end]), None, "cut at {end}");
    }
}
