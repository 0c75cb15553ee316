//! Distinct identities over a window and over several before it: of each identity, which buckets hold it.
//!
//! An activity whose identity and bucket are there already costs a search; a new pair costs one pass. Beyond the ceiling
//! the numbers are unknown until the bucket of the pair that found no place has left all windows.
//!
//! Words of the part: identities in the window; the sum of those of each window before; how many windows back the oldest
//! bucket is; 1 if these must be counted anew; the newest bucket of a pair that found no place (or `NONE`). Then
//! records, ascending by identity and stretch: upper half, lower half, number of a stretch of 32 buckets since the epoch,
//! those that hold the identity as bits, the first the lowest.

use super::average::{moves_back, per_cent_of_average, windows_back};
use super::bucket::{bounds, bucket_of};
use super::distinct::{CEILING, halves, read_bucket, whole};
use crate::bytes::{Damaged, Reader, Writer};
use crate::now::{Due, Edge};
use crate::parts::{Part, partition};
use model::number::SCALE;
use model::plan::{MOST_WINDOWS, Window};

const CURRENT: usize = 0;
const BEFORE: usize = 1;
const BACK: usize = 2;
const UNSETTLED: usize = 3;
const OVERFLOW: usize = 4;
const HEAD: usize = 5;
const STRIDE: usize = 4;

/// Buckets of a stretch.
const BUCKETS: i32 = 32;
/// Windows of which an account is told: the present one and those before.
const MOST: usize = MOST_WINDOWS as usize + 1;
/// No bucket.
const NONE: i32 = i32::MIN;

/// The words of a part that holds nothing.
pub(crate) const NEW: [u32; HEAD] = [0, 0, 0, 0, NONE.cast_unsigned()];

const fn first_of(record: &[u32]) -> i32 {
    record[2].cast_signed().saturating_mul(BUCKETS)
}

fn overflow(part: &[u32]) -> Option<i32> {
    Some(part[OVERFLOW].cast_signed()).filter(|bucket| *bucket != NONE)
}

/// The bits of a record for the buckets in `from..to`.
fn within(record: &[u32], from: i32, to: i32) -> u32 {
    let first = i64::from(first_of(record));
    let below = |bucket: i32| (1_u64 << (i64::from(bucket) - first).clamp(0, i64::from(BUCKETS))) - 1;
    u32::try_from(u64::from(record[3]) & below(to) & !below(from)).unwrap_or(0)
}

/// Adds an identity in a bucket that has not left. Returns whether it found a place.
pub(crate) fn add(part: &mut Part<'_>, identity: u64, time: i64, window: Window) -> bool {
    let bucket = bucket_of(time, window.bucket);
    let (stretch, bit) = (bucket.div_euclid(BUCKETS), 1 << bucket.rem_euclid(BUCKETS));
    let [high, low] = halves(identity);
    let key = |record: &[u32]| (record[0], record[1], record[2].cast_signed());
    let at = partition(part, HEAD, STRIDE, |record| key(record) < (high, low, stretch));
    if at < part.len() && key(&part[at..]) == (high, low, stretch) {
        part[UNSETTLED] |= u32::from(part[at + 3] & bit == 0);
        part[at + 3] |= bit;
        return true;
    }
    part[UNSETTLED] = 1;
    if (part.len() - HEAD) / STRIDE >= 4 * CEILING {
        part[OVERFLOW] = part[OVERFLOW].cast_signed().max(bucket).cast_unsigned();
        return false;
    }
    part.insert(at, &[high, low, stretch.cast_unsigned(), bit]);
    true
}

pub(crate) const fn is_unsettled(part: &[u32]) -> bool {
    part[UNSETTLED] != 0
}

/// The identities of the window in per cent of the average of those before; `None` while some found no place.
pub(crate) fn value(part: &[u32]) -> Option<i64> {
    let number = |at: usize| i64::from(part[at]);
    let value = || per_cent_of_average(number(CURRENT) * SCALE, number(BEFORE) * SCALE, number(BACK));
    overflow(part).is_none().then(value).flatten()
}

