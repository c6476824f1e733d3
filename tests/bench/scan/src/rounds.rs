//! The readers side by side on the same bodies: natively and in Envoy's wasm engine this is the same code.

use std::hint::black_box;
use std::time::Instant;

use serde::de::IgnoredAny;

use crate::bodies::{KINDS, stream};
use crate::stillgate::dialect::request;
use crate::stillgate::scan::{Kind, Scan, Sink, Text, Word};
use crate::stillgate::usage::{Hider, Reader};

/// The sizes of the bodies, in bytes.
pub(crate) const SIZES: [usize; 4] = [1 << 10, 4 << 10, 32 << 10, 256 << 10];

/// What reads a body, in the order of the columns.
pub(crate) const READERS: [&str; 3] = ["request::read", "a scan alone", "IgnoredAny"];

/// How many events the stream has.
pub(crate) const EVENTS: usize = 500;

/// What reads a stream, in the order of the columns.
pub(crate) const STREAM_READERS: [&str; 3] = ["usage::Reader", "usage::Hider", "IgnoredAny"];

const ROUNDS: usize = 15;
/// How long one reader reads at a time, roughly, in nanoseconds.
const SPELL: u128 = 3_000_000;

/// One figure: a body's kind and size, a reader's place, and the median of the nanoseconds that it took. The stream has
/// no kind, and its figures are nanoseconds an event.
pub(crate) struct Figure {
    pub(crate) kind: Option<usize>,
    pub(crate) size: usize,
    pub(crate) reader: usize,
    pub(crate) nanoseconds: u64,
}

/// Measures all readers on all bodies.
pub(crate) fn measure(mut tell: impl FnMut(Figure)) {
    for (kind, (_, make)) in KINDS.iter().enumerate() {
        for size in SIZES {
            let body = make(size).into_bytes();
            let medians = in_turns([
                &mut || request::read(black_box(&body)).is_some(),
                &mut || alone(black_box(&body)),
                &mut || ignored(black_box(&body)),
            ]);
            for (reader, nanoseconds) in medians.into_iter().enumerate() {
                tell(Figure {
                    kind: Some(kind),
                    size: body.len(),
                    reader,
                    nanoseconds,
                });
            }
        }
    }
    let events = stream(EVENTS);
    let medians = in_turns([
        &mut || {
            let mut reader = Reader::new();
            events
                .iter()
                .for_each(|event| reader.feed(black_box(event.as_bytes())));
            reader.finish().pieces == EVENTS as u64
        },
        &mut || {
            let mut hider = Hider::new();
            let passed = |event: &String| hider.feed(black_box(event.as_bytes())).len();
            events.iter().map(passed).sum::<usize>() > 0
        },
        &mut || {
            let data = |event: &String| {
                event
                    .strip_prefix("data: ")
                    .is_some_and(|data| ignored(data.as_bytes()))
            };
            events.iter().filter(|event| data(black_box(event))).count() == EVENTS
        },
    ]);
    for (reader, nanoseconds) in medians.into_iter().enumerate() {
        tell(Figure {
            kind: None,
            size: events.iter().map(String::len).sum(),
            reader,
            nanoseconds: nanoseconds / EVENTS as u64,
        });
    }
}

/// The median time of each reader. They take turns, so that whatever else the machine does falls on all of them.
///
/// # Panics
/// When a reader does not understand what it reads.
fn in_turns(mut readers: [&mut dyn FnMut() -> bool; 3]) -> [u64; 3] {
    let mut spell = |reader: usize, times: u128| {
        let began = Instant::now();
        for _ in 0..times {
            assert!(
                readers.get_mut(reader).is_some_and(|read| read()),
                "reader {reader} failed"
            );
        }
        began.elapsed().as_nanos() / times
    };
    // Long enough for an engine that compiles what is used much.
    let times = [0, 1, 2].map(|reader| {
        let warm = SPELL * 4 / spell(reader, 10).max(1) + 1;
        SPELL / spell(reader, warm).max(1) + 1
    });
    let mut figures = [[0; ROUNDS]; 3];
    for round in 0..ROUNDS {
        for (reader, (figures, times)) in figures.iter_mut().zip(times).enumerate() {
            if let Some(figure) = figures.get_mut(round) {
                *figure = spell(reader, times);
            }
        }
    }
    figures.map(|mut figures| {
        figures.sort_unstable();
        figures.get(ROUNDS / 2).map_or(0, |median| *median as u64)
    })
}

fn alone(body: &[u8]) -> bool {
    let mut scan = Scan::new(Nobody);
    scan.feed(body) && scan.finish()
}

fn ignored(body: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

/// Asks for nothing, so that all is skipped.
struct Nobody;

impl Sink for Nobody {
    type Place = ();

    const ROOT: () = ();

    fn field(&mut self, (): (), _: &[u8]) -> Option<()> {
        None
    }

    fn item(&mut self, (): ()) -> Option<()> {
        None
    }

    fn wanted(&self, (): ()) -> usize {
        0
    }

    fn text(&mut self, (): (), _: Text<'_>) {}

    fn number(&mut self, (): (), _: Option<u64>) {}

    fn word(&mut self, (): (), _: Word, _: u64) {}

    fn open(&mut self, (): (), _: Kind, _: u64) {}

    fn close(&mut self, (): (), _: Kind, _: u64) {}
}
