//! Bodies as the APIs write them, in `tests/golden`: what is read from each request, and from each answer however it
//! is cut.

#![expect(
    clippy::arithmetic_side_effects,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test that meets the unexpected should stop and say so"
)]

use std::fs;
use std::path::Path;

use proptest::prelude::*;
use stillgate::dialect::request::{self, Prompt};
use stillgate::dialect::{Api, Dialect};
use stillgate::usage::{Hider, Reader, Seen, Told};

fn golden(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What is read from a request.
struct Request {
    file: &'static str,
    path: &'static str,
    dialect: Dialect,
    api: Api,
    model: Option<&'static str>,
    cap: Option<u64>,
    candidates: u64,
    turns: u32,
    media: u32,
    tools: (bool, bool),
    system: &'static [&'static str],
    user: &'static [&'static str],
}

const REQUESTS: &[Request] = &[
    Request {
        file: "openai-chat.json",
        path: "/v1/chat/completions",
        dialect: Dialect::OpenAi,
        api: Api::Chat,
        model: Some("gpt-4o-mini"),
        cap: Some(300),
        candidates: 2,
        turns: 3,
        media: 0,
        tools: (false, false),
        system: &["You keep the harbour's log. Answer in one sentence."],
        user: &[r"And on Tuesday?\nList them by tonnage \u2014 largest first."],
    },
    Request {
        file: "openai-vision.json",
        path: "/openai/deployments/eyes/chat/completions",
        dialect: Dialect::OpenAi,
        api: Api::Chat,
        model: Some("gpt-4o"),
        cap: Some(200),
        candidates: 1,
        turns: 1,
        media: 2,
        tools: (false, false),
        system: &["Describe pictures for the blind."],
        user: &["What is on these?", "One line each."],
    },
    Request {
        file: "openai-agent.json",
        path: "/v1/chat/completions",
        dialect: Dialect::OpenAi,
        api: Api::Chat,
        model: Some("gpt-4.1"),
        cap: None,
        candidates: 1,
        turns: 2,
        media: 0,
        tools: (true, true),
        system: &["You mend programs."],
        user: &["The build is red. Find out why."],
    },
    Request {
        file: "openai-completions.json",
        path: "/v1/completions",
        dialect: Dialect::OpenAi,
        api: Api::Completions,
        model: Some("gpt-3.5-turbo-instruct"),
        cap: Some(64),
        // Three for each of two prompts.
        candidates: 6,
        turns: 1,
        media: 0,
        tools: (false, false),
        system: &[],
        user: &["Once upon a time", "In the beginning"],
    },
    Request {
        file: "openai-responses.json",
        path: "/v1/responses",
        dialect: Dialect::OpenAi,
        api: Api::Responses,
        model: Some("gpt-5-mini"),
        cap: Some(900),
        candidates: 1,
        turns: 1,
        media: 0,
        tools: (false, false),
        system: &["Speak like a botanist."],
        user: &["Why are leaves green?"],
    },
    Request {
        file: "openai-responses-items.json",
        path: "/v1/responses",
        dialect: Dialect::OpenAi,
        api: Api::Responses,
        model: Some("gpt-5"),
        cap: Some(2000),
        candidates: 1,
        turns: 1,
        media: 2,
        tools: (true, true),
        system: &["Use the tools."],
        user: &["What does this say?"],
    },
    Request {
        file: "openai-embeddings.json",
        path: "/v1/embeddings",
        dialect: Dialect::OpenAi,
        api: Api::Embeddings,
        model: Some("text-embedding-3-small"),
        cap: None,
        candidates: 1,
        turns: 1,
        media: 0,
        tools: (false, false),
        system: &[],
        user: &[
            "A red door.",
            "Une porte rouge.",
            r"\u7ea2\u8272\u7684\u95e8",
        ],
    },
    Request {
        file: "anthropic-messages.json",
        path: "/v1/messages",
        dialect: Dialect::Anthropic,
        api: Api::Messages,
        model: Some("claude-sonnet-4-5"),
        cap: Some(1024),
        candidates: 1,
        turns: 3,
        media: 2,
        tools: (false, false),
        system: &["You translate letters.", "Keep the tone."],
        user: &["And this one?"],
    },
    Request {
        file: "anthropic-agent.json",
        path: "/v1/messages/count_tokens",
        dialect: Dialect::Anthropic,
        api: Api::Free,
        model: Some("claude-opus-4-1"),
        cap: None,
        candidates: 1,
        turns: 3,
        media: 1,
        tools: (true, true),
        system: &["You are a librarian."],
        user: &[r#"Do you have \"Emma\"?"#],
    },
    Request {
        file: "anthropic-vertex.json",
        path: "/v1/projects/p/locations/l/publishers/anthropic/models/claude-x:rawPredict",
        dialect: Dialect::Anthropic,
        api: Api::Messages,
        model: None,
        cap: Some(256),
        candidates: 1,
        turns: 1,
        media: 0,
        tools: (false, false),
        system: &[],
        user: &["How deep is the lake?"],
    },
    Request {
        file: "gemini-generate.json",
        path: "/v1beta/models/gemini-2.5-flash:streamGenerateContent",
        dialect: Dialect::Gemini,
        api: Api::Generate,
        model: None,
        cap: Some(800),
        candidates: 2,
        turns: 4,
        media: 1,
        tools: (true, true),
        system: &["You are a guide in the mountains."],
        user: &["And this ", "mark?"],
    },
    Request {
        file: "gemini-embed.json",
        path: "/v1beta/models/gemini-embedding-001:batchEmbedContents",
        dialect: Dialect::Gemini,
        api: Api::Embeddings,
        model: None,
        cap: None,
        candidates: 1,
        turns: 2,
        media: 0,
        tools: (false, false),
        system: &[],
        user: &["A blue door."],
    },
];

#[test]
fn requests_are_read_as_their_apis_mean_them() {
    for request in REQUESTS {
        let file = request.file;
        let body = golden(&format!("requests/{file}"));
        let prompt = request::read(&body).unwrap_or_else(|| panic!("{file} is not understood"));
        let dialect = Dialect::of(request.path.as_bytes(), || false);
        let api = Api::of(dialect, request.path.as_bytes());
        assert_eq!((dialect, api), (request.dialect, request.api), "{file}");
        let name = prompt.model.as_deref().map(String::from_utf8_lossy);
        assert_eq!(name.as_deref(), request.model, "{file}");
        assert_eq!(prompt.output_cap(api), request.cap, "{file}");
        assert_eq!(prompt.candidates(api), request.candidates, "{file}");
        let counted = (
            prompt.turns,
            prompt.media,
            (prompt.tools, prompt.tool_results),
        );
        assert_eq!(
            counted,
            (request.turns, request.media, request.tools),
            "{file}"
        );
        assert_eq!(texts(&body, &prompt, false), request.system, "{file}");
        assert_eq!(texts(&body, &prompt, true), request.user, "{file}");
        assert!(
            prompt.text_bytes > 0 && prompt.text_bytes < body.len() as u64,
            "{file}"
        );
        for end in 0..body.trim_ascii_end().len() {
            assert_eq!(request::read(&body[..end]), None, "{file} cut at {end}");
        }
    }
}

fn texts<'b>(body: &'b [u8], prompt: &Prompt, user: bool) -> Vec<&'b str> {
    let spans = if user { &prompt.user } else { &prompt.system };
    spans
        .iter()
        .map(|range| str::from_utf8(&body[range]).unwrap_or_default())
        .collect()
}

