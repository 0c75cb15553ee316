//! Event-time buckets of a rolling window and of the one before it, with running totals.
//!
//! Cost: an activity in a bucket that is there already costs a search; a bucket that enters or leaves,
//! or comes before another, costs one pass over the buckets. Nothing depends on the order in which activities arrive.
//!
//! Words of the part: how many buckets at the front belong to the previous window; how many at the end have not
//! entered ([`UNSETTLED`]: totals must be taken anew); activities in the window, and in the previous one; where sums
//! are asked for: those of the window and of the previous one. Then the buckets, ascending: start in widths since
//! the epoch, number of activities, sum.

use super::distinct::read_bucket;
use crate::bytes::{Damaged, Reader, Writer};
use crate::now::{Due, Edge};
use crate::parts::{Part, number, partition, set_number, split};
use model::plan::{Bucket, Window};
use model::time::{DAY, HOUR};

const PREVIOUS: usize = 0;
const WAITING: usize = 1;
const COUNT: usize = 2;
const COUNT_BEFORE: usize = 3;
const SUM: usize = 4;
const SUM_BEFORE: usize = 6;

/// Marks totals that are out of date though no due instant was reached.
const UNSETTLED: u32 = u32::MAX;

/// How many windows back buckets are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Span {
    /// The window.
    One,
    /// The window and the one before it.
    Two,
    /// The window and so many before it.
    Many(u8),
}

impl Span {
    /// By how much the kept stretch is wider than a bucket.
    pub(crate) const fn keep(self, window: Window) -> i64 {
        let width = match self {
            Self::One => window.width,
            Self::Two => 2 * window.width,
            Self::Many(before) => (1 + before as i64) * window.width,
        };
        width - window.bucket.width()
    }
}

/// The number of the bucket of an instant.
pub(crate) fn bucket_of(time: i64, bucket: Bucket) -> i32 {
    // Division by what is known when this is compiled is many times as fast.
    let number = match bucket {
        Bucket::Hour => time.div_euclid(HOUR),
        Bucket::Day => time.div_euclid(DAY),
    };
    i32::try_from(number).unwrap_or(i32::MAX)
}

/// First and last + 1 instant of a bucket.
pub(crate) fn bounds(bucket: i32, width: i64) -> (i64, i64) {
    let start = i64::from(bucket) * width;
    (start, start + width)
}

/// What a window, or the one before it, comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Total {
    pub(crate) count: u32,
    pub(crate) buckets: u32,
    /// Held at the ends of its range; 0 where no sums are asked for.
    pub(crate) sum: i64,
}

impl Total {
    /// What is left of it without a part.
    pub(crate) const fn without(self, part: Self) -> Self {
        Self {
            count: self.count.saturating_sub(part.count),
            buckets: self.buckets.saturating_sub(part.buckets),
            sum: if is_held(self.sum) { self.sum } else { self.sum.saturating_sub(part.sum) },
        }
    }
}

/// What is kept of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keep {
    /// Numbers of activities.
    Counts,
    /// Numbers of activities, and sums.
    Sums,
}

impl Keep {
    /// Words before the first bucket: those of a part that holds none, but for [`WAITING`].
    pub(crate) const fn head(self) -> usize {
        match self {
            Self::Counts => 4,
            Self::Sums => 8,
        }
    }

    const fn stride(self) -> usize {
        match self {
            Self::Counts => 2,
            Self::Sums => 4,
        }
    }
}

const fn bucket(record: &[u32]) -> i32 {
    record[0].cast_signed()
}

fn word(value: usize) -> u32 {
    u32::try_from(value).unwrap_or(u32::MAX)
}

/// What an activity adds to its bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Added {
    /// To the number of activities.
    pub(crate) count: u32,
    /// To the sum, where sums are kept.
    pub(crate) amount: i64,
}

impl Added {
    /// An activity with an amount.
    #[inline]
    pub(crate) const fn one(amount: i64) -> Self {
        Self { count: 1, amount }
    }
}

