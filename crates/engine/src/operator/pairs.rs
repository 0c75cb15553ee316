//! Distinct identities over a window and over the one before it, for a trend.
//!
//! An identity of the present window may or may not have been in the previous one, so its buckets are kept as
//! pairs. An activity whose pair is there already costs a search; a new pair costs one pass.
//!
//! Words of the part: identities in the window, and in the previous one; 1 if these must be counted anew; the newest
//! bucket of a pair that found no place (or `NONE`). Then the pairs, ascending: bucket, upper half, lower half.

use super::bucket::{Span, bounds, bucket_of};
use super::distinct::{halves, read_bucket, whole};
use crate::bytes::{Damaged, Reader, Writer};
use crate::now::{Due, Edge};
use crate::parts::{Part, partition};
use model::plan::{MOST_RECORDS, Window};

const CURRENT: usize = 0;
const BEFORE: usize = 1;
const UNSETTLED: usize = 2;
const OVERFLOW: usize = 3;
const HEAD: usize = 4;
const STRIDE: usize = 3;

/// No bucket.
const NONE: i32 = i32::MIN;

/// The words of a part that holds nothing.
pub(crate) const NEW: [u32; HEAD] = [0, 0, 0, NONE.cast_unsigned()];

const fn bucket(record: &[u32]) -> i32 {
    record[0].cast_signed()
}

fn overflow(part: &[u32]) -> Option<i32> {
    Some(part[OVERFLOW].cast_signed()).filter(|bucket| *bucket != NONE)
}

/// Adds an identity in a bucket that has not left. Returns whether it found a place.
pub(crate) fn add(part: &mut Part<'_>, identity: u64, time: i64, window: Window) -> bool {
    let wanted = bucket_of(time, window.bucket);
    let [high, low] = halves(identity);
    let record = [wanted.cast_unsigned(), high, low];
    let key = |record: &[u32]| (bucket(record), record[1], record[2]);
    let at = partition(part, HEAD, STRIDE, |other| key(other) < key(&record));
    if part.get(at..at + STRIDE) == Some(&record) {
        return true;
    }
    part[UNSETTLED] = 1;
    if (part.len() - HEAD) / STRIDE >= MOST_RECORDS as usize {
        part[OVERFLOW] = part[OVERFLOW].cast_signed().max(wanted).cast_unsigned();
        return false;
    }
    part.insert(at, &record);
    true
}

pub(crate) const fn is_unsettled(part: &[u32]) -> bool {
    part[UNSETTLED] != 0
}

/// Distinct identities in the window and in the one before; `None` while some found no place.
pub(crate) fn counts(part: &[u32]) -> Option<(u64, u64)> {
    overflow(part).is_none().then_some((u64::from(part[CURRENT]), u64::from(part[BEFORE])))
}

/// Lets enter and leave what has, and says when that next changes.
pub(crate) fn settle(part: &mut Part<'_>, edge: &Edge<'_>, window: Window) -> Due {
    let width = window.bucket.width();
    let end = |bucket: i32| bounds(bucket, width).1;
    let left = |bucket: i32, span: Span| edge.has_left(end(bucket), span.keep(window));
    let gone = partition(part, HEAD, STRIDE, |record| left(bucket(record), Span::Two));
    part.remove(HEAD..gone);
    if overflow(part).is_some_and(|bucket| left(bucket, Span::Two)) {
        part[OVERFLOW] = NONE.cast_unsigned();
    }
    let previous = partition(part, HEAD, STRIDE, |record| left(bucket(record), Span::One));
    let entered = partition(part, HEAD, STRIDE, |record| edge.has_entered(bounds(bucket(record), width).0));
    let entered = entered.max(previous);
    part[BEFORE] = distinct(&part[HEAD..previous]);
    part[CURRENT] = distinct(&part[previous..entered]);
    part[UNSETTLED] = 0;
    let mut due = Due::NEVER;
    if previous < entered {
        due = due.sooner(edge.leaves(end(bucket(&part[previous..])), Span::One.keep(window)));
    }
    let oldest = (previous > HEAD).then(|| bucket(&part[HEAD..]));
    for bucket in oldest.into_iter().chain(overflow(part)) {
        due = due.sooner(edge.leaves(end(bucket), Span::Two.keep(window)));
    }
    if entered < part.len() {
        due = due.sooner(edge.enters(bounds(bucket(&part[entered..]), width).0));
    }
    due
}

fn distinct(pairs: &[u32]) -> u32 {
    let mut identities: Vec<u64> = pairs.chunks_exact(STRIDE).map(|pair| whole(&pair[1..])).collect();
    identities.sort_unstable();
    identities.dedup();
    u32::try_from(identities.len()).unwrap_or(u32::MAX)
}

/// Writes the stored form.
pub(crate) fn write(part: &[u32], to: &mut Writer<'_>) {
    let pairs = part[HEAD..].chunks_exact(STRIDE);
    to.len(pairs.len());
    for pair in pairs {
        to.i64(i64::from(bucket(pair)));
        to.fixed(whole(&pair[1..]));
    }
    to.opt(overflow(part).map(i64::from));
}

/// Reads the stored form into the words of a part.
pub(crate) fn read(from: &mut Reader<'_>, words: &mut Vec<u32>) -> Result<(), Damaged> {
    let start = words.len();
    words.extend(NEW);
    words[start + UNSETTLED] = 1;
    let len = from.len()?;
    if len > MOST_RECORDS as usize {
        return Err(Damaged("too many pairs"));
    }
    let mut last = None;
    for _ in 0..len {
        let bucket = read_bucket(from.i64()?)?;
        let identity = from.fixed()?;
        if last
            .replace((bucket.cast_signed(), identity))
            .is_some_and(|l| l >= (bucket.cast_signed(), identity))
        {
            return Err(Damaged("pairs out of order"));
        }
        let [high, low] = halves(identity);
        words.extend([bucket, high, low]);
    }
    if let Some(bucket) = from.opt()? {
        words[start + OVERFLOW] = read_bucket(bucket)?;
    }
    Ok(())
}
