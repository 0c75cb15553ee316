//! The 64-bit fingerprint of identities: part of the stored formats, so it never changes.

/// FNV-1a (Fowler, Noll, Vo; draft-eastlake-fnv), then the 64-bit finaliser of MurmurHash3 so that all bits count.
#[must_use]
pub fn of(bytes: &[u8]) -> u64 {
    finish(feed(0xcbf2_9ce4_8422_2325, bytes))
}

/// The fingerprint of an activity: of its source and its id, so that equal ids of two sources differ.
#[must_use]
pub fn of_activity(source: model::source::Source, id: &str) -> u64 {
    let seed = feed(0xcbf2_9ce4_8422_2325, source.name().as_bytes());
    finish(feed(feed(seed, &[0]), id.as_bytes()))
}

fn feed(seed: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(seed, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

const fn finish(mut hash: u64) -> u64 {
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash ^= hash >> 33;
    hash = hash.wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::source::Source;

    #[test]
    fn fingerprints_never_change() {
        assert_eq!(of(b""), 0xefd0_1f60_ba99_2926);
        assert_eq!(of(b"northwind"), of(b"northwind"));
        assert_ne!(of_activity(Source::Login, "1"), of_activity(Source::Support, "1"));
    }
}
