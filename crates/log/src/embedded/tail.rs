//! The journals, looked at before fjall opens them: what a crash tore off is cut away, and damage is told from it.
//!
//! fjall by itself cuts a journal at the first entry that does not decode, whatever follows, and refuses one that
//! fails a checksum without saying where. Here the batches are read in order, and the first that is not as it was
//! written decides:
//! - it is the last of the newest journal, and runs out before its end: it was being written. Cut.
//! - it is the last, and a page of it was never written (all zeros): it was not synced, so nobody was told that it is
//!   durable. Cut, and a copy kept.
//! - anything else is damage of what may have been acknowledged. Refused, and nothing is touched.
//!
//! A journal before the newest was synced as a whole. What looks like an end of a batch may be a user's bytes; at the
//! very end it counts as one, since a whole batch in which a length is damaged runs out as well.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use xxhash_rust::xxh3::xxh3_64;

const PAGE: usize = 4_096;
const MAGIC: &[u8] = b"FJL\x03";
/// How long the end of a batch is: 3, a checksum, and this.
const END: usize = 1 + 8 + MAGIC.len();

/// How the journals end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// With a whole batch.
    Whole,
    /// The newest had a torn batch, which is cut off. Its bytes are in this file unless it ran out before its end.
    Cut(Option<PathBuf>),
    /// This one is damaged from this byte on, where a batch begins.
    Damaged(PathBuf, usize),
}

/// Looks at the journals of `store`, and cuts off what is torn of the newest.
pub(super) fn mend(store: &Path) -> io::Result<Ending> {
    let mut journals = journals(store)?;
    let Some((number, newest)) = journals.pop_last() else { return Ok(Ending::Whole) };
    for path in journals.into_values() {
        let scan = Scan::of(&written(&path)?);
        if scan.fault.is_some() {
            return Ok(Ending::Damaged(path, scan.end));
        }
    }
    let bytes = written(&newest)?;
    let scan = Scan::of(&bytes);
    let Some(fault) = scan.fault else { return Ok(Ending::Whole) };
    let rest = bytes.get(scan.end..).unwrap_or_default();
    let is_last = match fault {
        Fault::Checksum(end) => end == bytes.len(),
        Fault::Short | Fault::Form => !holds_newer(rest, scan.seqno),
    };
    if is_last && fault == Fault::Short && !has_end(rest) {
        cut(&newest, scan.end)?;
        return Ok(Ending::Cut(None));
    }
    if is_last && has_empty_page(rest, scan.end) {
        let copy = store.join(format!("torn-{number}-{}.bin", scan.end));
        fs::write(&copy, rest)?;
        File::open(&copy)?.sync_all()?;
        cut(&newest, scan.end)?;
        return Ok(Ending::Cut(Some(copy)));
    }
    Ok(Ending::Damaged(newest, scan.end))
}

fn cut(path: &Path, at: usize) -> io::Result<()> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(u64::try_from(at).unwrap_or(u64::MAX))?;
    file.sync_all()
}

/// The journals by number: the last is the one that was being written.
fn journals(store: &Path) -> io::Result<BTreeMap<u64, PathBuf>> {
    let mut journals = BTreeMap::new();
    for entry in fs::read_dir(store)? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        if path.extension().is_some_and(|extension| extension == "jnl")
            && let Some(number) = stem
        {
            journals.insert(number, path);
        }
    }
    Ok(journals)
}

/// The journal up to the last byte that is not zero, as each end is: it is allocated ahead, and mostly a hole.
fn written(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    let mut end = 0;
    while let Ok(data) = rustix::fs::seek(&file, rustix::fs::SeekFrom::Data(end)) {
        end = rustix::fs::seek(&file, rustix::fs::SeekFrom::Hole(data)).unwrap_or(length);
        if end >= length {
            break;
        }
    }
    let mut file = file;
    let mut bytes = Vec::with_capacity(usize::try_from(end).unwrap_or(0));
    file.rewind()?;
    file.take(end).read_to_end(&mut bytes)?;
    bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
    Ok(bytes)
}

/// Whether a page of this batch was never written. Of its first page the part before it may have been.
fn has_empty_page(batch: &[u8], start: usize) -> bool {
    let is_empty = |page: &[u8]| page.iter().all(|byte| *byte == 0);
    let (first, rest) = batch.split_at_checked(start.next_multiple_of(PAGE) - start).unwrap_or_default();
    // Long enough for what is never zero: that a batch begins, and the count of its items. One changed byte is damage.
    (first.len() >= 5 && is_empty(first)) || rest.chunks_exact(PAGE).any(is_empty)
}

