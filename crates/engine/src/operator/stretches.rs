//! Distinct identities over a window and over several before it: of each identity, which buckets hold it.
//!
//! An activity costs a search where its bucket is not before the oldest of the window; one that comes before it, or enters
//! or leaves, costs one pass over the records. Beyond the ceiling the numbers are unknown until the bucket of the pair that
//! found no place has left all windows.
//!
//! Words of the part: identities in the window; the sum of those of each window before of which the average is taken; how
//! many these are; 1 if these must be counted anew; the newest bucket of a pair that found no place (or `NONE`); the oldest
//! bucket of the window, and the first that has not entered ([`i32::MAX`] if there is none). Then records, ascending by
//! identity and stretch: upper half, lower half, number of a stretch of 32 buckets since the epoch, those that hold the
//! identity as bits, the first the lowest.

use super::average::{averaged, moves_back, per_cent_of_average, windows_back};
use super::bucket::{bounds, bucket_of};
use super::distinct::{halves, read_bucket, whole};
use crate::bytes::{Damaged, Reader, Writer};
use crate::now::{Due, Edge};
use crate::parts::{Part, partition};
use model::number::SCALE;
use model::plan::{MOST_RECORDS, MOST_WINDOWS, STRETCH, Window};

const CURRENT: usize = 0;
const BEFORE: usize = 1;
const AVERAGED: usize = 2;
const UNSETTLED: usize = 3;
const OVERFLOW: usize = 4;
const OLDEST: usize = 5;
const WAITING: usize = 6;
const HEAD: usize = 7;
const STRIDE: usize = 4;

/// Windows of which an account is told: the present one and those before.
const MOST: usize = MOST_WINDOWS as usize + 1;
/// No bucket.
const NONE: i32 = i32::MIN;

/// The words of a part that holds nothing.
pub(crate) const NEW: [u32; HEAD] =
    [0, 0, 0, 0, NONE.cast_unsigned(), i32::MAX.cast_unsigned(), i32::MAX.cast_unsigned()];

const fn first_of(record: &[u32]) -> i32 {
    record[2].cast_signed().saturating_mul(STRETCH)
}

fn overflow(part: &[u32]) -> Option<i32> {
    Some(part[OVERFLOW].cast_signed()).filter(|bucket| *bucket != NONE)
}

/// The bits of a record for the buckets in `from..to`.
fn within(record: &[u32], from: i32, to: i32) -> u32 {
    let first = i64::from(first_of(record));
    let below = |bucket: i32| (1_u64 << (i64::from(bucket) - first).clamp(0, i64::from(STRETCH))) - 1;
    u32::try_from(u64::from(record[3]) & below(to) & !below(from)).unwrap_or(0)
}

/// Adds an identity in a bucket that has not left. Returns whether it found a place.
pub(crate) fn add(part: &mut Part<'_>, identity: u64, time: i64, window: Window, edge: &Edge<'_>) -> bool {
    let bucket = bucket_of(time, window.bucket);
    let (stretch, bit) = (bucket.div_euclid(STRETCH), 1 << bucket.rem_euclid(STRETCH));
    let [high, low] = halves(identity);
    let key = |record: &[u32]| (record[0], record[1], record[2].cast_signed());
    let at = partition(part, HEAD, STRIDE, |record| key(record) < (high, low, stretch));
    if at < part.len() && key(&part[at..]) == (high, low, stretch) {
        if part[at + 3] & bit != 0 {
            return true;
        }
        part[at + 3] |= bit;
    } else {
        if (part.len() - HEAD) / STRIDE >= MOST_RECORDS as usize {
            part[OVERFLOW] = part[OVERFLOW].cast_signed().max(bucket).cast_unsigned();
            part[UNSETTLED] = 1;
            return false;
        }
        part.insert(at, &[high, low, stretch.cast_unsigned(), bit]);
    }
    let (oldest, waiting) = (part[OLDEST].cast_signed(), part[WAITING].cast_signed());
    let has_entered = edge.has_entered(bounds(bucket, window.bucket.width()).0);
    if has_entered && (oldest..waiting).contains(&bucket) {
        // Another of the window leaves no later, so this one changes nothing of what is known to be due.
        part[CURRENT] += u32::from(buckets_of(part, at, oldest, waiting) == 1);
    } else if has_entered || bucket < waiting {
        part[UNSETTLED] = 1;
    }
    true
}

/// How many buckets of `from..to` hold the identity of the record at `at`.
fn buckets_of(part: &[u32], at: usize, from: i32, to: i32) -> u32 {
    let (before, after) = part[HEAD..].as_chunks::<STRIDE>().0.split_at((at - HEAD) / STRIDE);
    let identity = whole(&part[at..]);
    let is_in = |record: &&[u32; STRIDE]| {
        whole(*record) == identity && first_of(*record).saturating_add(STRETCH) > from
    };
    let records = before.iter().rev().take_while(is_in).chain(after.iter().take_while(is_in));
    records.map(|record| within(record, from, to).count_ones()).sum()
}

pub(crate) const fn is_unsettled(part: &[u32]) -> bool {
    part[UNSETTLED] != 0
}

/// The identities of the window in per cent of the average of those before; `None` while some found no place.
pub(crate) fn value(part: &[u32]) -> Option<i64> {
    let number = |at: usize| i64::from(part[at]);
    let value = || per_cent_of_average(number(CURRENT) * SCALE, number(BEFORE) * SCALE, number(AVERAGED));
    overflow(part).is_none().then(value).flatten()
}

