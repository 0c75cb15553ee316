//! A rejected source record on its way to the dead-letter topic, and back for people who look.
//!
//! The value is the original value, byte for byte, up to the source's size limit + [`SLACK`]; of a larger one it
//! is the first [`PREFIX`] bytes, and the headers hold its length and SHA-256. The key is the original key, up to
//! [`PREFIX`]; of a larger one it is the first so many bytes, and the headers hold its length and SHA-256. So a
//! letter always fits into its topic. What is known of the record stands in headers, so nothing of it needs to be
//! readable. A record without a value and one with an empty value are told apart.
//!
//! | header | value |
//! | --- | --- |
//! | `vitals-letter` | `1`, the version of this format |
//! | `vitals-reason` | the reason's code |
//! | `vitals-message` | the reason in words |
//! | `vitals-topic`, `vitals-partition`, `vitals-offset` | where the record stands |
//! | `vitals-timestamp` | its timestamp, ms since 1970 |
//! | `vitals-size` | length of its value; absent if it had none |
//! | `vitals-sha256` | of its value, in hexadecimal; only where the value here is a prefix |
//! | `vitals-key-size` | length of its key; only where the key here is a prefix |
//! | `vitals-key-sha256` | of its key, in hexadecimal; only where the key here is a prefix |
//! | `vitals-dropped-headers` | how many of its headers are not here; absent if none |
//! | `original-…` | its headers, up to [`MAX_HEADERS`] and [`MAX_HEADER_BYTES`] |
//!
//! Numbers are decimal text.

use crate::reason::Reason;
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::str::FromStr;
use thiserror::Error;

/// How far beyond the source's size limit a value is still kept whole.
pub const SLACK: usize = 64 << 10;
/// How much is kept of a larger one, and of any key.
pub const PREFIX: usize = 64 << 10;
/// How many of the record's headers are kept.
pub const MAX_HEADERS: usize = 64;
/// How many bytes their names and values may have together.
pub const MAX_HEADER_BYTES: usize = 16 << 10;

const ORIGINAL: &str = "original-";

/// A source record that is rejected.
#[derive(Clone, Copy, Debug)]
pub struct Rejected<'a> {
    /// The topic it stands in.
    pub topic: &'a str,
    /// The partition.
    pub partition: u32,
    /// The offset.
    pub offset: i64,
    /// Its timestamp, ms since 1970.
    pub timestamp: i64,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value.
    pub value: Option<&'a [u8]>,
    /// Its headers.
    pub headers: &'a [(&'a [u8], &'a [u8])],
    /// Why it is rejected.
    pub reason: &'a Reason,
}

/// The record of a dead letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded<'a> {
    /// The original key, or its beginning.
    pub key: Option<&'a [u8]>,
    /// The original value, or its beginning.
    pub value: Option<&'a [u8]>,
    headers: Vec<(String, Vec<u8>)>,
}

impl Encoded<'_> {
    /// Names and values of its headers.
    #[must_use]
    pub fn headers(&self) -> Vec<(&str, &[u8])> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect()
    }
}

/// Makes the dead letter of a record whose source allows `max_record_bytes`.
#[must_use]
pub fn encode<'a>(rejected: &Rejected<'a>, max_record_bytes: usize) -> Encoded<'a> {
    let mut headers = Vec::new();
    let mut put = |name: &str, text: String| headers.push((name.to_owned(), text.into_bytes()));
    put("vitals-letter", "1".to_owned());
    put("vitals-reason", rejected.reason.code().to_owned());
    put("vitals-message", rejected.reason.to_string());
    put("vitals-topic", rejected.topic.to_owned());
    put("vitals-partition", rejected.partition.to_string());
    put("vitals-offset", rejected.offset.to_string());
    put("vitals-timestamp", rejected.timestamp.to_string());
    let mut kept = rejected.value;
    if let Some(value) = rejected.value {
        put("vitals-size", value.len().to_string());
        if value.len() > max_record_bytes.saturating_add(SLACK) {
            put("vitals-sha256", hex(&Sha256::digest(value)));
            kept = value.get(..PREFIX).or(kept);
        }
    }
    let mut kept_key = rejected.key;
    if let Some(key) = rejected.key.filter(|key| key.len() > PREFIX) {
        put("vitals-key-size", key.len().to_string());
        put("vitals-key-sha256", hex(&Sha256::digest(key)));
        kept_key = key.get(..PREFIX).or(kept_key);
    }
    let dropped = originals(&mut headers, rejected.headers);
    if dropped > 0 {
        headers.push(("vitals-dropped-headers".to_owned(), dropped.to_string().into_bytes()));
    }
    Encoded { key: kept_key, value: kept, headers }
}

