//! Distinct identities over a window: exact up to a ceiling.
//!
//! An identity is in the window as long as its newest entered bucket is, so one number per identity is enough,
//! beside the buckets that have not entered yet. Beyond the ceiling the count is unknown until the bucket of
//! the identity that found no place has left.
//!
//! Words of the part: how many identities have entered; 1 if the count must be settled anew; the newest bucket of an
//! identity that found no place (or `NONE`). Then the identities that have entered, ascending: upper half, lower half,
//! newest bucket. Then those that wait, by bucket and identity: bucket, upper half, lower half.

use super::bucket::{Span, bounds, bucket_of};
use crate::bytes::{Damaged, Reader, Writer};
use crate::now::{Due, Edge};
use crate::parts::{Part, partition};
use model::plan::Window;

/// The most identities kept for one signal of one account.
pub const CEILING: usize = 4_096;

const ENTERED: usize = 0;
const UNSETTLED: usize = 1;
const OVERFLOW: usize = 2;
/// Words before the first identity.
pub(crate) const HEAD: usize = 3;
const STRIDE: usize = 3;

/// No bucket.
const NONE: i32 = i32::MIN;

/// The words of a part that holds nothing.
pub(crate) const NEW: [u32; HEAD] = [0, 0, NONE.cast_unsigned()];

/// The halves of an identity, the upper first: they are ordered as it is.
pub(crate) const fn halves(identity: u64) -> [u32; 2] {
    [(identity >> 32) as u32, (identity & 0xffff_ffff) as u32]
}

pub(crate) fn whole(halves: &[u32]) -> u64 {
    u64::from(halves[0]) << 32 | u64::from(halves[1])
}

const fn entered_end(part: &[u32]) -> usize {
    HEAD + STRIDE * part[ENTERED] as usize
}

fn overflow(part: &[u32]) -> Option<i32> {
    Some(part[OVERFLOW].cast_signed()).filter(|bucket| *bucket != NONE)
}

/// Adds an identity in a bucket that has not left. Returns whether it found a place.
pub(crate) fn add(part: &mut Part<'_>, identity: u64, time: i64, edge: &Edge<'_>, window: Window) -> bool {
    let width = window.bucket.width();
    let bucket = bucket_of(time, window.bucket);
    if edge.has_entered(bounds(bucket, width).0) {
        return enter(part, identity, bucket);
    }
    let [high, low] = halves(identity);
    let record = [bucket.cast_unsigned(), high, low];
    let key = |record: &[u32]| (record[0].cast_signed(), record[1], record[2]);
    let at = partition(part, entered_end(part), STRIDE, |other| key(other) < key(&record));
    if part.get(at..at + STRIDE) == Some(&record) {
        return true;
    }
    part[UNSETTLED] = 1;
    if is_full(part) {
        cross(part, bucket);
        return false;
    }
    part.insert(at, &record);
    true
}

fn is_full(part: &[u32]) -> bool {
    (part.len() - HEAD) / STRIDE >= CEILING
}

fn cross(part: &mut [u32], bucket: i32) {
    part[OVERFLOW] = part[OVERFLOW].cast_signed().max(bucket).cast_unsigned();
    part[UNSETTLED] = 1;
}

fn enter(part: &mut Part<'_>, identity: u64, bucket: i32) -> bool {
    let words: &mut [u32] = part;
    let end = entered_end(words);
    let (at, is_there) = find(&words[HEAD..end], identity);
    let at = HEAD + STRIDE * at;
    if is_there {
        let newest = &mut words[at + 2];
        *newest = newest.cast_signed().max(bucket).cast_unsigned();
        return true;
    }
    if is_full(words) {
        cross(words, bucket);
        return false;
    }
    // Another that is no newer leaves first: this one changes nothing of what is known to be due.
    let is_after = end > HEAD && words[HEAD + 2].cast_signed() <= bucket;
    words[ENTERED] += 1;
    words[UNSETTLED] |= u32::from(!is_after);
    let [high, low] = halves(identity);
    part.insert(at, &[high, low, bucket.cast_unsigned()]);
    true
}

/// The place of an identity among records in order, and whether it is there.
///
/// Identities are fingerprints, spread evenly: its value says about where it stands, and from there it is searched in
/// steps that double, so that others which are not cost no more than a search by halves.
fn find(records: &[u32], identity: u64) -> (usize, bool) {
    let records = records.as_chunks::<STRIDE>().0;
    let at = |place: usize| whole(&records[place]);
    let len = records.len() as u64;
    // Below the number of records, which is at most the ceiling.
    let guess = usize::try_from(((identity >> 32) * len) >> 32).unwrap_or(0);
    let (mut low, mut high) = (0, records.len());
    let mut step = 1;
    if guess < high && at(guess) < identity {
        low = guess + 1;
        while low + step <= high {
            if at(low + step - 1) >= identity {
                high = low + step - 1;
                break;
            }
            (low, step) = (low + step, 2 * step);
        }
    } else {
        high = guess;
        while step <= high {
            if at(high - step) < identity {
                low = high - step + 1;
                break;
            }
            (high, step) = (high - step, 2 * step);
        }
    }
    low += records[low..high].partition_point(|record| whole(record) < identity);
    (low, records.get(low).is_some_and(|record| whole(record) == identity))
}

pub(crate) const fn is_unsettled(part: &[u32]) -> bool {
    part[UNSETTLED] != 0
}

/// How many are in the window; `None` while some found no place.
pub(crate) fn count(part: &[u32]) -> Option<usize> {
    overflow(part).is_none().then_some(part[ENTERED] as usize)
}

