//! A dead letter fits into its topic whatever the record was.

#![allow(clippy::unwrap_used, reason = "a test")]

use wire::dead_letter::{MAX_HEADER_BYTES, PREFIX, Rejected, SLACK, decode, encode};
use wire::reason::Reason;

/// The greatest source record by default, and the greatest record that a topic of vitals takes.
const SOURCE: usize = 1 << 20;
const TOPIC: usize = 4 << 20;

fn rejected<'a>(key: &'a [u8], value: &'a [u8], reason: &'a Reason) -> Rejected<'a> {
    let (key, value) = (Some(key), Some(value));
    Rejected {
        topic: "vitals.login",
        partition: 1,
        offset: 2,
        timestamp: 3,
        key,
        value,
        headers: &[],
        reason,
    }
}

#[test]
fn the_letter_of_a_record_with_a_huge_key_is_small() {
    let reason = Reason::NotAnObject;
    let (key, value) = (vec![b'k'; TOPIC - 200], vec![b'v'; SOURCE + SLACK]);
    let big = vec![b'h'; MAX_HEADER_BYTES - 20];
    let headers = [(b"big".as_slice(), big.as_slice())];
    let encoded = encode(&Rejected { headers: &headers, ..rejected(&key, &value, &reason) }, SOURCE);
    let headers: usize = encoded.headers().iter().map(|(name, value)| name.len() + value.len()).sum();
    assert!(encoded.key.unwrap().len() + encoded.value.unwrap().len() + headers < TOPIC / 2);
}

#[test]
fn a_key_is_whole_up_to_the_limit_and_a_prefix_with_size_and_hash_beyond() {
    let reason = Reason::NotAnObject;
    let key = vec![b'k'; PREFIX + 1];
    for (length, size) in [(PREFIX, None), (PREFIX + 1, Some(PREFIX as u64 + 1))] {
        let encoded = encode(&rejected(&key[..length], b"v", &reason), SOURCE);
        let headers = encoded.headers();
        let headers = headers.iter().map(|(name, value)| (name.as_bytes(), *value));
        let letter = decode(headers, encoded.key, encoded.value).unwrap();
        assert_eq!((letter.key, letter.key_size), (Some(&key[..PREFIX]), size));
        assert_eq!(letter.key_sha256.map(str::len), size.map(|_| 64));
        assert_eq!((letter.size, letter.sha256), (Some(1), None));
    }
}