/// Whether these bytes end as a batch does.
fn has_end(bytes: &[u8]) -> bool {
    bytes.ends_with(MAGIC) && bytes.len().checked_sub(END).and_then(|at| bytes.get(at)) == Some(&3)
}

/// Whether behind the start of these bytes there begins a batch that is newer than this one. It stands behind an end,
/// or is whole, which a user's bytes are not by chance.
fn holds_newer(bytes: &[u8], seqno: u64) -> bool {
    let begins = |at| {
        let mut source = Source { bytes, at };
        let newer = source.start().is_ok_and(|(items, newer)| items > 0 && newer > seqno);
        newer && source.item() != Err(Fault::Form)
    };
    let is_behind_end = |at| bytes.get(..at).is_some_and(has_end);
    let is_whole = |at| Source { bytes, at }.batch().is_ok();
    (1..bytes.len()).any(|at| begins(at) && (is_behind_end(at) || is_whole(at)))
}

/// What is wrong with a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    /// It is as a batch is, but the bytes run out before its end.
    Short,
    /// No batch looks like this.
    Form,
    /// It is not what was written. It ends here.
    Checksum(usize),
}

/// The whole batches of a journal of fjall (format 3): where they end, the number of the last, and what is wrong with
/// what follows, if anything does.
#[derive(Debug, Default)]
struct Scan {
    end: usize,
    seqno: u64,
    fault: Option<Fault>,
}

impl Scan {
    fn of(bytes: &[u8]) -> Self {
        let mut scan = Self::default();
        let mut source = Source { bytes, at: 0 };
        while scan.fault.is_none() && scan.end < bytes.len() {
            match source.batch() {
                Ok(seqno) => (scan.end, scan.seqno) = (source.at, seqno),
                Err(fault) => scan.fault = Some(fault),
            }
        }
        scan
    }
}

