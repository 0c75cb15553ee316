//! Frames give back what was put in, and nothing but an error for anything else.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

#[path = "support/entries.rs"]
mod entries;

use engine::entry::{Entry, Lost, PartitionMark, SourceMark, Watermarks};
use entries::{OwnedEntry, entry};
use model::source::Source;
use proptest::prelude::*;
use wire::frame::{FrameBuffer, FrameError, MAX_BODY_BYTES, MAX_PARTITIONS, Reader, Writer};

fn framed(epoch: u32, entries: &[OwnedEntry]) -> Vec<u8> {
    let mut writer = Writer::new(epoch);
    for entry in entries {
        writer.push(&entry.entry()).unwrap();
    }
    let (len, mut value) = (writer.len_bytes(), vec![1, 2, 3]);
    writer.finish(&mut value);
    assert!(value.len() <= len, "{} > {len}", value.len());
    assert!(writer.is_empty());
    value
}

/// Reads whatever there is to the first error.
fn drained(value: &[u8]) -> Result<usize, FrameError> {
    let mut buffer = FrameBuffer::default();
    buffer.load(value)?;
    buffer.reader().try_fold(0, |count, entry| entry.map(|_| count + 1))
}

fn loaded(value: &[u8]) -> FrameBuffer {
    let mut buffer = FrameBuffer::default();
    buffer.load(value).unwrap();
    buffer
}

proptest! {
    #[test]
    fn entries_survive_the_way_there_and_back(
        entries in proptest::collection::vec(entry(), 0..60),
        epoch in any::<u32>(),
        from in 0_u32..70,
    ) {
        let value = framed(epoch, &entries);
        let buffer = loaded(&value);
        prop_assert_eq!((buffer.epoch(), buffer.entries() as usize), (epoch, entries.len()));
        let expected: Vec<Entry<'_>> = entries.iter().map(OwnedEntry::entry).collect();
        let read: Result<Vec<Entry<'_>>, FrameError> = buffer.reader().collect();
        prop_assert_eq!(read.as_ref(), Ok(&expected));
        let rest: Result<Vec<Entry<'_>>, FrameError> = buffer.reader_from(from).and_then(Reader::collect);
        prop_assert_eq!(rest, Ok(expected.get(from as usize..).unwrap_or(&[]).to_vec()));
    }

    #[test]
    fn the_same_entries_give_the_same_bytes(entries in proptest::collection::vec(entry(), 0..20)) {
        prop_assert_eq!(framed(1, &entries), framed(1, &entries));
    }

    #[test]
    fn any_bytes_are_entries_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(drained(&bytes).is_err() || bytes.len() >= 8);
    }

    #[test]
    fn a_damaged_frame_is_an_error(
        entries in proptest::collection::vec(entry(), 1..20),
        at in any::<prop::sample::Index>(),
        flip in 1_u8..,
    ) {
        let mut value = framed(1, &entries);
        let at = at.index(value.len());
        value[at] ^= flip;
        prop_assert!(drained(&value).is_err());
        value.truncate(at);
        prop_assert!(drained(&value).is_err());
    }

    #[test]
    fn a_damaged_frame_with_a_good_checksum_does_not_panic(
        entries in proptest::collection::vec(entry(), 1..20),
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
    ) {
        let mut value = framed(1, &entries);
        for (at, byte) in changes {
            let at = 8 + at.index(value.len() - 8);
            value[at] = byte;
        }
        let crc = crc32fast::hash(&value[8..]);
        value[4..8].copy_from_slice(&crc.to_le_bytes());
        let entries = drained(&value).unwrap_or(0);
        prop_assert!(entries <= MAX_BODY_BYTES);
    }
}

#[test]
fn what_is_no_frame_is_named() {
    let good = framed(3, &[OwnedEntry::FoldVersion(1)]);
    assert_eq!(drained(b""), Err(FrameError::NotAFrame));
    assert_eq!(drained(b"{\"id\":\"a\"}"), Err(FrameError::NotAFrame));
    let with = |at: usize, byte: u8| {
        let mut value = good.clone();
        value[at] = byte;
        drained(&value)
    };
    assert_eq!(with(2, 9), Err(FrameError::UnknownVersion(9)));
    assert_eq!(with(3, 2), Err(FrameError::Invalid("flag")));
    assert_eq!(with(9, 7), Err(FrameError::Checksum));
}

#[test]
fn a_body_beyond_the_bound_is_neither_written_nor_read() {
    let text = "x".repeat(1 << 20);
    let mut writer = Writer::new(1);
    while writer.push(&Entry::Model(&text)).is_ok() {}
    assert_eq!(writer.entries(), 7);
    let long = OwnedEntry::FoldVersion(5);
    writer.push(&long.entry()).unwrap();
    let mut value = Vec::new();
    writer.finish(&mut value);
    let buffer = loaded(&value);
    assert_eq!(buffer.reader().last(), Some(Ok(Entry::FoldVersion(5))));

    let mut value = b"VJ\x01\x01\0\0\0\0\x01\x01".to_vec();
    value.extend_from_slice(&[0xff, 0xff, 0xff, 0xff, 0x0f]);
    let crc = crc32fast::hash(&value[8..]);
    value[4..8].copy_from_slice(&crc.to_le_bytes());
    assert_eq!(drained(&value), Err(FrameError::TooLarge(0xffff_ffff)));
}

#[test]
fn an_entry_that_did_not_fit_leaves_the_frame_as_it_was() {
    let text = "x".repeat(MAX_BODY_BYTES - 100);
    let long = activity(&"y".repeat(200));
    let (mut writer, mut value) = (Writer::new(1), Vec::new());
    writer.push(&Entry::Model(&text)).unwrap();
    assert!(writer.push(&long.entry()).is_err());
    writer.push(&activity("second").entry()).unwrap();
    writer.finish(&mut value);
    let buffer = loaded(&value);
    let entries: Vec<Entry<'_>> = buffer.reader().map(Result::unwrap).collect();
    assert_eq!(entries, [Entry::Model(&text), activity("second").entry()]);
}

fn activity(account: &str) -> OwnedEntry {
    OwnedEntry::Activity(entries::Owned {
        source: Source::Login,
        partition: 1,
        offset: 7,
        id: 9,
        time: model::time::EventTime(11),
        account: account.to_owned(),
        fields: vec![],
    })
}

#[test]
fn partitions_beyond_what_is_kept_of_each_are_refused() {
    let read = |partition_count, partition| {
        let (lost, runs, watermark) = (Lost::default(), Vec::new(), None);
        let mark = PartitionMark { partition, watermark, runs, rejected: 0, skipped: 0, lost };
        let source = SourceMark { source: Source::Login, partition_count, partitions: vec![mark] };
        let mut writer = Writer::new(1);
        writer.push(&Entry::Watermarks(Watermarks { sources: vec![source], ..Default::default() })).unwrap();
        let mut value = Vec::new();
        writer.finish(&mut value);
        drained(&value)
    };
    assert_eq!(read(MAX_PARTITIONS, MAX_PARTITIONS - 1), Ok(1));
    for (count, number) in [(MAX_PARTITIONS + 1, 0), (1, MAX_PARTITIONS), (1, u32::MAX)] {
        assert!(matches!(read(count, number), Err(FrameError::Invalid(_))), "{number} of {count}");
    }
}
