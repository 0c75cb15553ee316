//! Which values a signal, and the score, can take: an interval that holds them all.
//!
//! It may be too wide, never too narrow, so that what lies outside of it is proved to be out of reach. What a field may
//! hold is taken as the contract has it: any number. Beyond the days of its window, `count_days` may by a minute of skew
//! show one more; where dead time stretches a window, no limit is known.

use crate::number::SCALE;
use crate::plan::{Bucket, Feed, Fold, Measure, Operator, Plan, WHOLE, Window, WordTest};
use crate::source::Field;
use crate::time::{DAY, HOUR};

/// 100 % in the scale of a percentage.
const ALL: i64 = 100 * SCALE;

/// An interval of values in the scale of what they are of; both ends are in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reach {
    /// The least; `i64::MIN` if none is known.
    pub(super) low: i64,
    /// The greatest; `i64::MAX` if none is known.
    pub(super) high: i64,
    /// Every value is a multiple of this.
    pub(super) step: i64,
}

impl Reach {
    /// Any number.
    pub(super) const ANY: Self = Self { low: i64::MIN, high: i64::MAX, step: 1 };

    const fn from(low: i64) -> Self {
        Self { low, ..Self::ANY }
    }

    const fn between(low: i64, high: i64) -> Self {
        Self { low, high, step: 1 }
    }

    /// Whole things.
    const fn whole(low: i64, high: Option<i64>) -> Self {
        let high = match high {
            Some(high) => high.saturating_mul(SCALE),
            None => i64::MAX,
        };
        Self { low: low * SCALE, high, step: SCALE }
    }
}

/// The values that a signal can take while it is known.
pub(super) fn of_signal(plan: &Plan, signal: usize) -> Reach {
    let Some(operator) = plan.signals.get(signal).map(|signal| &signal.operator) else { return Reach::ANY };
    match operator {
        Operator::Rolling { feed, fold, window, min_base } => rolling(plan, feed, *fold, *window, *min_base),
        Operator::Share { feed, part, whole, .. } => {
            let is_part = whole.iter().all(|test| is_narrower(part, test) || is_narrower(&feed.filter, test));
            if is_part { Reach::between(0, ALL) } else { Reach::from(0) }
        }
        Operator::Trend { fold, .. } | Operator::OwnAverage { fold, .. } => match fold {
            Fold::Sum(_) | Fold::Mean(_) | Fold::Nps => Reach::ANY,
            Fold::Count | Fold::CountDays | Fold::Distinct(_) => Reach::from(0),
        },
        Operator::Ratio { part, whole, .. } => ratio(plan, *part, *whole),
        Operator::SinceLast { .. } | Operator::Cadence { .. } | Operator::Until { .. } => Reach::from(0),
        Operator::Open { .. } | Operator::Overdue => Reach::whole(0, None),
        Operator::Reached => Reach::between(0, ALL),
        // A gap takes no value, so whatever holds all of its values holds.
        Operator::DecayedMean { .. } | Operator::Latest { .. } | Operator::GapTo => Reach::ANY,
    }
}

fn rolling(plan: &Plan, feed: &Feed, fold: Fold, window: Window, min_base: u32) -> Reach {
    // With a base, it is known only once something is there.
    let some = i64::from(min_base > 0);
    match fold {
        Fold::Count => Reach::whole(i64::from(min_base), None),
        Fold::CountDays => {
            let lives_always =
                plan.sources.get(feed.source.index()).is_some_and(|rules| rules.silent_at_most.is_none());
            // A minute of skew before midnight shows the next day beside all of the window's.
            Reach::whole(some, lives_always.then_some(window.width / DAY + 1))
        }
        Fold::Distinct(field) => Reach::whole(some, words(feed, field)),
        Fold::Nps => Reach::between(-ALL, ALL),
        Fold::Sum(_) | Fold::Mean(_) => Reach::ANY,
    }
}

