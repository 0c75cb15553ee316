//! The event-time days that hold an activity, of a rolling window and of the one before it.
//!
//! Cost: an activity on a day that is there already costs a search among stretches of 32 days, of which a window has
//! one or two. Nothing depends on the order in which activities arrive.
//!
//! Words of the part: 1 if the days must be counted anew; days in the window, and in the previous one. Then the
//! stretches that hold any, ascending: number of the stretch since the epoch, its days as bits, the first the lowest.

use super::bucket::{Span, Total, bucket_of};
use super::distinct::read_bucket;
use crate::bytes::{Damaged, Reader, Writer};
use crate::now::{Due, Edge};
use crate::parts::{Part, partition};
use model::plan::{Bucket, Window};

const UNSETTLED: usize = 0;
const CURRENT: usize = 1;
const BEFORE: usize = 2;
const HEAD: usize = 3;
const STRIDE: usize = 2;

/// Days of a stretch.
const DAYS: i32 = 32;

/// The words of a part that holds nothing.
pub(crate) const NEW: [u32; HEAD] = [0; HEAD];

const fn stretch(record: &[u32]) -> i32 {
    record[0].cast_signed()
}

/// Where a day belongs: the number of its stretch, and its bit.
const fn place_of(day: i32) -> (i32, u32) {
    (day.div_euclid(DAYS), 1 << day.rem_euclid(DAYS))
}

/// First and last + 1 instant of a day.
fn bounds_of(day: i64) -> (i64, i64) {
    let width = Bucket::Day.width();
    (day * width, (day + 1) * width)
}

/// Adds a day that the caller knows not to have left.
pub(crate) fn add(part: &mut Part<'_>, time: i64) {
    let (wanted, bit) = place_of(bucket_of(time, Bucket::Day));
    let at = partition(part, HEAD, STRIDE, |record| stretch(record) < wanted);
    if at < part.len() && stretch(&part[at..]) == wanted {
        part[UNSETTLED] |= u32::from(part[at + 1] & bit == 0);
        part[at + 1] |= bit;
    } else {
        part.insert(at, &[wanted.cast_unsigned(), bit]);
        part[UNSETTLED] = 1;
    }
}

pub(crate) const fn is_unsettled(part: &[u32]) -> bool {
    part[UNSETTLED] != 0
}

/// How many days the window and the one before it hold.
pub(crate) fn totals(part: &[u32]) -> (Total, Total) {
    let of = |buckets| Total { buckets, ..Total::default() };
    (of(part[CURRENT]), of(part[BEFORE]))
}

/// Its stretches with the bits of those days that lie in `from..to`.
fn within(part: &[u32], from: i64, to: i64) -> impl Iterator<Item = (i64, u32)> {
    part[HEAD..].as_chunks::<STRIDE>().0.iter().map(move |record| {
        let first = i64::from(stretch(record)) * i64::from(DAYS);
        let below = |day: i64| (1_u64 << day.saturating_sub(first).clamp(0, i64::from(DAYS))) - 1;
        let bits = u64::from(record[1]) & below(to) & !below(from);
        (first, u32::try_from(bits).unwrap_or(0))
    })
}

/// How many days it holds in `from..to`.
fn count(part: &[u32], from: i64, to: i64) -> u32 {
    within(part, from, to).map(|(_, bits)| bits.count_ones()).sum()
}

/// The first day that it holds from `from` on.
fn first(part: &[u32], from: i64) -> Option<i64> {
    let mut held = within(part, from, i64::MAX).filter(|(_, bits)| *bits != 0);
    held.next().map(|(first, bits)| first + i64::from(bits.trailing_zeros()))
}

/// A day such that `is_before` holds of those below it that are held, and of no other. It holds of a day only if it
/// holds of all before it.
fn split(part: &[u32], is_before: impl Fn(i64) -> bool) -> i64 {
    let last = |record: &[u32]| i64::from(stretch(record)) * i64::from(DAYS) + i64::from(DAYS) - 1;
    let at = partition(part, HEAD, STRIDE, |record| is_before(last(record)));
    let Some(record) = part.get(at..at + STRIDE) else { return i64::MAX };
    let (mut low, mut high) = (last(record) - i64::from(DAYS) + 1, last(record));
    while low < high {
        // Not the midpoint, which is rounded towards zero: before 1970 that would be the end.
        let middle = low + (high - low) / 2;
        if is_before(middle) { low = middle + 1 } else { high = middle }
    }
    low
}

