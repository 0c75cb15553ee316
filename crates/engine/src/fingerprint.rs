//! The 64-bit fingerprint of identities: part of the stored formats, so it never changes.

use model::source::Source;
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// XXH3 in its 64-bit form (xxHash specification 0.8, Y. Collet), seed 0.
#[must_use]
pub fn of(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

/// The fingerprint of an activity: XXH3 of its id, seeded with one more than the number of its source, so that
/// equal ids of two sources differ.
#[must_use]
pub fn of_activity(source: Source, id: &str) -> u64 {
    xxh3_64_with_seed(id.as_bytes(), source as u64 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fingerprints_never_change() {
        // The first is the specification's own for no bytes at all.
        assert_eq!(of(b""), 0x2d06_8005_38d3_94c2);
        assert_eq!(of(b"northwind"), 0xce40_2a07_5d1f_c751);
        assert_eq!(of_activity(Source::Login, "1"), 0x8b3b_92f1_40bc_40a5);
        assert_ne!(of_activity(Source::Login, "1"), of_activity(Source::Support, "1"));
    }
}
