//! How far a JSON text goes on without anything special in it; eight bytes at a time.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Marks the high bit of the bytes of `chunk` that are quotes, backslashes or control characters below 0x20.
/// Only the lowest mark is exact.
const fn specials(chunk: u64) -> u64 {
    let quotes = chunk ^ (ONES * 0x22);
    let slashes = chunk ^ (ONES * 0x5c);
    let quote = quotes.wrapping_sub(ONES) & !quotes;
    let slash = slashes.wrapping_sub(ONES) & !slashes;
    let control = chunk.wrapping_sub(ONES * 0x20) & !chunk;
    (quote | slash | control) & HIGHS
}

/// The place at or after `start` of the first quote, backslash or control character below 0x20; the end of
/// `bytes` if there is none.
#[inline]
pub(crate) fn plain_until(bytes: &[u8], start: usize) -> usize {
    let mut at = start;
    while let Some(chunk) = bytes.get(at..).and_then(|rest| rest.first_chunk::<8>()) {
        let specials = specials(u64::from_le_bytes(*chunk));
        if specials != 0 {
            return at + (specials.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|byte| !matches!(byte, b'"' | b'\\' | 0..0x20)) {
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn the_first_special_byte_is_found(mut bytes in proptest::collection::vec(0x1c_u8.., 0..40), start in 0_usize..10) {
            let start = start.min(bytes.len());
            let naive = |bytes: &[u8]| {
                let found = bytes[start..].iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
                found.map_or(bytes.len(), |at| at + start)
            };
            prop_assert_eq!(plain_until(&bytes, start), naive(&bytes));
            bytes.iter_mut().for_each(|byte| *byte = (*byte).max(0x23) ^ 0x80);
            prop_assert_eq!(plain_until(&bytes, start), naive(&bytes));
        }
    }
}