/// How many words a field can hold among what a feed lets pass.
fn words(feed: &Feed, field: Field) -> Option<i64> {
    let tested = feed.filter.iter().find(|test| test.field == field).map(|test| test.any_of.len());
    let known = tested.or_else(|| feed.source.words(field).map(<[&str]>::len))?;
    i64::try_from(known).ok()
}

fn ratio(plan: &Plan, part: usize, whole: usize) -> Reach {
    if part == whole {
        return Reach::between(ALL, ALL);
    }
    let of = |signal: usize| plan.signals.get(signal).map(|signal| &signal.operator);
    if let (
        Some(Operator::Rolling { feed: a, fold: of_a, window: in_a, .. }),
        Some(Operator::Rolling { feed: b, fold: of_b, window: in_b, .. }),
    ) = (of(part), of(whole))
        && matches!(of_a, Fold::Count | Fold::CountDays | Fold::Distinct(_))
        && of_a == of_b
        && a.source == b.source
        && b.filter.iter().all(|test| is_narrower(&a.filter, test))
        && lies_within(*in_a, *in_b)
    {
        return Reach::between(0, ALL);
    }
    if of_signal(plan, part).low >= 0 { Reach::from(0) } else { Reach::ANY }
}

/// Whether what passes `tests` passes `test` too.
pub(super) fn is_narrower(tests: &[WordTest], test: &WordTest) -> bool {
    let same = tests.iter().filter(|narrow| narrow.field == test.field);
    same.clone().any(|narrow| narrow.any_of.iter().all(|word| test.any_of.contains(word)))
}

/// Whether one window never holds what the other has let go of.
fn lies_within(one: Window, other: Window) -> bool {
    match (one.bucket, other.bucket) {
        (Bucket::Hour, Bucket::Hour) | (Bucket::Day, Bucket::Day) => one.width <= other.width,
        // A day leaves as a whole: at its first instant the window holds a day less one bucket less than its width.
        (Bucket::Hour, Bucket::Day) => one.width + DAY - HOUR <= other.width,
        (Bucket::Day, Bucket::Hour) => false,
    }
}

/// The points that a curve gives over a reach: the least and the most.
pub(super) fn points(curve: &crate::plan::Curve, reach: Reach) -> (u32, u32) {
    let inner = curve.0.iter().filter(|(x, _)| (reach.low..=reach.high).contains(x)).map(|(_, y)| *y);
    let ends = [reach.low, reach.high].map(|x| curve.points(clamped(curve, x)));
    let all = inner.chain(ends);
    (all.clone().min().unwrap_or(0), all.max().unwrap_or(WHOLE))
}

/// A value that gives the same points and is no further out than the curve.
fn clamped(curve: &crate::plan::Curve, x: i64) -> i64 {
    match (curve.0.first(), curve.0.last()) {
        (Some((low, _)), Some((high, _))) => x.clamp(*low, *high),
        _ => x,
    }
}

/// The scores that an account can have, in hundredths of a point.
///
/// A score is a mean of the points of its measures, each rounded by itself, and no more than a cap.
pub(super) fn of_score(plan: &Plan) -> Reach {
    // One of the least weight has all of it where the others are unknown.
    let counts = |measure: &&Measure| {
        let goal = plan.goals.get(measure.goal);
        measure.in_score && measure.weight > 0 && goal.is_some_and(|goal| goal.weight > 0)
    };
    let scored: Vec<(u32, u32)> = plan
        .measures
        .iter()
        .filter(counts)
        .map(|measure| points(&measure.curve, of_signal(plan, measure.signal)))
        .collect();
    let slack = u32::try_from(scored.len()).unwrap_or(WHOLE);
    let caps = plan.caps.iter().map(|cap| cap.score_at_most);
    let low = scored.iter().map(|(low, _)| low.saturating_sub(slack)).chain(caps).min().unwrap_or(0);
    let high = scored.iter().map(|(_, high)| (high + slack).min(WHOLE)).max().unwrap_or(WHOLE);
    Reach::between(i64::from(low), i64::from(high))
}
