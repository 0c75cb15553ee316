//! The bytes of records: a chunk holds records of one partition with consecutive offsets.
//!
//! Layout: version (1), append stamp (i64 LE), count (u32 LE), then each record: flags, own stamp if it has one
//! (i64 LE), key, value and headers, each with its length as a varint. The append stamp stands at a fixed place
//! because it is known only when the transaction gets its turn. Decoding never panics: bytes that do not decode
//! are `None`.

use crate::batch::Append;

const VERSION: u8 = 1;
const HEAD: usize = 13;
const KEY: u8 = 1;
const VALUE: u8 = 2;
const STAMP: u8 = 4;
const HEADERS: u8 = 8;

/// A chunk being filled.
#[derive(Debug)]
pub(super) struct Builder {
    bytes: Vec<u8>,
    count: u32,
}

impl Builder {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        let mut buffer = Vec::with_capacity(HEAD + bytes);
        buffer.push(VERSION);
        buffer.resize(HEAD, 0);
        Self { bytes: buffer, count: 0 }
    }

    /// Adds a record; `stamp` is its own, where the topic's stamps are those of the maker.
    pub(super) fn push(&mut self, record: &Append<'_>, stamp: Option<i64>) {
        let flag = |set: bool, flag: u8| if set { flag } else { 0 };
        self.bytes.push(
            flag(record.key.is_some(), KEY)
                | flag(record.value.is_some(), VALUE)
                | flag(stamp.is_some(), STAMP)
                | flag(record.headers().len() > 0, HEADERS),
        );
        if let Some(stamp) = stamp {
            self.bytes.extend_from_slice(&stamp.to_le_bytes());
        }
        for part in [record.key, record.value].into_iter().flatten() {
            put(&mut self.bytes, part);
        }
        if record.headers().len() > 0 {
            let size = record.headers().map(|(name, value)| width(name) + width(value)).sum();
            put_length(&mut self.bytes, size);
            for (name, value) in record.headers() {
                put(&mut self.bytes, name);
                put(&mut self.bytes, value);
            }
        }
        self.count += 1;
    }

    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// The bytes, stamped.
    pub(super) fn seal(mut self, stamp: i64) -> Vec<u8> {
        self.bytes[1..9].copy_from_slice(&stamp.to_le_bytes());
        self.bytes[9..HEAD].copy_from_slice(&self.count.to_le_bytes());
        self.bytes
    }
}

/// What stands at the beginning of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) stamp: i64,
    pub(super) count: u32,
}

/// One record of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry<'a> {
    pub(super) stamp: Option<i64>,
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
    headers: &'a [u8],
}

impl<'a> Entry<'a> {
    pub(super) fn headers(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let mut source = Source { bytes: self.headers };
        std::iter::from_fn(move || Some((source.part()?, source.part()?)))
    }
}

/// Reads the head; what follows it is to be given to [`next`].
pub(super) fn head(bytes: &[u8]) -> Option<(Head, usize)> {
    let mut source = Source { bytes };
    if source.take(1)? != [VERSION] {
        return None;
    }
    let stamp = i64::from_le_bytes(source.array()?);
    let count = u32::from_le_bytes(source.array()?);
    (count > 0).then_some((Head { stamp, count }, HEAD))
}

/// Reads the record at `at` and moves `at` past it.
pub(super) fn next<'a>(bytes: &'a [u8], at: &mut usize) -> Option<Entry<'a>> {
    let mut source = Source { bytes: bytes.get(*at..)? };
    let flags = source.take(1)?[0];
    if flags & !(KEY | VALUE | STAMP | HEADERS) != 0 {
        return None;
    }
    let stamp = if flags & STAMP == 0 { None } else { Some(i64::from_le_bytes(source.array()?)) };
    let key = if flags & KEY == 0 { None } else { Some(source.part()?) };
    let value = if flags & VALUE == 0 { None } else { Some(source.part()?) };
    let headers = if flags & HEADERS == 0 { &[] } else { source.part()? };
    *at = bytes.len() - source.bytes.len();
    Some(Entry { stamp, key, value, headers })
}

struct Source<'a> {
    bytes: &'a [u8],
}

impl<'a> Source<'a> {
    fn take(&mut self, size: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.bytes.split_at_checked(size)?;
        self.bytes = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn part(&mut self) -> Option<&'a [u8]> {
        let mut size = 0u64;
        for shift in (0..35).step_by(7) {
            let byte = self.take(1)?[0];
            size |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return self.take(usize::try_from(size).ok()?);
            }
        }
        None
    }
}

fn put(bytes: &mut Vec<u8>, part: &[u8]) {
    put_length(bytes, part.len());
    bytes.extend_from_slice(part);
}

fn put_length(bytes: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        bytes.push(0x80 | u8::try_from(length & 0x7f).unwrap_or(0));
        length >>= 7;
    }
    bytes.push(u8::try_from(length).unwrap_or(0));
}

fn width(part: &[u8]) -> usize {
    let mut bytes = 1;
    let mut length = part.len() >> 7;
    while length > 0 {
        bytes += 1;
        length >>= 7;
    }
    bytes + part.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Appends;
    use proptest::prelude::*;
    use std::sync::Arc;

    type Made = (Option<i64>, Option<Vec<u8>>, Option<Vec<u8>>, Vec<(String, Vec<u8>)>);

    fn part() -> impl Strategy<Value = Vec<u8>> {
        proptest::collection::vec(any::<u8>(), 0..300)
    }

    fn made() -> impl Strategy<Value = Made> {
        let headers = proptest::collection::vec(("[a-z]{0,9}", part()), 0..4);
        (any::<Option<i64>>(), proptest::option::of(part()), proptest::option::of(part()), headers)
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_back(records in proptest::collection::vec(made(), 1..20)) {
            let topic: Arc<str> = "t".into();
            let mut appends = Appends::default();
            let mut chunk = Builder::with_capacity(0);
            for (stamp, key, value, headers) in &records {
                let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), &value[..])).collect();
                appends.push_stamped(&topic, 0, *stamp, key.as_deref(), value.as_deref(), &headers);
            }
            for record in appends.records() {
                chunk.push(&record, record.stamp);
            }
            let bytes = chunk.seal(42);
            let (head, mut at) = head(&bytes).unwrap();
            prop_assert_eq!(head, Head { stamp: 42, count: u32::try_from(records.len()).unwrap() });
            for (stamp, key, value, headers) in &records {
                let entry = next(&bytes, &mut at).unwrap();
                prop_assert_eq!((entry.stamp, entry.key, entry.value), (*stamp, key.as_deref(), value.as_deref()));
                let read: Vec<_> = entry.headers().map(|(n, v)| (n.to_vec(), v.to_vec())).collect();
                let wrote: Vec<_> = headers.iter().map(|(n, v)| (n.clone().into_bytes(), v.clone())).collect();
                prop_assert_eq!(read, wrote);
            }
            prop_assert_eq!(at, bytes.len());
        }

        #[test]
        fn garbage_never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut at = head(&bytes).map_or(0, |(_, at)| at);
            while let Some(entry) = next(&bytes, &mut at) {
                let _count = entry.headers().count();
            }
        }
    }
}
