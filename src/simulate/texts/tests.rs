use std::collections::{BTreeMap, BTreeSet};

use super::*;

const SETS: [Set; 2] = [Set::Development, Set::HeldOut];

fn ordinary(texts: &Texts, number: u64) -> Vec<u8> {
    let mut out = Vec::new();
    texts.ordinary(&mut out, &mut Random::keyed(9, number, 1));
    out
}

#[test]
fn the_sets_have_no_word_and_no_sentence_in_common() {
    let [one, other] = SETS.map(Set::source);
    for lists in [
        [one.nouns, other.nouns],
        [one.verbs, other.verbs],
        [one.adjectives, other.adjectives],
        [one.topics, other.topics],
        [one.names, other.names],
        [one.roles, other.roles],
        [one.adverbs, other.adverbs],
        [one.imperatives, other.imperatives],
        [one.connectives, other.connectives],
        [one.modals, other.modals],
        [one.beginnings, other.beginnings],
    ] {
        let [one, other] = lists.map(|list| list.split_ascii_whitespace().collect::<BTreeSet<_>>());
        let common: Vec<_> = one.intersection(&other).collect();
        assert!(common.is_empty(), "{common:?}");
        assert!(one.iter().chain(&other).all(|word| word.len() < 32));
    }
    for lists in [
        [one.openings, other.openings],
        [one.sentences, other.sentences],
        [one.questions, other.questions],
        [one.instructions, other.instructions],
        [one.formats, other.formats],
        [one.rules, other.rules],
        [one.products, other.products],
        [one.code, other.code],
    ] {
        let [one, other] = lists.map(|list| list.iter().collect::<BTreeSet<_>>());
        assert!(one.is_disjoint(&other));
    }
}

#[test]
fn whatever_is_written_stands_in_a_string() {
    for texts in [
        Texts::grammar(Set::Development, 1),
        Texts::grammar(Set::HeldOut, 1),
        given(),
    ] {
        for number in 0..2_000 {
            let mut random = Random::keyed(1, number, 1);
            let mut out = vec![b'"'];
            texts.ordinary(&mut out, &mut random);
            texts.follow_up(&mut out, &mut random);
            texts.question(&mut out, 1, number as u32);
            texts.instructions(&mut out, 2, &mut random);
            texts.product(&mut out, 2, &mut random);
            texts.rules(&mut out, 2, &mut random);
            texts.format(&mut out, &mut random);
            texts.mark(&mut out, &mut random);
            texts.rewritten(&mut out, &mut random);
            texts.answer(&mut out, 300, &mut random);
            let (before, after) = texts.wrapper(number as u32);
            out.extend_from_slice(before.as_bytes());
            out.extend_from_slice(after.as_bytes());
            out.push(b'"');
            let read: String = serde_json::from_slice(&out).unwrap();
            assert!(!read.contains(['{', '}']) || !read.contains("{n}"));
        }
    }
}

fn given() -> Texts {
    let list = |texts: &[&str]| {
        texts
            .iter()
            .map(|&text| text.to_owned())
            .collect::<Vec<_>>()
    };
    Texts::from_parts(
        &list(&["What is \"1 + 1\"?", "Wie spät?\nJetzt?"]),
        &list(&["a b \\ c d", "", "語 é \"q\" x\ty", "one"]),
        &list(&["Be \"kind\"."]),
        Set::Development,
        1,
    )
}

#[test]
fn given_texts_are_used() {
    let texts = given();
    let mut question = Vec::new();
    texts.question(&mut question, 7, 3);
    assert_eq!(question, "Wie spät?\\nJetzt?".as_bytes());
    assert_eq!(texts.system(5), Some(&b"Be \\\"kind\\\"."[..]));
    assert_eq!(Texts::grammar(Set::HeldOut, 1).system(0), None);
}

/// People share how they begin, and hardly anything else.
#[test]
fn ordinary_texts_are_diverse() {
    for set in SETS {
        let texts = Texts::grammar(set, 1);
        let mut seen = BTreeMap::<Vec<u8>, u32>::new();
        for number in 0..5_000 {
            let text = ordinary(&texts, number).to_ascii_lowercase();
            let windows: BTreeSet<&[u8]> = text.windows(24).collect();
            for window in windows {
                *seen.entry(window.to_vec()).or_default() += 1;
            }
        }
        let often = seen.values().filter(|&&count| count >= 8).count();
        assert!(often > 20, "stock phrases are wanted: {often}");
        assert!(often * 400 < seen.len(), "{often} of {}", seen.len());
    }
}

#[test]
fn a_bank_gives_the_same_question_for_a_number() {
    let texts = Texts::grammar(Set::Development, 3);
    let question = |bank, number| {
        let mut out = Vec::new();
        texts.question(&mut out, bank, number);
        out
    };
    assert_eq!(question(1, 5), question(1, 5));
    assert_ne!(question(1, 5), question(1, 6));
    assert_ne!(question(1, 5), question(2, 5));
    let all: BTreeSet<Vec<u8>> = (0..20_000).map(|number| question(1, number)).collect();
    assert!(all.len() > 19_990, "{}", all.len());
}