/// First and last + 1 bucket that is held.
fn extent(part: &[u32]) -> (i32, i32) {
    part[HEAD..].as_chunks::<STRIDE>().0.iter().fold((i32::MAX, NONE), |(least, most), record| {
        let first = first_of(record);
        let (low, high) = (record[3].trailing_zeros(), BUCKETS.cast_unsigned() - record[3].leading_zeros());
        (least.min(first.saturating_add_unsigned(low)), most.max(first.saturating_add_unsigned(high)))
    })
}

/// The first bucket of `from..to` of which `is_before` does not hold; it holds of all before one of which it does.
fn split(mut from: i32, mut to: i32, is_before: impl Fn(i32) -> bool) -> i32 {
    while from < to {
        let middle = from + (to - from) / 2;
        if is_before(middle) { from = middle + 1 } else { to = middle }
    }
    from
}

/// Lets enter and leave what has, and says when that next changes. `windows`: how many there are before the present one.
pub(crate) fn settle(part: &mut Part<'_>, edge: &Edge<'_>, window: Window, windows: u8) -> Due {
    let width = window.bucket.width();
    let end = |bucket: i32| bounds(bucket, width).1;
    let back = |bucket: i32| windows_back(end(bucket), window, edge);
    if overflow(part).is_some_and(|bucket| back(bucket) > i64::from(windows)) {
        part[OVERFLOW] = NONE.cast_unsigned();
    }
    let (first, last) = extent(part);
    let kept = split(first, last, |bucket| back(bucket) > i64::from(windows));
    if first < kept {
        for record in part[HEAD..].as_chunks_mut::<STRIDE>().0 {
            record[3] = within(record, kept, i32::MAX);
        }
        part.retain(HEAD, STRIDE, |record| record[3] != 0);
    }
    let entered = split(first, last, |bucket| edge.has_entered(bounds(bucket, width).0));
    // The first bucket of each window, the present one first; each ends where the one after it begins.
    let mut starts = [kept; MOST];
    let mut to = last;
    for (place, start) in (0..).zip(&mut starts[..usize::from(windows)]) {
        *start = split(kept, to, |bucket| back(bucket) > place);
        to = *start;
    }
    let window_of = |place: usize| (starts[place], if place == 0 { entered } else { starts[place - 1] });
    let counted = count(&part[HEAD..], usize::from(windows) + 1, window_of);
    let mut due = Due::NEVER;
    for oldest in counted.oldest.into_iter().filter(|oldest| *oldest != i32::MAX) {
        due = due.sooner(moves_back(end(oldest), window, edge));
    }
    if let Some(bucket) = overflow(part) {
        due = due.sooner(edge.leaves(end(bucket), (1 + i64::from(windows)) * window.width - width));
    }
    let waiting = part[HEAD..].as_chunks::<STRIDE>().0.iter().filter_map(|record| {
        let bits = within(record, entered, i32::MAX);
        (bits != 0).then(|| first_of(record).saturating_add_unsigned(bits.trailing_zeros()))
    });
    if let Some(bucket) = waiting.min() {
        due = due.sooner(edge.enters(bounds(bucket, width).0));
    }
    let oldest = counted.oldest.into_iter().min().filter(|oldest| *oldest != i32::MAX);
    part[CURRENT] = counted.current;
    part[BEFORE] = counted.before;
    part[BACK] = oldest.map_or(0, |oldest| u32::try_from(back(oldest)).unwrap_or(0));
    part[UNSETTLED] = 0;
    due
}

/// What the windows hold.
struct Counted {
    current: u32,
    before: u32,
    /// The oldest bucket of each window; [`i32::MAX`] for none.
    oldest: [i32; MOST],
}

fn count(records: &[u32], windows: usize, window_of: impl Fn(usize) -> (i32, i32)) -> Counted {
    let mut counted = Counted { current: 0, before: 0, oldest: [i32::MAX; MOST] };
    // The windows that hold the identity at hand, a bit each.
    let (mut identity, mut seen) = (None, 0_u64);
    let add = |seen: u64, counted: &mut Counted| {
        counted.current += u32::from(seen & 1 != 0);
        counted.before += (seen >> 1).count_ones();
    };
    for record in records.as_chunks::<STRIDE>().0 {
        if identity.replace(whole(record)) != Some(whole(record)) {
            add(std::mem::take(&mut seen), &mut counted);
        }
        for place in 0..windows {
            let (from, to) = window_of(place);
            let bits = within(record, from, to);
            if bits != 0 {
                seen |= 1 << place;
                let first = first_of(record).saturating_add_unsigned(bits.trailing_zeros());
                counted.oldest[place] = counted.oldest[place].min(first);
            }
        }
    }
    add(seen, &mut counted);
    counted
}

