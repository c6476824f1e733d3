//! Lists against models that look at one entry after the other.
#![expect(
    clippy::arithmetic_side_effects,
    reason = "a test that overflows has failed"
)]

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;
use crate::policy::pattern::Pattern;

fn texts(entries: &[&str]) -> Texts {
    Texts::new(entries.iter().copied())
}

/// A block of IPv4 by its first and last address.
fn block((first, last): (u32, u32)) -> Block {
    Block {
        is_ipv4: true,
        first: first.into(),
        last: last.into(),
    }
}

/// A block of IPv6 by its first and last address.
fn of_ipv6((first, last): (u128, u128)) -> Block {
    Block {
        is_ipv4: false,
        first,
        last,
    }
}

#[test]
fn texts_prefixes_and_patterns_are_found() {
    let list = texts(&[
        "one", "two", "two", "t13d*", "t13d15*", "a*z", "*-mini", "three", "four", "five", "six",
    ]);
    for (text, on_it) in [
        ("one", true),
        ("two", true),
        ("tw", false),
        ("twoo", false),
        ("", false),
        ("six", true),
        ("t13d", true),
        ("t13d15x", true),
        ("t13", false),
        ("t13e", false),
        ("az", true),
        ("a-z", true),
        ("a-y", false),
        ("gpt-mini", true),
    ] {
        assert_eq!(list.has(text.as_bytes()), on_it, "{text}");
    }
    assert_eq!(list.patterns(), 2);
    assert!(texts(&["*"]).has(b""));
    assert!(texts(&["gpt*"]).has(b"gpt\xff"));
    assert!(!texts(&[]).has(b""));
    assert!(texts(&[""]).has(b""));
}

#[test]
fn what_is_there_twice_is_kept_once() {
    let once = texts(&["a", "b", "c", "d", "e", "f*", "g"]);
    let twice = texts(&[
        "a", "b", "c", "d", "e", "f*", "g", "fa*", "f*", "c", "a", "a",
    ]);
    for text in ["a", "b", "c", "d", "e", "f", "fa", "fab", "g", "h"] {
        assert_eq!(
            once.has(text.as_bytes()),
            twice.has(text.as_bytes()),
            "{text}"
        );
    }
    let blocks = [(5, 9), (1, 2), (3, 4), (7, 20), (22, 22), (22, 22)].map(block);
    let merged = [(1, 20), (22, 22)].map(block);
    assert_eq!(Blocks::new(&blocks), Blocks::new(&merged));
}

#[test]
fn ipv4_in_ipv6_is_ipv4_and_all_of_ipv6_is_not() {
    let all_of_ipv6 = Blocks::new(&[of_ipv6((0, u128::MAX))]);
    let all_of_ipv4 = Blocks::new(&[block((0, u32::MAX))]);
    for (address, is_ipv4) in [
        ("192.0.2.1", true),
        ("::ffff:192.0.2.1", true),
        ("255.255.255.255", true),
        ("0.0.0.0", true),
        ("2001:db8::1", false),
        ("::", false),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", false),
    ] {
        let address: IpAddr = address.parse().unwrap();
        assert_eq!(all_of_ipv4.has(address), is_ipv4, "{address}");
        assert_eq!(all_of_ipv6.has(address), !is_ipv4, "{address}");
    }
}

#[test]
fn ten_thousand_entries_are_all_found_and_their_neighbours_are_not() {
    let entry = |number: u32| format!("t13d{:04}h2_{number:012x}", number % 10_000);
    let entries: Vec<String> = (0..10_000).map(entry).collect();
    let list = Texts::new(entries.iter().map(String::as_str));
    let prefixes: Vec<String> = entries.iter().map(|entry| format!("{entry}*")).collect();
    let prefixes = Texts::new(prefixes.iter().map(String::as_str));
    let blocks: Vec<Block> = (0..10_000)
        .map(|number| block((number << 10, (number << 10) | 0xff)))
        .collect();
    let blocks = Blocks::new(&blocks);
    for number in 0..10_000 {
        let (mine, other) = (entry(number), entry(number.wrapping_add(10_000)));
        assert!(list.has(mine.as_bytes()) && prefixes.has(mine.as_bytes()));
        assert!(!list.has(other.as_bytes()) && !prefixes.has(other.as_bytes()));
        assert!(prefixes.has(format!("{mine}_more").as_bytes()));
        let address = |bits: u32| IpAddr::V4(Ipv4Addr::from_bits(bits));
        assert!(blocks.has(address((number << 10) | 0x7f)));
        assert!(!blocks.has(address((number << 10) | 0x100)));
    }
}

/// Texts over few letters, so that many are equal, or begin with each other.
fn text() -> impl Strategy<Value = String> {
    "[ab*]{0,6}"
}

proptest! {
    #[test]
    fn a_list_of_texts_is_any_of_its_patterns(
        entries in prop::collection::vec(text(), 0..40),
        asked in prop::collection::vec("[abc]{0,7}", 1..40),
    ) {
        let list = Texts::new(entries.iter().map(String::as_str));
        for text in asked {
            let naive = entries.iter().any(|entry| Pattern::new(entry).matches(text.as_bytes()));
            prop_assert_eq!(list.has(text.as_bytes()), naive, "{} in {:?}", text, entries);
        }
    }

    #[test]
    fn a_list_of_blocks_is_any_of_its_ranges(
        ipv4 in prop::collection::vec((0_u32..50, 0_u32..10), 0..20),
        ipv6 in prop::collection::vec((0_u128..50, 0_u128..10), 0..20),
        top in any::<bool>(),
    ) {
        // At the end of the addresses too.
        let (high4, high6) = if top { (u32::MAX - 60, u128::MAX - 60) } else { (0, 1 << 32) };
        let ipv4: Vec<_> = ipv4.iter().map(|&(first, more)| (high4 + first, high4 + first + more)).collect();
        let ipv6: Vec<_> = ipv6.iter().map(|&(first, more)| (high6 + first, high6 + first + more)).collect();
        let blocks: Vec<Block> = ipv6.iter().copied().map(of_ipv6).chain(ipv4.iter().copied().map(block)).collect();
        let blocks = Blocks::new(&blocks);
        for offset in 0..=60 {
            let (one, other) = (high4 + offset, high6 + u128::from(offset));
            let naive = ipv4.iter().any(|&(first, last)| (first..=last).contains(&one));
            prop_assert_eq!(blocks.has(IpAddr::V4(Ipv4Addr::from_bits(one))), naive);
            let naive = ipv6.iter().any(|&(first, last)| (first..=last).contains(&other));
            prop_assert_eq!(blocks.has(IpAddr::V6(Ipv6Addr::from_bits(other))), naive);
        }
    }

    #[test]
    fn items_are_put_in_order_and_equal_ones_stay_as_they_came(items in prop::collection::vec(0_u8..8, 0..200)) {
        let mut expected: Vec<u32> = (0..items.len() as u32).collect();
        expected.sort_by_key(|&place| items[place as usize]);
        let count = items.len() as u32;
        let found = order(count, &|one, other| items[one as usize] < items[other as usize]);
        prop_assert_eq!(found, expected);
    }
}
