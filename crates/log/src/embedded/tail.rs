//! The end of the newest journal, looked at before fjall opens it: what a crash tore off is cut away, and damage is
//! told from it.
//!
//! fjall by itself cuts a journal at the first entry that does not decode, whatever follows, and refuses one whose
//! last batch lacks a page in its middle, as can happen when the power goes. Here:
//! - behind the last whole batch there is the beginning of another, and no end: it was being written. Cut.
//! - the last batch has an end, but a page that was never written (all zeros): it was not synced, so nobody was told
//!   that it is durable. Cut, and a copy kept.
//! - anything else that does not decode is damage of what may have been acknowledged. Refused.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek};
use std::ops::Range;
use std::path::{Path, PathBuf};

const PAGE: usize = 4_096;
const MAGIC: &[u8] = b"FJL\x03";

/// How a journal ends.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// With a whole batch.
    Whole,
    /// It had a torn batch, which is cut off. Its bytes are in this file if it was long enough to have an end.
    Cut(Option<PathBuf>),
    /// It is damaged from this byte on.
    Damaged(PathBuf, usize),
}

/// Looks at the newest journal of `store` and cuts off what is torn.
pub(super) fn trim(store: &Path) -> io::Result<Ending> {
    let Some((number, path)) = newest(store)? else { return Ok(Ending::Whole) };
    let bytes = written(&path)?;
    let used = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let scan = Scan::of(bytes.get(..used).unwrap_or_default());
    let torn = |range: Range<usize>| {
        bytes.get(range.clone()).is_some_and(|batch| has_empty_page(batch, range.start))
    };
    if scan.end < used {
        let rest = scan.end..used;
        let ends = bytes.get(rest.clone()).map_or(0, count_ends);
        return match ends {
            0 => cut(&path, rest.start, None),
            1 if torn(rest.clone()) => cut(&path, rest.start, keep(store, number, rest, &bytes)?),
            _ => Ok(Ending::Damaged(path, rest.start)),
        };
    }
    Ok(Ending::Whole)
}

/// Cuts off the last batch of the newest journal, which has an end but fails its checksum, if it is torn.
pub(super) fn mend(store: &Path) -> io::Result<Ending> {
    let Some((number, path)) = newest(store)? else { return Ok(Ending::Whole) };
    let bytes = written(&path)?;
    match Scan::of(&bytes).last {
        Some(last) if bytes.get(last.clone()).is_some_and(|batch| has_empty_page(batch, last.start)) => {
            cut(&path, last.start, keep(store, number, last, &bytes)?)
        }
        Some(last) => Ok(Ending::Damaged(path, last.start)),
        None => Ok(Ending::Damaged(path, 0)),
    }
}

fn keep(store: &Path, number: u64, range: Range<usize>, bytes: &[u8]) -> io::Result<Option<PathBuf>> {
    let copy = store.join(format!("torn-{number}-{}.bin", range.start));
    fs::write(&copy, bytes.get(range).unwrap_or_default())?;
    File::open(&copy)?.sync_all()?;
    Ok(Some(copy))
}

fn cut(path: &Path, at: usize, copy: Option<PathBuf>) -> io::Result<Ending> {
    let file = OpenOptions::new().write(true).open(path)?;
    file.set_len(u64::try_from(at).unwrap_or(u64::MAX))?;
    file.sync_all()?;
    Ok(Ending::Cut(copy))
}

/// The journal that was being written.
fn newest(store: &Path) -> io::Result<Option<(u64, PathBuf)>> {
    let mut newest = None;
    for entry in fs::read_dir(store)? {
        let path = entry?.path();
        let stem = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.parse().ok());
        if path.extension().is_some_and(|extension| extension == "jnl")
            && let Some(number) = stem
            && newest.as_ref().is_none_or(|(greatest, _)| number > *greatest)
        {
            newest = Some((number, path));
        }
    }
    Ok(newest)
}

