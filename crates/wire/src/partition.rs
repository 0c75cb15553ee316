//! Which partition an account belongs to: Java Kafka's default partitioner, so that any producer agrees.

/// The partition of `account` among `partitions`: `toPositive(murmur2(account)) % partitions`.
///
/// With no partitions at all the answer is 0.
#[must_use]
pub fn partition_of(account: &str, partitions: u32) -> u32 {
    (murmur2(account.as_bytes()) & 0x7fff_ffff).checked_rem(partitions).unwrap_or(0)
}

/// Austin Appleby's MurmurHash2, 32 bits, with the seed that Kafka uses.
#[must_use]
pub fn murmur2(bytes: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    // Java's lengths are 32 bits wide; longer keys cannot be produced.
    let len = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    let mut hash = SEED ^ len;
    let (words, tail) = bytes.as_chunks::<4>();
    for word in words {
        let mut k = u32::from_le_bytes(*word).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    if !tail.is_empty() {
        for (place, byte) in tail.iter().enumerate() {
            hash ^= u32::from(*byte) << (8 * place);
        }
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ (hash >> 15)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_kafkas_own_test_vectors() {
        for (text, hash) in [
            ("21", -973_932_308_i32),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(text.as_bytes()).cast_signed(), hash, "{text}");
        }
    }

    #[test]
    fn a_partition_is_below_the_number_of_partitions() {
        for partitions in [0, 1, 2, 12, 1_000] {
            for account in ["northwind", "", "acme", "ß", "21", "foobar"] {
                assert!(partition_of(account, partitions) < partitions.max(1));
            }
        }
        assert_eq!(partition_of("21", 12), (-973_932_308_i32 & 0x7fff_ffff).cast_unsigned() % 12);
    }
}