/// Adds an activity, which the caller knows not to have left.
pub(crate) fn add(part: &mut Part<'_>, keep: Keep, time: i64, added: Added, window: Window, edge: &Edge<'_>) {
    let (head, stride) = (keep.head(), keep.stride());
    let wanted = bucket_of(time, window.bucket);
    let words: &mut [u32] = part;
    // Mostly it is the newest bucket, or one after it.
    let at = match words.len().checked_sub(stride).filter(|at| *at >= head) {
        Some(last) if bucket(&words[last..]) < wanted => words.len(),
        Some(last) if bucket(&words[last..]) == wanted => last,
        _ => partition(words, head, stride, |record| bucket(record) < wanted),
    };
    let place = (at - head) / stride;
    let before = place < words[PREVIOUS] as usize;
    match words.get_mut(at..at + stride) {
        Some(record) if bucket(record) == wanted => {
            record[1] = record[1].saturating_add(added.count);
            if keep == Keep::Sums {
                set_number(record, 2, plus(number(record, 2), added.amount));
            }
            if words[WAITING] != UNSETTLED && (before || at < words.len() - words[WAITING] as usize * stride)
            {
                count_in(words, keep, before, added);
            }
        }
        _ => {
            // One that comes after all others, into a window that has some: it changes nothing of what is known to be
            // due.
            let follows = at == words.len() && words[WAITING] == 0 && place > words[PREVIOUS] as usize;
            let [low, high] = split(added.amount);
            part.insert(at, &[wanted.cast_unsigned(), added.count, low, high][..stride]);
            if follows && edge.has_entered(bounds(wanted, window.bucket.width()).0) {
                count_in(part, keep, before, added);
            } else {
                part[WAITING] = UNSETTLED;
            }
        }
    }
}

/// Adds an activity to what the window, or the one before it, comes to.
fn count_in(words: &mut [u32], keep: Keep, before: bool, added: Added) {
    let (count, sum) = if before { (COUNT_BEFORE, SUM_BEFORE) } else { (COUNT, SUM) };
    words[count] = words[count].saturating_add(added.count);
    if keep == Keep::Sums {
        match number(words, sum).checked_add(added.amount) {
            Some(total) if !is_held(number(words, sum)) && !is_held(total) => set_number(words, sum, total),
            // Totals are a function of the buckets, which alone are stored.
            _ => words[WAITING] = UNSETTLED,
        }
    }
}

/// Whether a sum reached an end of its range: what it would be is not known.
pub(crate) const fn is_held(sum: i64) -> bool {
    matches!(sum, i64::MIN | i64::MAX)
}

/// A sum and what is added; at an end of its range it stays there.
const fn plus(sum: i64, added: i64) -> i64 {
    if is_held(sum) {
        sum
    } else if is_held(added) {
        added
    } else {
        sum.saturating_add(added)
    }
}

/// Whether the totals must be taken anew though no due instant was reached.
pub(crate) const fn is_unsettled(part: &[u32]) -> bool {
    part[WAITING] == UNSETTLED
}

/// What the window and the one before it come to.
pub(crate) fn totals(part: &[u32], keep: Keep) -> (Total, Total) {
    let buckets = word((part.len() - keep.head()) / keep.stride());
    let sum = |at: usize| if keep == Keep::Sums { number(part, at) } else { 0 };
    let current =
        Total { count: part[COUNT], buckets: buckets - part[PREVIOUS] - part[WAITING], sum: sum(SUM) };
    let before = Total { count: part[COUNT_BEFORE], buckets: part[PREVIOUS], sum: sum(SUM_BEFORE) };
    (current, before)
}

/// The oldest bucket that is held.
pub(crate) fn oldest(part: &[u32], keep: Keep) -> Option<i32> {
    part.get(keep.head()..).filter(|records| !records.is_empty()).map(bucket)
}

/// What the buckets at the front come to of which `is_before` holds, and the first after them. It holds of a bucket only
/// if it holds of all before it.
pub(crate) fn front(part: &[u32], keep: Keep, is_before: impl Fn(i32) -> bool) -> (Total, Option<i32>) {
    let (head, stride) = (keep.head(), keep.stride());
    let at = partition(part, head, stride, |record| is_before(bucket(record)));
    (total(&part[head..at], keep), part.get(at).map(|bucket| bucket.cast_signed()))
}

