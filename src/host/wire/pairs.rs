//! Headers as proxy-wasm serialises them: a count, pairs of lengths, then every name and value followed by a zero.

/// Reads a block into names and values, borrowed. Stops at the first pair that does not lie inside the block.
#[must_use]
pub fn read(block: &[u8]) -> Vec<(&[u8], &[u8])> {
    let Some((count, rest)) = number(block) else {
        return Vec::new();
    };
    let lengths_end = count.saturating_mul(8);
    let Some((mut lengths, mut bytes)) = rest.split_at_checked(lengths_end) else {
        return Vec::new();
    };
    let mut pairs = Vec::with_capacity(count);
    while let Some((name_length, rest)) = number(lengths) {
        let Some((value_length, rest)) = number(rest) else {
            break;
        };
        lengths = rest;
        let Some((name, rest)) = text(bytes, name_length) else {
            break;
        };
        let Some((value, rest)) = text(rest, value_length) else {
            break;
        };
        bytes = rest;
        pairs.push((name, value));
    }
    pairs
}

/// Writes headers as such a block.
#[must_use]
pub fn write<'h>(headers: impl Iterator<Item = (&'h str, &'h str)> + Clone) -> Vec<u8> {
    let mut block = Vec::with_capacity(512);
    let mut put =
        |length: usize| block.extend_from_slice(&u32::try_from(length).unwrap_or(0).to_le_bytes());
    put(headers.clone().count());
    for (name, value) in headers.clone() {
        put(name.len());
        put(value.len());
    }
    for (name, value) in headers {
        for text in [name, value] {
            block.extend_from_slice(text.as_bytes());
            block.push(0);
        }
    }
    block
}

fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let (number, rest) = bytes.split_first_chunk()?;
    Some((usize::try_from(u32::from_le_bytes(*number)).ok()?, rest))
}

fn text(bytes: &[u8], length: usize) -> Option<(&[u8], &[u8])> {
    let (text, rest) = bytes.split_at_checked(length)?;
    Some((text, rest.get(1..)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(headers in prop::collection::vec(("[a-z:-]{0,12}", ".{0,40}"), 0..20)) {
            let block = write(headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
            let expected: Vec<(&[u8], &[u8])> = headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())).collect();
            prop_assert_eq!(read(&block), expected);
            for end in 0..block.len() {
                prop_assert!(read(&block[..end]).len() <= headers.len());
            }
        }

        #[test]
        fn no_bytes_panic(block in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&block);
        }
    }

    #[test]
    fn a_count_that_lies_costs_nothing() {
        assert!(read(&u32::MAX.to_le_bytes()).is_empty());
        assert!(read(&[]).is_empty());
    }
}