/// Sorts the days into windows as of the edge, and says when that next changes.
pub(crate) fn settle(part: &mut Part<'_>, edge: &Edge<'_>, window: Window, span: Span) -> Due {
    let left = |day: i64, span: Span| edge.has_left(bounds_of(day).1, span.keep(window));
    let kept = split(part, |day| left(day, span));
    let gone = partition(part, HEAD, STRIDE, |record| {
        (i64::from(stretch(record)) + 1).saturating_mul(i64::from(DAYS)) <= kept
    });
    part.remove(HEAD..gone);
    let rest = within(part, kept, i64::MAX).next().map(|(_, bits)| bits);
    match rest {
        Some(0) => part.remove(HEAD..HEAD + STRIDE),
        Some(bits) => part[HEAD + 1] = bits,
        None => {}
    }
    let previous = match span {
        Span::One => i64::MIN,
        Span::Two | Span::Many(_) => split(part, |day| left(day, Span::One)),
    };
    let entered = split(part, |day| edge.has_entered(bounds_of(day).0)).max(previous);
    part[CURRENT] = count(part, previous, entered);
    part[BEFORE] = count(part, i64::MIN, previous);
    part[UNSETTLED] = 0;
    let mut due = Due::NEVER;
    if let Some(day) = first(part, previous).filter(|day| *day < entered) {
        due = due.sooner(edge.leaves(bounds_of(day).1, Span::One.keep(window)));
    }
    if let Some(day) = first(part, i64::MIN).filter(|day| *day < previous) {
        due = due.sooner(edge.leaves(bounds_of(day).1, span.keep(window)));
    }
    if let Some(day) = first(part, entered) {
        due = due.sooner(edge.enters(bounds_of(day).0));
    }
    due
}

/// The oldest day that is held.
pub(crate) fn oldest(part: &[u32]) -> Option<i32> {
    first(part, i64::MIN).and_then(|day| i32::try_from(day).ok())
}

/// What the days at the front come to of which `is_before` holds, and the first after them. It holds of a day only if it
/// holds of all before it.
pub(crate) fn front(part: &[u32], is_before: impl Fn(i32) -> bool) -> (Total, Option<i32>) {
    let number = |day: i64| i32::try_from(day).unwrap_or(i32::MAX);
    let at = split(part, |day| is_before(number(day)));
    (Total { buckets: count(part, i64::MIN, at), ..Total::default() }, first(part, at).map(number))
}

/// All days that it holds, ascending.
fn days(part: &[u32]) -> impl Iterator<Item = i64> {
    within(part, i64::MIN, i64::MAX).flat_map(|(first, bits)| {
        (0..i64::from(DAYS)).filter(move |day| bits & 1 << day != 0).map(move |day| first + day)
    })
}

/// Writes the stored form.
pub(crate) fn write(part: &[u32], to: &mut Writer<'_>) {
    to.len(days(part).count());
    let mut last = 0;
    for day in days(part) {
        to.i64(day - last);
        last = day;
    }
}

/// Reads the stored form into the words of a part.
pub(crate) fn read(from: &mut Reader<'_>, words: &mut Vec<u32>) -> Result<(), Damaged> {
    let start = words.len();
    words.extend(NEW);
    words[start + UNSETTLED] = 1;
    let mut last = None;
    for _ in 0..from.len()? {
        let next = last.map_or(0, i64::from).wrapping_add(from.i64()?);
        let day = read_bucket(next)?.cast_signed();
        if last.replace(day).is_some_and(|last| last >= day) {
            return Err(Damaged("days out of order"));
        }
        let (wanted, bit) = place_of(day);
        match words[start + HEAD..].as_chunks_mut::<STRIDE>().0.last_mut() {
            Some(record) if stretch(record) == wanted => record[1] |= bit,
            _ => words.extend([wanted.cast_unsigned(), bit]),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::Parts;
    use model::time::DAY;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn days_behave_like_a_set(held in proptest::collection::vec(-200_i64..200, 0..60), from in -210_i64..210, to in -210_i64..210) {
            let mut parts = Parts::new(&[3]);
            held.iter().for_each(|day| add(&mut parts.part(0), day * DAY + 7));
            let set: BTreeSet<i64> = held.into_iter().collect();
            let part = parts.get(0);
            prop_assert!(days(part).eq(set.iter().copied()));
            prop_assert_eq!(first(part, from), set.range(from..).next().copied());
            if from <= to {
                prop_assert_eq!(count(part, from, to) as usize, set.range(from..to).count());
            }
            let at = split(part, |day| day < from);
            prop_assert_eq!(count(part, i64::MIN, at) as usize, set.range(..from).count());
            let (mut bytes, mut words) = (Vec::new(), Vec::new());
            write(part, &mut Writer(&mut bytes));
            prop_assert_eq!(read(&mut Reader(&bytes), &mut words), Ok(()));
            prop_assert_eq!(&words[HEAD..], &part[HEAD..]);
        }
    }
}