/// Copies headers as far as they fit; returns how many did not, or have a name that is no text.
fn originals(headers: &mut Vec<(String, Vec<u8>)>, originals: &[(&[u8], &[u8])]) -> usize {
    let (mut room, mut places) = (MAX_HEADER_BYTES, MAX_HEADERS);
    let mut dropped = 0;
    for (name, value) in originals {
        let size = ORIGINAL.len() + name.len() + value.len();
        match std::str::from_utf8(name) {
            Ok(name) if size <= room && places > 0 => {
                room -= size;
                places -= 1;
                headers.push((format!("{ORIGINAL}{name}"), value.to_vec()));
            }
            _ => dropped += 1,
        }
    }
    dropped
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        write!(text, "{byte:02x}").unwrap_or_default();
        text
    })
}

/// A dead letter that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter<'a> {
    /// The code of the reason.
    pub reason: &'a str,
    /// The reason in words.
    pub message: &'a str,
    /// The topic that the record stands in.
    pub topic: &'a str,
    /// Its partition.
    pub partition: u32,
    /// Its offset.
    pub offset: i64,
    /// Its timestamp, ms since 1970.
    pub timestamp: i64,
    /// Its key, or the beginning of it.
    pub key: Option<&'a [u8]>,
    /// The length of its whole key, if it is not whole here.
    pub key_size: Option<u64>,
    /// SHA-256 of its whole key in hexadecimal, if it is not whole here.
    pub key_sha256: Option<&'a str>,
    /// Its value, or the beginning of it.
    pub value: Option<&'a [u8]>,
    /// The length of its whole value.
    pub size: Option<u64>,
    /// SHA-256 of its whole value in hexadecimal, if it is not whole here.
    pub sha256: Option<&'a str>,
    /// How many of its headers were dropped.
    pub dropped_headers: u64,
    /// The others.
    pub headers: Vec<(&'a str, &'a [u8])>,
}

/// Why a record is not a dead letter.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum LetterError {
    /// It has no header `vitals-letter`.
    #[error("not a dead letter")]
    NotALetter,
    /// It was written by a later release.
    #[error("dead letter version is not known to this release")]
    UnknownVersion,
    /// A header is missing.
    #[error("the dead letter has no header {0}")]
    Missing(&'static str),
    /// A header means nothing.
    #[error("the dead letter's header {0} is invalid")]
    Invalid(&'static str),
}

/// Reads a dead letter.
///
/// # Errors
/// A [`LetterError`].
pub fn decode<'a>(
    headers: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
    key: Option<&'a [u8]>,
    value: Option<&'a [u8]>,
) -> Result<Letter<'a>, LetterError> {
    let all: Vec<(&[u8], &[u8])> = headers.into_iter().collect();
    let all = all.as_slice();
    match find(all, "vitals-letter") {
        Some(b"1") => {}
        Some(_) => return Err(LetterError::UnknownVersion),
        None => return Err(LetterError::NotALetter),
    }
    let original = |(name, value): &(&'a [u8], &'a [u8])| {
        let name = std::str::from_utf8(name).ok()?.strip_prefix(ORIGINAL)?;
        Some((name, *value))
    };
    Ok(Letter {
        reason: required(all, "vitals-reason", text)?,
        message: required(all, "vitals-message", text)?,
        topic: required(all, "vitals-topic", text)?,
        partition: required(all, "vitals-partition", number)?,
        offset: required(all, "vitals-offset", number)?,
        timestamp: required(all, "vitals-timestamp", number)?,
        size: optional(all, "vitals-size", number)?,
        sha256: optional(all, "vitals-sha256", text)?,
        key_size: optional(all, "vitals-key-size", number)?,
        key_sha256: optional(all, "vitals-key-sha256", text)?,
        dropped_headers: optional(all, "vitals-dropped-headers", number)?.unwrap_or(0),
        headers: all.iter().filter_map(original).collect(),
        key,
        value,
    })
}

type Pair<'a> = (&'a [u8], &'a [u8]);

fn find<'a>(headers: &[Pair<'a>], name: &str) -> Option<&'a [u8]> {
    headers.iter().find(|header| header.0 == name.as_bytes()).map(|header| header.1)
}