/// Writes the stored form.
pub(crate) fn write(part: &[u32], to: &mut Writer<'_>) {
    let records = part[HEAD..].as_chunks::<STRIDE>().0;
    to.len(records.len());
    for record in records {
        to.fixed(whole(record));
        to.i64(i64::from(record[2].cast_signed()));
        to.u64(u64::from(record[3]));
    }
    to.opt(overflow(part).map(i64::from));
}

/// Reads the stored form into the words of a part.
pub(crate) fn read(from: &mut Reader<'_>, words: &mut Vec<u32>) -> Result<(), Damaged> {
    let start = words.len();
    words.extend(NEW);
    words[start + UNSETTLED] = 1;
    let len = from.len()?;
    if len > 4 * CEILING {
        return Err(Damaged("too many stretches"));
    }
    let mut last = None;
    for _ in 0..len {
        let identity = from.fixed()?;
        let stretch = from.i64()?;
        read_bucket(stretch.saturating_mul(BUCKETS.into()))?;
        let stretch = read_bucket(stretch)?;
        let place = (identity, stretch.cast_signed());
        if last.replace(place).is_some_and(|last| last >= place) {
            return Err(Damaged("stretches out of order"));
        }
        let bits = from.u32()?;
        if bits == 0 {
            return Err(Damaged("a stretch that holds nothing"));
        }
        let [high, low] = halves(identity);
        words.extend([high, low, stretch, bits]);
    }
    if let Some(bucket) = from.opt()? {
        words[start + OVERFLOW] = read_bucket(bucket)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::tests::Alone;
    use super::*;
    use crate::activity::Value::Key;
    use model::source::Field::User;
    use model::time::{HOUR, MINUTE};

    const USUAL: &str = "{ trend: users, against: own-average, over: 6h }, users: { distinct: user, from: feature-usage, over: 3h }";

    fn told(alone: &mut Alone, hour: i64, users: std::ops::Range<u64>) {
        // Fingerprints are spread evenly.
        users.for_each(|user| {
            alone.tell(hour * HOUR, &[(User, Key(user.wrapping_mul(0x9e37_79b9_7f4a_7c15)))])
        });
    }

    #[test]
    fn beyond_the_ceiling_it_is_unknown_until_what_found_no_place_has_left() {
        let mut alone = Alone::new(USUAL);
        let most = 4 * CEILING as u64;
        told(&mut alone, 0, 0..10);
        assert_eq!(alone.at(4 * HOUR), Some(0));
        told(&mut alone, 4, 0..most);
        assert_eq!(alone.at(4 * HOUR), Some(100 * SCALE * 1_638 + 40 * SCALE));
        let full = alone.words();
        told(&mut alone, 4, most..most + 1_000);
        assert_eq!((alone.at(4 * HOUR), alone.words()), (None, full));
        assert_eq!(alone.at(13 * HOUR - 6 * MINUTE), None);
        told(&mut alone, 12, 0..5);
        told(&mut alone, 15, 0..4);
        assert_eq!(alone.at(15 * HOUR), Some(80 * SCALE));
        assert!(alone.words() < 100);
    }

    #[test]
    fn what_is_stored_is_read_as_it_was() {
        let mut parts = crate::parts::Parts::new(&[u32::try_from(HEAD).unwrap()]);
        parts.get_mut(0).copy_from_slice(&NEW);
        let window = Window { width: 3 * HOUR, bucket: model::plan::Bucket::Hour };
        for (identity, hour) in [(7, -40), (7, 3), (9, 31), (9, 32), (u64::MAX, 0), (7, 4)] {
            assert!(add(&mut parts.part(0), identity, hour * HOUR, window));
        }
        let (mut bytes, mut words) = (Vec::new(), Vec::new());
        write(parts.get(0), &mut Writer(&mut bytes));
        assert_eq!(read(&mut Reader(&bytes), &mut words), Ok(()));
        assert_eq!(words, parts.get(0));
        assert_eq!(extent(&words), (-40, 33));
    }
}