/// The journal up to what was last written: it is allocated ahead, and mostly a hole.
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
    Ok(bytes)
}

/// Whether a page of the file that lies wholly in this batch was never written.
fn has_empty_page(batch: &[u8], start: usize) -> bool {
    let first = start.next_multiple_of(PAGE) - start;
    batch
        .get(first..)
        .is_some_and(|rest| rest.chunks_exact(PAGE).any(|page| page.iter().all(|byte| *byte == 0)))
}

/// How many batches seem to end in these bytes.
fn count_ends(bytes: &[u8]) -> usize {
    bytes.windows(13).filter(|window| window.first() == Some(&3) && window.ends_with(MAGIC)).count()
}

/// The whole batches of a journal of fjall (format 3): where the last one lies, and where they end.
#[derive(Debug, Default)]
struct Scan {
    last: Option<Range<usize>>,
    end: usize,
}

impl Scan {
    fn of(bytes: &[u8]) -> Self {
        let mut scan = Self::default();
        let mut source = Source { bytes, at: 0 };
        while source.batch().is_some() {
            scan.last = Some(scan.end..source.at);
            scan.end = source.at;
        }
        scan
    }
}

struct Source<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Source<'_> {
    fn take(&mut self, size: usize) -> Option<&[u8]> {
        let taken = self.bytes.get(self.at..self.at.checked_add(size)?)?;
        self.at += size;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// Reads past a batch: start, items, end.
    fn batch(&mut self) -> Option<()> {
        let [1] = self.array()? else { return None };
        let items = u32::from_le_bytes(self.array()?);
        let _seqno: [u8; 8] = self.array()?;
        for _ in 0..items {
            match self.array()? {
                // An item: type of value, compression, keyspace; lengths of key, value, and value as stored.
                [2] => {
                    let _head: [u8; 10] = self.array()?;
                    let key = usize::from(u16::from_le_bytes(self.array()?));
                    let _value: [u8; 4] = self.array()?;
                    let stored = usize::try_from(u32::from_le_bytes(self.array()?)).ok()?;
                    self.take(key.checked_add(stored)?)?;
                }
                // A keyspace is cleared.
                [4] => {
                    self.take(8)?;
                }
                _ => return None,
            }
        }
        let [3] = self.array()? else { return None };
        let _checksum: [u8; 8] = self.array()?;
        (self.take(MAGIC.len())? == MAGIC).then_some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A batch of fjall: one item of these lengths, as far as they go.
    fn batch(key: &[u8], value: &[u8]) -> Vec<u8> {
        let mut bytes = [&[1][..], &1_u32.to_le_bytes(), &[0; 8], &[2], &[0; 10]].concat();
        bytes.extend(u16::try_from(key.len()).unwrap().to_le_bytes());
        bytes.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
        bytes.extend(u32::try_from(value.len()).unwrap().to_le_bytes());
        [&bytes[..], key, value, &[3], &[0; 8], MAGIC].concat()
    }

    proptest! {
        #[test]
        fn the_end_of_a_journal_is_found_whatever_stands_there(
            whole in 0_usize..4, value in proptest::collection::vec(any::<u8>(), 0..60),
            rest in proptest::collection::vec(any::<u8>(), 0..80), at in any::<prop::sample::Index>(), changed in any::<u8>()
        ) {
            let one = batch(b"key", &value);
            let mut bytes = one.repeat(whole);
            prop_assert_eq!(Scan::of(&bytes).end, bytes.len());
            bytes.extend(&rest);
            let end = Scan::of(&bytes).end;
            prop_assert!(end >= whole * one.len() && end <= bytes.len());
            if !bytes.is_empty() {
                let at = at.index(bytes.len());
                bytes[at] = changed;
            }
            let end = Scan::of(&bytes).end;
            let (_ends, _torn) = (count_ends(&bytes[end..]), has_empty_page(&bytes[end..], end));
        }
    }
}