/// First and last + 1 bucket that is held.
fn extent(part: &[u32]) -> (i32, i32) {
    part[HEAD..].as_chunks::<STRIDE>().0.iter().fold((i32::MAX, NONE), |(least, most), record| {
        let first = first_of(record);
        let (low, high) = (record[3].trailing_zeros(), STRETCH.cast_unsigned() - record[3].leading_zeros());
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
    let counted = count(&part[HEAD..], &starts[..=usize::from(windows)], entered);
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
    let waiting = waiting.min().unwrap_or(i32::MAX);
    if waiting != i32::MAX {
        due = due.sooner(edge.enters(bounds(waiting, width).0));
    }
    let furthest = counted.oldest.into_iter().rposition(|oldest| oldest != i32::MAX).unwrap_or(0);
    let averaged = usize::try_from(averaged(furthest as i64, windows)).unwrap_or(0);
    part[CURRENT] = counted.identities[0];
    part[BEFORE] = counted.identities[1..=averaged].iter().sum();
    part[AVERAGED] = u32::try_from(averaged).unwrap_or(0);
    part[OLDEST] = counted.oldest[0].cast_unsigned();
    part[WAITING] = waiting.cast_unsigned();
    part[UNSETTLED] = 0;
    due
}

/// What the windows hold, the present one first.
struct Counted {
    identities: [u32; MOST],
    /// The oldest bucket of each window; [`i32::MAX`] for none.
    oldest: [i32; MOST],
}

/// Counts the windows that begin at `starts` and end where the one after them begins, the present one at `entered`.
fn count(records: &[u32], starts: &[i32], entered: i32) -> Counted {
    let mut counted = Counted { identities: [0; MOST], oldest: [i32::MAX; MOST] };
    // The windows that hold the identity at hand, a bit each.
    let (mut identity, mut seen) = (None, 0_u64);
    for record in records.as_chunks::<STRIDE>().0 {
        if identity.replace(whole(record)) != Some(whole(record)) {
            seen = 0;
        }
        // Of many windows a record is in a few.
        let newest = first_of(record).saturating_add(STRETCH - 1);
        let first = starts.partition_point(|start| *start > newest);
        for (place, from) in starts.iter().enumerate().skip(first) {
            let to = if place == 0 { entered } else { starts[place - 1] };
            let bits = within(record, *from, to);
            if bits != 0 {
                counted.identities[place] += u32::from(seen & 1 << place == 0);
                seen |= 1 << place;
                let first = first_of(record).saturating_add_unsigned(bits.trailing_zeros());
                counted.oldest[place] = counted.oldest[place].min(first);
            }
            if *from <= first_of(record) {
                break;
            }
        }
    }
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
    if len > MOST_RECORDS as usize {
        return Err(Damaged("too many stretches"));
    }
    let mut last = None;
    for _ in 0..len {
        let identity = from.fixed()?;
        let stretch = from.i64()?;
        read_bucket(stretch.saturating_mul(STRETCH.into()))?;
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
        let most = u64::from(MOST_RECORDS);
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
    fn nothing_is_counted_anew_for_whoever_comes_again_or_first_in_the_window() {
        let mut alone = Alone::new(USUAL);
        told(&mut alone, 0, 0..10);
        told(&mut alone, 4, 0..20);
        assert_eq!(alone.at(4 * HOUR), Some(200 * SCALE));
        for (hour, users, value) in [(4, 15..30, 300), (5, 0..30, 300), (6, 25..40, 800)] {
            alone.at(hour * HOUR);
            told(&mut alone, hour, users);
            assert_eq!((alone.is_unsettled(), alone.seen()), (false, Some(value * SCALE)), "hour {hour}");
            assert_eq!(alone.at(hour * HOUR), Some(value * SCALE), "hour {hour}");
        }
        // Before all others of the window, and ahead of the clock.
        for hour in [3, 9] {
            told(&mut alone, hour, 50..51);
            assert!(alone.is_unsettled(), "hour {hour}");
            alone.at(6 * HOUR);
        }
        told(&mut alone, 10, 60..61);
        assert!(!alone.is_unsettled(), "what enters first is known");
    }

    #[test]
    fn what_is_counted_as_it_comes_is_what_is_counted_anew() {
        let mut alone = Alone::new(USUAL);
        let (mut seed, mut kept) = (1_u64, 0);
        let mut below = |limit: u64| {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (seed >> 33) % limit
        };
        for step in 0..4_000 {
            let now = step * 4 * MINUTE;
            alone.at(now);
            let hour = now / HOUR + i64::try_from(below(9)).unwrap() - 7;
            let user = below(12);
            told(&mut alone, hour, user..user + 1);
            kept += u32::from(!alone.is_unsettled());
            let seen = alone.seen();
            assert_eq!(seen, alone.at(now), "hour {hour}, user {user} at {step}");
        }
        assert!(kept > 1_000, "{kept}");
    }

    #[test]
    fn what_is_stored_is_read_as_it_was() {
        let mut parts = crate::parts::Parts::new(&[u32::try_from(HEAD).unwrap()]);
        parts.get_mut(0).copy_from_slice(&NEW);
        let window = Window { width: 3 * HOUR, bucket: model::plan::Bucket::Hour };
        let clock = crate::clock::Clock::default();
        let rules = model::plan::SourceRules::default();
        let edge = Edge { clock: &clock, now: crate::now::SourceNow::default(), rules: &rules, spread: 0 };
        for (identity, hour) in [(7, -40), (7, 3), (9, 31), (9, 32), (u64::MAX, 0), (7, 4)] {
            assert!(add(&mut parts.part(0), identity, hour * HOUR, window, &edge));
        }
        let (mut bytes, mut words) = (Vec::new(), Vec::new());
        write(parts.get(0), &mut Writer(&mut bytes));
        assert_eq!(read(&mut Reader(&bytes), &mut words), Ok(()));
        assert_eq!(words[HEAD..], parts.get(0)[HEAD..]);
        assert_eq!(extent(&words), (-40, 33));
    }
}
