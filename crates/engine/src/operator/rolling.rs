//! What a rolling signal comes to, of the totals of its window.

use super::bucket::{Span, Total, is_held};
use super::nps;
use crate::activity::Activity;
use model::number::{SCALE, scale_round};
use model::plan::{Fold, Operator};

/// What an activity adds to a rolling number; `None` if it does not count.
pub(super) fn number(fold: Fold, activity: &Activity<'_>) -> Option<i64> {
    match fold {
        Fold::Count | Fold::CountDays | Fold::Distinct(_) => Some(0),
        Fold::Sum(field) | Fold::Mean(field) => activity.fields.number(field).map(|number| number.0),
        Fold::Nps => nps::points(activity),
    }
}

pub(super) fn rolling(fold: Fold, total: Total, min_base: u32) -> Option<i64> {
    if total.count < min_base {
        return None;
    }
    // A sum at the end of its range is not known.
    let sum = Some(total.sum).filter(|sum| !is_held(*sum));
    match fold {
        Fold::Count => Some(micros(u64::from(total.count))),
        Fold::CountDays => Some(micros(u64::from(total.buckets))),
        Fold::Sum(_) => sum,
        Fold::Mean(_) | Fold::Nps if total.count == 0 => None,
        Fold::Mean(_) | Fold::Nps => sum.map(|sum| scale_round(sum, 1, i64::from(total.count))),
        Fold::Distinct(_) => None,
    }
}

/// The least number of activities of a window, and how many windows back the operator looks.
pub(super) const fn windows(operator: &Operator) -> (u32, Span) {
    if let Operator::Rolling { min_base, .. } = operator { (*min_base, Span::One) } else { (0, Span::Two) }
}

/// What the window comes to, or per cent of it in the one before.
pub(super) fn windowed(
    fold: Fold,
    (current, before): (Total, Total),
    min_base: u32,
    span: Span,
) -> Option<i64> {
    let now = rolling(fold, current, min_base);
    match span {
        Span::One => now,
        Span::Two | Span::Many(_) => per_cent(now, rolling(fold, before, 0), 1),
    }
}

pub(super) fn micros(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(SCALE)
}

pub(super) fn whole(count: usize) -> i64 {
    micros(count as u64)
}

pub(super) fn per_cent(part: Option<i64>, whole: Option<i64>, at_least: i64) -> Option<i64> {
    let whole = whole.filter(|whole| *whole >= at_least && *whole > 0)?;
    Some(scale_round(part?, 100 * SCALE, whole))
}