/// The oldest bucket that matters of those that have entered.
fn oldest(part: &[u32]) -> Option<i32> {
    let newest = part[HEAD..entered_end(part)].chunks_exact(STRIDE).map(|record| record[2].cast_signed());
    newest.chain(overflow(part)).min()
}

/// Lets enter and leave what has, and says when that next changes.
pub(crate) fn settle(part: &mut Part<'_>, edge: &Edge<'_>, window: Window) -> Due {
    let width = window.bucket.width();
    let keep = Span::One.keep(window);
    let end = |bucket: i32| bounds(bucket, width).1;
    let has_left = |bucket: u32| edge.has_left(end(bucket.cast_signed()), keep);
    loop {
        let first = entered_end(part);
        let Some(record) = part.get(first..first + STRIDE) else { break };
        let (bucket, identity) = (record[0].cast_signed(), whole(&record[1..]));
        if !edge.has_entered(bounds(bucket, width).0) {
            break;
        }
        part.remove(first..first + STRIDE);
        enter(part, identity, bucket);
    }
    let mut first = oldest(part);
    if first.is_some_and(|bucket| edge.has_left(end(bucket), keep)) {
        let entered = part[ENTERED] as usize;
        let (mut seen, mut kept) = (0, 0);
        part.retain(HEAD, STRIDE, |record| {
            seen += 1;
            let stays = seen > entered || !has_left(record[2]);
            kept += u32::from(stays && seen <= entered);
            stays
        });
        part[ENTERED] = kept;
        if overflow(part).is_some() && has_left(part[OVERFLOW]) {
            part[OVERFLOW] = NONE.cast_unsigned();
        }
        first = oldest(part);
    }
    let mut due = Due::NEVER;
    if let Some(oldest) = first {
        due = due.sooner(edge.leaves(end(oldest), keep));
    }
    if let Some(bucket) = part.get(entered_end(part)) {
        due = due.sooner(edge.enters(bounds(bucket.cast_signed(), width).0));
    }
    part[UNSETTLED] = 0;
    due
}

/// Writes the stored form.
pub(crate) fn write(part: &[u32], to: &mut Writer<'_>) {
    let (seen, waiting) = part[HEAD..].split_at(STRIDE * part[ENTERED] as usize);
    to.len(seen.len() / STRIDE);
    for record in seen.chunks_exact(STRIDE) {
        to.fixed(whole(record));
        to.i64(i64::from(record[2].cast_signed()));
    }
    to.len(waiting.len() / STRIDE);
    for record in waiting.chunks_exact(STRIDE) {
        to.i64(i64::from(record[0].cast_signed()));
        to.fixed(whole(&record[1..]));
    }
    to.opt(overflow(part).map(i64::from));
}

/// The word of a bucket's number, which is that of an hour or a day: those of 30,000 years, so that what is worked out
/// with it does not overflow.
pub(crate) fn read_bucket(value: i64) -> Result<u32, Damaged> {
    let bucket = i32::try_from(value).ok().filter(|bucket| bucket.unsigned_abs() <= 1 << 28);
    bucket.map(i32::cast_unsigned).ok_or(Damaged("bucket out of range"))
}

/// Reads the stored form into the words of a part.
pub(crate) fn read(from: &mut Reader<'_>, words: &mut Vec<u32>) -> Result<(), Damaged> {
    let start = words.len();
    words.extend(NEW);
    words[start + UNSETTLED] = 1;
    let len = from.len()?;
    words[start + ENTERED] = u32::try_from(len).map_err(|_| Damaged("too many identities"))?;
    let mut last = None;
    for _ in 0..len {
        let identity = from.fixed()?;
        if last.replace(identity).is_some_and(|last| last >= identity) {
            return Err(Damaged("identities out of order"));
        }
        let [high, low] = halves(identity);
        words.extend([high, low, read_bucket(from.i64()?)?]);
    }
    let mut last = None;
    let waiting = from.len()?;
    if len + waiting > CEILING {
        return Err(Damaged("too many identities"));
    }
    for _ in 0..waiting {
        let bucket = read_bucket(from.i64()?)?;
        let identity = from.fixed()?;
        if last
            .replace((bucket.cast_signed(), identity))
            .is_some_and(|l| l >= (bucket.cast_signed(), identity))
        {
            return Err(Damaged("identities out of order"));
        }
        let [high, low] = halves(identity);
        words.extend([bucket, high, low]);
    }
    if let Some(bucket) = from.opt()? {
        words[start + OVERFLOW] = read_bucket(bucket)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn an_identity_is_found_where_it_belongs_however_identities_lie(
            even in proptest::collection::btree_set(any::<u64>(), 0..200),
            close in proptest::collection::btree_set(0_u64..300, 0..100),
            base in prop_oneof![Just(0), Just(u64::MAX - 300), any::<u64>().prop_map(|base| base / 2)],
            others in proptest::collection::vec(any::<u64>(), 8),
        ) {
            let all: BTreeSet<u64> = even.into_iter().chain(close.into_iter().map(|low| base + low)).collect();
            let records: Vec<u32> =
                all.iter().flat_map(|identity| [halves(*identity)[0], halves(*identity)[1], 0]).collect();
            for wanted in all.iter().copied().chain((0..300).map(|low| base + low)).chain(others) {
                let place = all.range(..wanted).count();
                prop_assert_eq!(find(&records, wanted), (place, all.contains(&wanted)));
            }
        }
    }
}