/// What buckets come to.
fn total(records: &[u32], keep: Keep) -> Total {
    let mut total = Total::default();
    for record in records.chunks_exact(keep.stride()) {
        total.count = total.count.saturating_add(record[1]);
        total.buckets += 1;
        if keep == Keep::Sums {
            total.sum = plus(total.sum, number(record, 2));
        }
    }
    total
}

/// The buckets of the window, ascending: number, activities, sum. Where sums are kept and the buckets are sorted.
pub(crate) fn held(part: &[u32]) -> impl DoubleEndedIterator<Item = (i32, u32, i64)> {
    let (head, stride) = (Keep::Sums.head(), Keep::Sums.stride());
    let from = head + part[PREVIOUS] as usize * stride;
    let to = part.len() - part[WAITING] as usize * stride;
    part[from..to].chunks_exact(stride).map(|record| (bucket(record), record[1], number(record, 2)))
}

/// Sorts the buckets into windows as of the edge, and says when that next changes.
pub(crate) fn settle(part: &mut Part<'_>, keep: Keep, edge: &Edge<'_>, window: Window, span: Span) -> Due {
    let (head, stride, width) = (keep.head(), keep.stride(), window.bucket.width());
    let end = |record: &[u32]| bounds(bucket(record), width).1;
    let left = |record: &[u32], span: Span| edge.has_left(end(record), span.keep(window));
    let gone = partition(part, head, stride, |record| left(record, span));
    part.remove(head..gone);
    let previous = match span {
        Span::One => head,
        Span::Two | Span::Many(_) => partition(part, head, stride, |record| left(record, Span::One)),
    };
    let has_entered = |record: &[u32]| edge.has_entered(bounds(bucket(record), width).0);
    let len = part.len();
    // Mostly all have entered, which the newest tells.
    let all = len == head || has_entered(&part[len - stride..]);
    let entered = if all { len } else { partition(part, head, stride, has_entered) };
    let entered = entered.max(previous);
    for (range, count, sum) in [(head..previous, COUNT_BEFORE, SUM_BEFORE), (previous..entered, COUNT, SUM)] {
        let total = total(&part[range], keep);
        if keep == Keep::Sums {
            set_number(part, sum, total.sum);
        }
        part[count] = total.count;
    }
    part[PREVIOUS] = word((previous - head) / stride);
    part[WAITING] = word((len - entered) / stride);
    let mut due = Due::NEVER;
    if previous < entered {
        due = due.sooner(edge.leaves(end(&part[previous..]), Span::One.keep(window)));
    }
    if previous > head {
        due = due.sooner(edge.leaves(end(&part[head..]), span.keep(window)));
    }
    if entered < len {
        due = due.sooner(edge.enters(bounds(bucket(&part[entered..]), width).0));
    }
    due
}

/// Writes the stored form: buckets only.
pub(crate) fn write(part: &[u32], keep: Keep, to: &mut Writer<'_>) {
    let records = part[keep.head()..].chunks_exact(keep.stride());
    to.len(records.len());
    let mut last = 0_i64;
    for record in records {
        to.i64(i64::from(bucket(record)) - last);
        to.u64(u64::from(record[1]));
        if keep == Keep::Sums {
            to.i64(number(record, 2));
        }
        last = i64::from(bucket(record));
    }
}

/// Reads the stored form into the words of a part. `least`: the fewest activities that a bucket is there for.
pub(crate) fn read(
    keep: Keep,
    least: u32,
    from: &mut Reader<'_>,
    words: &mut Vec<u32>,
) -> Result<(), Damaged> {
    let start = words.len();
    words.resize(start + keep.head(), 0);
    words[start + WAITING] = UNSETTLED;
    let mut last = None;
    for _ in 0..from.len()? {
        let next = last.map_or(0, i64::from).wrapping_add(from.i64()?);
        let bucket = read_bucket(next)?.cast_signed();
        if last.is_some_and(|last| last >= bucket) {
            return Err(Damaged("buckets out of order"));
        }
        last = Some(bucket);
        words.push(bucket.cast_unsigned());
        let count = from.u32()?;
        if count < least {
            return Err(Damaged("a bucket that holds nothing"));
        }
        words.push(count);
        if keep == Keep::Sums {
            words.extend(split(from.i64()?));
        }
    }
    Ok(())
}