fn optional<'a, T>(
    headers: &[Pair<'a>],
    name: &'static str,
    read: impl FnOnce(&'a [u8]) -> Option<T>,
) -> Result<Option<T>, LetterError> {
    find(headers, name).map(|value| read(value).ok_or(LetterError::Invalid(name))).transpose()
}

fn required<'a, T>(
    headers: &[Pair<'a>],
    name: &'static str,
    read: impl FnOnce(&'a [u8]) -> Option<T>,
) -> Result<T, LetterError> {
    optional(headers, name, read)?.ok_or(LetterError::Missing(name))
}

fn text(value: &[u8]) -> Option<&str> {
    std::str::from_utf8(value).ok()
}

fn number<T: FromStr>(value: &[u8]) -> Option<T> {
    text(value)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rejected<'a>(value: Option<&'a [u8]>, headers: &'a [Pair<'a>], reason: &'a Reason) -> Rejected<'a> {
        let key = Some(b"\xff".as_slice());
        Rejected {
            topic: "vitals.login",
            partition: 7,
            offset: 42,
            timestamp: -5,
            key,
            value,
            headers,
            reason,
        }
    }

    fn back<'a>(encoded: &'a Encoded<'a>) -> Letter<'a> {
        let headers = encoded.headers.iter().map(|(name, value)| (name.as_bytes(), value.as_slice()));
        decode(headers, encoded.key, encoded.value).unwrap()
    }

    #[test]
    fn a_letter_is_read_back_as_it_was_written() {
        let reason = Reason::NotUtf8 { at: 3 };
        let headers = [(b"trace".as_slice(), b"\x00\xfe".as_slice()), (b"\xff", b"x")];
        let encoded = encode(&rejected(Some(b"abc\xff"), &headers, &reason), 10);
        let letter = back(&encoded);
        assert_eq!((letter.reason, letter.message), ("not-utf8", "not UTF-8 at byte 3"));
        assert_eq!(
            (letter.topic, letter.partition, letter.offset, letter.timestamp),
            ("vitals.login", 7, 42, -5)
        );
        assert_eq!((letter.key, letter.value), (Some(b"\xff".as_slice()), Some(b"abc\xff".as_slice())));
        assert_eq!((letter.size, letter.sha256), (Some(4), None));
        assert_eq!(letter.headers, [("trace", b"\x00\xfe".as_slice())]);
        assert_eq!(letter.dropped_headers, 1);
    }

    #[test]
    fn a_value_is_whole_up_to_the_limit_and_slack_and_a_prefix_beyond() {
        let reason = Reason::TooLarge { bytes: 0, limit: 10 };
        let value = vec![b'x'; SLACK + 11];
        let whole = encode(&rejected(value.get(1..), &[], &reason), 10);
        assert_eq!((whole.value.map(<[u8]>::len), back(&whole).sha256), (Some(SLACK + 10), None));
        let part = encode(&rejected(Some(&value), &[], &reason), 10);
        assert_eq!(part.value.map(<[u8]>::len), Some(PREFIX));
        let letter = back(&part);
        assert_eq!(letter.size, Some(value.len() as u64));
        assert_eq!(letter.sha256.map(str::to_owned), Some(hex(&Sha256::digest(&value))));
    }

    #[test]
    fn no_value_is_not_an_empty_value() {
        let reason = Reason::NotAnObject;
        let (none, empty) = (rejected(None, &[], &reason), rejected(Some(b""), &[], &reason));
        assert_eq!((back(&encode(&none, 10)).size, back(&encode(&empty, 10)).size), (None, Some(0)));
    }

    #[test]
    fn headers_are_kept_within_bounds() {
        let reason = Reason::NotAnObject;
        let big = vec![b'h'; MAX_HEADER_BYTES];
        let mut headers: Vec<Pair<'_>> = vec![(b"n", b"v"); MAX_HEADERS + 5];
        headers.insert(0, (b"big", &big));
        let encoded = encode(&rejected(None, &headers, &reason), 10);
        let letter = back(&encoded);
        assert_eq!((letter.headers.len(), letter.dropped_headers), (MAX_HEADERS, 6));
    }

    #[test]
    fn what_is_no_letter_is_an_error() {
        assert_eq!(decode([], None, None), Err(LetterError::NotALetter));
        let later = [(b"vitals-letter".as_slice(), b"2".as_slice())];
        assert_eq!(decode(later, None, None), Err(LetterError::UnknownVersion));
        let bare = [(b"vitals-letter".as_slice(), b"1".as_slice())];
        assert_eq!(decode(bare, None, None), Err(LetterError::Missing("vitals-reason")));
    }
}