struct Source<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Source<'a> {
    fn take(&mut self, size: usize) -> Result<&'a [u8], Fault> {
        let end = self.at.saturating_add(size);
        let taken = self.bytes.get(self.at..end).ok_or(Fault::Short)?;
        self.at = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        self.take(N)?.try_into().map_err(|_error| Fault::Short)
    }

    /// Reads the start of a batch: how many items it has, and its number.
    fn start(&mut self) -> Result<(u32, u64), Fault> {
        let [1] = self.array()? else { return Err(Fault::Form) };
        Ok((u32::from_le_bytes(self.array()?), u64::from_le_bytes(self.array()?)))
    }

    /// Reads past a batch: start, items, end. Its number.
    fn batch(&mut self) -> Result<u64, Fault> {
        let (items, seqno) = self.start()?;
        let begin = self.at;
        for _ in 0..items {
            self.item()?;
        }
        let end = self.at;
        let [3] = self.array()? else { return Err(Fault::Form) };
        let checksum = u64::from_le_bytes(self.array()?);
        if self.take(MAGIC.len())? != MAGIC {
            return Err(Fault::Form);
        }
        let is_sound = self.bytes.get(begin..end).is_some_and(|items| xxh3_64(items) == checksum);
        is_sound.then_some(seqno).ok_or(Fault::Checksum(self.at))
    }

    fn item(&mut self) -> Result<(), Fault> {
        match self.array()? {
            // A value: its type, compression, keyspace; lengths of key, value, and value as stored.
            [2] => {
                let _head: [u8; 10] = self.array()?;
                let key = usize::from(u16::from_le_bytes(self.array()?));
                let value: [u8; 4] = self.array()?;
                let stored: [u8; 4] = self.array()?;
                if stored != value {
                    // No journal of ours is compressed.
                    return Err(Fault::Form);
                }
                let stored = usize::try_from(u32::from_le_bytes(stored)).unwrap_or(usize::MAX);
                self.take(key.saturating_add(stored))?;
            }
            // A keyspace is cleared.
            [4] => {
                let _keyspace: [u8; 8] = self.array()?;
            }
            _ => return Err(Fault::Form),
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A batch of fjall: its number, and one item.
    fn batch(seqno: u64, key: &[u8], value: &[u8]) -> Vec<u8> {
        let mut item = [&[2][..], &[0; 10]].concat();
        item.extend(u16::try_from(key.len()).unwrap().to_le_bytes());
        item.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
        item.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
        item.extend([key, value].concat());
        let start = [&[1][..], &1_u32.to_le_bytes(), &seqno.to_le_bytes()].concat();
        [&start[..], &item, &[3], &xxh3_64(&item).to_le_bytes(), MAGIC].concat()
    }

    /// What is done with a store whose newest journal is this; the journal must be as it was but for what is cut off.
    fn ending(bytes: &[u8]) -> Ending {
        let store = tempfile::tempdir().unwrap();
        let journal = store.path().join("7.jnl");
        fs::write(&journal, bytes).unwrap();
        let ending = mend(store.path()).unwrap();
        let left = fs::read(&journal).unwrap();
        assert!(bytes.starts_with(&left) && (left.len() == bytes.len() || matches!(ending, Ending::Cut(_))));
        match ending {
            Ending::Damaged(path, at) => {
                assert_eq!(path, journal);
                Ending::Damaged(PathBuf::new(), at)
            }
            Ending::Cut(copy) => Ending::Cut(copy.map(|copy| {
                let kept = fs::read(copy).unwrap();
                assert_eq!([left, kept].concat(), bytes);
                PathBuf::new()
            })),
            Ending::Whole => Ending::Whole,
        }
    }

    #[test]
    fn only_the_last_batch_is_ever_cut_off() {
        let zeros = batch(1, b"key", &[0; 4 * PAGE]);
        let last = batch(2, b"key", b"value");
        let cut = || Ending::Cut(Some(PathBuf::new()));
        let damaged = |at| Ending::Damaged(PathBuf::new(), at);
        let flipped = |batch: &[u8], at: usize| {
            let mut batch = batch.to_vec();
            batch[at] ^= 1;
            batch
        };
        assert_eq!(ending(&[&zeros[..], &last].concat()), Ending::Whole);
        // In its start, the head of its item, the lengths, the value, the end, the checksum.
        for at in [0, 1, 13, 25, 27, 31, 50, zeros.len() - 13, zeros.len() - 8, zeros.len() - 1] {
            let broken = flipped(&zeros, at);
            assert_eq!(ending(&[&broken[..], &last].concat()), damaged(0), "{at}");
            assert_eq!(
                ending(&[&last[..], &broken, &batch(3, b"key", b"")].concat()),
                damaged(last.len()),
                "{at}"
            );
            // As the last it may be one that was never written as a whole.
            assert_eq!(ending(&[&last[..], &broken].concat()), cut(), "{at}");
            assert_eq!(
                ending(&[&last[..], &flipped(&last, at.min(40))].concat()),
                damaged(last.len()),
                "{at}"
            );
        }
        // Behind it another was being written.
        let begun = &batch(3, b"key", b"value")[..20];
        assert_eq!(ending(&[&last[..], &flipped(&zeros, 13), begun].concat()), damaged(last.len()));
        assert_eq!(ending(&[&last[..], &zeros, begun].concat()), Ending::Cut(None));
        assert_eq!(ending(&[&last[..], &zeros[..4_000]].concat()), Ending::Cut(None));
    }

    proptest! {
        #[test]
        fn a_torn_batch_is_cut_off_whatever_bytes_it_holds(
            value in proptest::collection::vec(prop_oneof![any::<u8>(), Just(0)], 0..60), cut in any::<prop::sample::Index>()
        ) {
            let whole = batch(7, b"key", b"value");
            let older = batch(6, b"key", b"value");
            // What stands behind an end and begins as a newer batch does would count as one.
            let torn = batch(8, b"key", &[&value[..], &older, b"x", &value].concat());
            let torn = &torn[..1 + cut.index(torn.len() - 1)];
            let mut used = torn;
            while let Some((0, rest)) = used.split_last() {
                used = rest;
            }
            let expected = if has_end(used) {
                Ending::Damaged(PathBuf::new(), whole.len())
            } else {
                Ending::Cut(None)
            };
            prop_assert_eq!(ending(&[&whole[..], torn].concat()), expected);
        }

        #[test]
        fn the_end_of_a_journal_is_found_whatever_stands_there(
            whole in 0_usize..4, value in proptest::collection::vec(any::<u8>(), 0..60),
            rest in proptest::collection::vec(any::<u8>(), 0..80), at in any::<prop::sample::Index>(), changed in any::<u8>()
        ) {
            let one = batch(1, b"key", &value);
            let mut bytes = one.repeat(whole);
            prop_assert_eq!(Scan::of(&bytes).end, bytes.len());
            bytes.extend(&rest);
            let end = Scan::of(&bytes).end;
            prop_assert!(end >= whole * one.len() && end <= bytes.len());
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = changed;
            }
            let scan = Scan::of(&bytes);
            let rest = &bytes[scan.end..];
            let _told = (has_end(rest), holds_newer(rest, scan.seqno), has_empty_page(rest, scan.end));
        }
    }
}
