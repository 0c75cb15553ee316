//! The 64-bit fingerprint of identities: part of the stored formats, so it never changes.

use model::source::Source;
use xxhash_rust::xxh3::xxh3_64;

/// XXH3 in its 64-bit form (xxHash specification 0.8, Y. Collet), seed 0.
#[must_use]
pub fn of(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

/// The fingerprint of an activity: that of its id, exclusive-or the number of its source plus one, times 2^64 divided
/// by the golden ratio, so that equal ids of two sources differ.
///
/// The source is not the seed: of a short id, XXH3 does little more with its seed than add it, and ids of one source
/// would be those of another.
#[must_use]
pub fn of_activity(source: Source, id: &str) -> u64 {
    of(id.as_bytes()) ^ (source as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn fingerprints_never_change() {
        // The first is the specification's own for no bytes at all.
        assert_eq!(of(b""), 0x2d06_8005_38d3_94c2);
        assert_eq!(of(b"northwind"), 0xce40_2a07_5d1f_c751);
        assert_eq!(of_activity(Source::Login, ""), of(b"") ^ 0x9e37_79b9_7f4a_7c15);
    }

    #[test]
    fn short_ids_of_all_sources_differ() {
        let ids = (0..20_000).map(|id: u32| id.to_string());
        let prints: BTreeSet<u64> =
            ids.flat_map(|id| Source::ALL.map(|source| of_activity(source, &id))).collect();
        assert_eq!(prints.len(), 20_000 * Source::ALL.len());
    }
}