/// What is seen of an answer: input, cached, output and reasoning tokens as told; pieces and bytes of text; whether it
/// came to its end.
type Answer = (&'static str, [Option<u64>; 4], (u64, u64), bool);

const ANSWERS: &[Answer] = &[
    (
        "openai-chat.json",
        [Some(71), Some(64), Some(12), Some(4)],
        (1, 29),
        true,
    ),
    (
        "openai-tools.json",
        [Some(200), None, Some(17), None],
        (2, 19),
        true,
    ),
    (
        "openai-thinking.json",
        [Some(30), None, Some(102), Some(100)],
        (2, 17),
        true,
    ),
    (
        "openai-stream.sse",
        [Some(19), None, Some(10), None],
        (3, 20),
        true,
    ),
    ("openai-stream-silent.sse", [None; 4], (3, 17), true),
    (
        "openai-stream-tools.sse",
        [Some(88), None, Some(14), None],
        (3, 19),
        true,
    ),
    ("openai-stream-error.sse", [None; 4], (1, 9), false),
    (
        "azure-stream.sse",
        [Some(9), None, Some(2), None],
        (1, 5),
        true,
    ),
    (
        "groq-stream.sse",
        [Some(11), None, Some(3), None],
        (1, 2),
        true,
    ),
    (
        "openai-completions.json",
        [Some(8), None, Some(4), None],
        (2, 20),
        true,
    ),
    (
        "openai-completions-stream.sse",
        [Some(4), None, Some(2), None],
        (2, 10),
        true,
    ),
    (
        "openai-responses.json",
        [Some(22), Some(10), Some(150), Some(128)],
        (2, 62),
        true,
    ),
    (
        "openai-responses-stream.sse",
        [Some(37), None, Some(11), None],
        (3, 19),
        true,
    ),
    (
        "openai-embeddings.json",
        [Some(13), None, None, None],
        (0, 0),
        true,
    ),
    (
        "anthropic-messages.json",
        [Some(1140), Some(1000), Some(33), None],
        (3, 43),
        true,
    ),
    (
        "anthropic-stream.sse",
        [Some(100), Some(75), Some(61), None],
        (4, 41),
        true,
    ),
    (
        "anthropic-stream-error.sse",
        [Some(12), None, Some(1), None],
        (1, 26),
        false,
    ),
    ("anthropic-count.json", [None; 4], (0, 0), true),
    (
        "gemini-generate.json",
        [Some(70), Some(30), Some(120), Some(100)],
        (3, 38),
        true,
    ),
    (
        "gemini-stream.sse",
        [Some(8), None, Some(31), Some(25)],
        (3, 40),
        true,
    ),
    (
        "gemini-stream.json",
        [Some(8), None, Some(6), None],
        (2, 17),
        true,
    ),
];

fn seen(answer: &Answer) -> Seen {
    let (_, [input, cached, output, reasoning], (pieces, text_bytes), complete) = *answer;
    Seen {
        told: Told {
            input,
            cached: cached.unwrap_or(0),
            output,
            reasoning: reasoning.unwrap_or(0),
        },
        pieces,
        text_bytes,
        odd: 0,
        came: true,
        understood: true,
        complete,
    }
}

fn read<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Seen {
    let mut reader = Reader::new();
    for chunk in chunks {
        reader.feed(chunk);
    }
    reader.finish()
}

/// The same answer with the line ends that an event stream may have, and with a byte order mark.
fn spellings(file: &str, body: &[u8]) -> Vec<Vec<u8>> {
    let mark = [b"\xef\xbb\xbf", body].concat();
    let mut spellings = vec![body.to_vec(), mark];
    if file.ends_with(".sse") {
        let text = String::from_utf8_lossy(body);
        spellings.extend(["\r\n", "\r"].map(|end| text.replace('\n', end).into_bytes()));
        spellings.push(text.replace("data: ", "data:").into_bytes());
        // Any JSON may be broken into lines where white space may stand.
        spellings.push(
            text.replace(",\"choices\"", ",\ndata: \"choices\"")
                .into_bytes(),
        );
        spellings.push(text.trim_end().to_owned().into_bytes());
    }
    spellings
}

#[test]
fn answers_are_read_the_same_wherever_they_are_cut() {
    for answer in ANSWERS {
        let file = answer.0;
        for body in spellings(file, &golden(&format!("answers/{file}"))) {
            assert_eq!(read([body.as_slice()]), seen(answer), "{file}");
            for cut in 0..=body.len() {
                let (one, other) = body.split_at(cut);
                assert_eq!(read([one, other]), seen(answer), "{file} cut at {cut}");
            }
            assert_eq!(read(body.chunks(1)), seen(answer), "{file} in bytes");
        }
    }
}

#[test]
fn an_answer_that_breaks_off_tells_no_more_than_the_whole() {
    for answer in ANSWERS {
        let (file, ..) = *answer;
        let body = golden(&format!("answers/{file}"));
        let whole = seen(answer);
        let mut before = Seen::default();
        for end in 0..body.len() {
            let part = read([&body[..end]]);
            assert!(
                part.pieces <= whole.pieces && part.pieces >= before.pieces,
                "{file} at {end}"
            );
            assert!(part.text_bytes <= whole.text_bytes, "{file} at {end}");
            // Until its parts have come, a total may stand for one of them.
            assert!(sum(part.told) <= sum(whole.told), "{file} at {end}");
            assert_eq!(part.odd, 0, "{file} at {end}");
            assert!(part.complete >= before.complete, "{file} at {end}");
            let json_begun = file.ends_with(".json") && end > 0;
            assert!(part.understood || !json_begun, "{file} at {end}");
            before = part;
        }
    }
}

fn sum(told: Told) -> u64 {
    told.input.unwrap_or(0) + told.output.unwrap_or(0)
}

/// What a client gets when the stream comes in these chunks.
fn hidden(chunks: &[&[u8]]) -> (Vec<u8>, Seen) {
    let mut hider = Hider::new();
    let mut out = Vec::new();
    for chunk in chunks {
        out.extend_from_slice(&hider.feed(chunk));
    }
    let (rest, seen) = hider.finish();
    out.extend(rest);
    (out, seen)
}

#[test]
fn only_the_extra_chunk_is_hidden() {
    for answer in ANSWERS {
        let file = answer.0;
        for body in spellings(file, &golden(&format!("answers/{file}"))) {
            // The extra chunk is the one event that has no choices, but usage.
            let text = String::from_utf8_lossy(&body);
            let blank = ["\r\n\r\n", "\n\n", "\r\r"]
                .into_iter()
                .find(|blank| text.contains(blank))
                .unwrap_or("\n\n");
            let expected: String = text
                .split_inclusive(blank)
                .filter(|event| {
                    !event.contains("\"choices\":[],") || !event.contains("\"usage\":{")
                })
                .collect();
            for cut in 0..=body.len() {
                let (one, other) = body.split_at(cut);
                let (out, told) = hidden(&[one, other]);
                assert_eq!(
                    String::from_utf8_lossy(&out),
                    expected,
                    "{file} cut at {cut}"
                );
                assert_eq!(told, seen(answer), "{file} cut at {cut}");
            }
            let (out, _) = hidden(&body.chunks(1).collect::<Vec<_>>());
            assert_eq!(String::from_utf8_lossy(&out), expected, "{file} in bytes");
        }
    }
}

#[test]
fn an_event_goes_on_with_the_chunk_that_ends_it() {
    for answer in ANSWERS.iter().filter(|answer| answer.0.ends_with(".sse")) {
        let body = golden(&format!("answers/{}", answer.0));
        let mut hider = Hider::new();
        let (mut came, mut went) = (Vec::new(), Vec::new());
        for (place, byte) in body.iter().enumerate() {
            came.push(*byte);
            went.extend_from_slice(&hider.feed(&body[place..=place]));
            let held = came.len() - went.len();
            if came.ends_with(b"\n\n")
                && !String::from_utf8_lossy(&came).contains("\"choices\":[],")
            {
                assert_eq!(held, 0, "{}", String::from_utf8_lossy(&came));
            }
        }
    }
}

/// Cuts a body at places that come in any order.
fn chunks<'a>(body: &'a [u8], cuts: &[prop::sample::Index]) -> Vec<&'a [u8]> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(body.len() + 1)).collect();
    cuts.extend([0, body.len()]);
    cuts.sort_unstable();
    cuts.windows(2)
        .map(|pair| &body[pair[0]..pair[1]])
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn answers_in_any_chunks_are_read_and_passed_the_same(
        answer in 0..ANSWERS.len(),
        spelling in any::<prop::sample::Index>(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..40),
    ) {
        let answer = &ANSWERS[answer];
        let spellings = spellings(answer.0, &golden(&format!("answers/{}", answer.0)));
        let body = spelling.get(&spellings);
        let chunks = chunks(body, &cuts);
        prop_assert_eq!(read(chunks.iter().copied()), seen(answer));
        let (whole, _) = hidden(&[body.as_slice()]);
        let (out, told) = hidden(&chunks);
        prop_assert_eq!(out, whole);
        prop_assert_eq!(told, seen(answer));
    }
}
