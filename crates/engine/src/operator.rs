//! The state of each operator, as the words of a part; the definitions stand in `model::operator`.
//!
//! What each keeps per account, and what it costs: rolling count, sum, mean and the trend of one: 8 bytes (with
//! sums 16) per bucket with activity, one search per activity; share: the same as a
//! sum; decayed mean: the same, but read over its buckets at each activity; count_days: 8 bytes per 32 days; distinct: 12 bytes per identity; trend of distinct:
//! 12 bytes per identity and bucket; trend against the own average: 8 bytes (with sums 16) per bucket with activity, of
//! distinct: 16 bytes per identity and 32 buckets; latest, until: one value; since_last, cadence: one instant; open: 48 bytes per
//! ticket; reached, overdue: 56 bytes per milestone, shared; ratio, gap_to: nothing.

mod average;
pub(crate) mod bucket;
mod cadence;
mod days;
pub mod distinct;
mod layout;
mod mean;
pub mod milestone;
pub(crate) mod newest;
mod nps;
pub mod open;
pub(crate) mod order;
mod pairs;
mod rolling;
mod share;
mod since_last;
mod stretches;
mod until;

use crate::account::UNKNOWN;
use crate::activity::{Activity, Value};
use crate::now::{Due, Edge};
use crate::parts::{Part, Parts, number as number_at, set_number};
use average::Past;
use bucket::{Added, Keep, Span, bounds, bucket_of};
pub(crate) use layout::Layout;
use layout::keep;
use milestone::Milestones;
use model::plan::{Bucket, Feed, Fold, Operator, Window, WordTest};
use order::Order;
use rolling::{micros, number, per_cent, rolling, whole, windowed, windows};
use share::Filters;

/// The value of a signal, and when it may next change without input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// [`UNKNOWN`] where there is none.
    pub(crate) value: i64,
    pub(crate) due: Due,
}

impl Reading {
    fn of(value: Option<i64>, due: Due) -> Self {
        Self { value: value.unwrap_or(UNKNOWN), due }
    }
}

/// Whether an activity passes a filter. The source was compared before.
fn passes(filter: &[WordTest], activity: &Activity<'_>) -> bool {
    filter.iter().all(|test| {
        activity
            .fields
            .word(test.field)
            .is_some_and(|word| test.any_of.iter().any(|accepted| accepted == word))
    })
}

/// Whether a signal takes in only some activities of its source.
pub(crate) fn is_filtered(operator: &Operator) -> bool {
    matches!(operator, Operator::Share { .. }) || feed(operator).is_some_and(|feed| !feed.filter.is_empty())
}

/// Whether a signal takes in an activity of its source.
pub(crate) fn takes_in(operator: &Operator, activity: &Activity<'_>) -> bool {
    let is_fed = feed(operator).is_none_or(|feed| passes(&feed.filter, activity));
    match operator {
        Operator::Share { part, whole, .. } => is_fed && Filters { part, whole }.take_in(activity),
        Operator::Rolling { .. }
        | Operator::DecayedMean { .. }
        | Operator::Trend { .. }
        | Operator::OwnAverage { .. }
        | Operator::Latest { .. }
        | Operator::Ratio { .. }
        | Operator::SinceLast { .. }
        | Operator::Cadence { .. }
        | Operator::Open { .. }
        | Operator::Until { .. }
        | Operator::Reached
        | Operator::Overdue
        | Operator::GapTo => is_fed,
    }
}

/// The feed of a signal that takes in activities by itself.
pub(crate) const fn feed(operator: &Operator) -> Option<&Feed> {
    match operator {
        Operator::Rolling { feed, .. }
        | Operator::DecayedMean { feed, .. }
        | Operator::Share { feed, .. }
        | Operator::Trend { feed, .. }
        | Operator::OwnAverage { feed, .. }
        | Operator::Latest { feed, .. }
        | Operator::SinceLast { feed, .. }
        | Operator::Cadence { feed, .. }
        | Operator::Until { feed, .. } => Some(feed),
        Operator::Ratio { .. }
        | Operator::Open { .. }
        | Operator::Reached
        | Operator::Overdue
        | Operator::GapTo => None,
    }
}

/// Of a window: its buckets, and by how much what the signal keeps is wider than one, ms. `None` for what has no
/// window.
pub(crate) fn kept(operator: &Operator) -> Option<(Bucket, i64)> {
    let (window, span) = match operator {
        Operator::Rolling { window, .. }
        | Operator::DecayedMean { window, .. }
        | Operator::Share { window, .. } => (*window, Span::One),
        Operator::Trend { window, .. } => (*window, Span::Two),
        Operator::OwnAverage { window, windows, .. } => (*window, Span::Many(*windows)),
        Operator::Latest { .. }
        | Operator::Ratio { .. }
        | Operator::SinceLast { .. }
        | Operator::Cadence { .. }
        | Operator::Open { .. }
        | Operator::Until { .. }
        | Operator::Reached
        | Operator::Overdue
        | Operator::GapTo => return None,
    };
    Some((window.bucket, span.keep(window)))
}

/// Whether the bucket of `time` has left all that a signal of this width keeps.
pub(crate) fn is_late((bucket, keep): (Bucket, i64), time: i64, edge: &Edge<'_>) -> bool {
    edge.has_left(bounds(bucket_of(time, bucket), bucket.width()).1, keep)
}

/// The living time over which a signal looks back: how long its source's dead time must be remembered.
pub(crate) fn memory(operator: &Operator) -> i64 {
    match operator {
        Operator::Rolling { window, .. }
        | Operator::DecayedMean { window, .. }
        | Operator::Share { window, .. } => window.width,
        Operator::Trend { window, .. } => 2 * window.width,
        Operator::OwnAverage { window, windows, .. } => (1 + i64::from(*windows)) * window.width,
        Operator::SinceLast { marks, .. } => marks.last().copied().unwrap_or(0),
        Operator::Cadence { every, marks, .. } => every + marks.last().copied().unwrap_or(0),
        Operator::Latest { expires, .. } => expires.unwrap_or(0),
        Operator::Ratio { .. }
        | Operator::Open { .. }
        | Operator::Until { .. }
        | Operator::Reached
        | Operator::Overdue
        | Operator::GapTo => 0,
    }
}

/// For how much living time the signal of a new definition stays unknown; `None` for what has no window.
pub(crate) fn blind(operator: &Operator) -> Option<i64> {
    kept(operator)?;
    let memory = memory(operator);
    if let Operator::DecayedMean { weights, .. } = operator {
        // After so long what is missing would weigh less than an eighth.
        let days = i64::try_from(weights.len()).unwrap_or(i64::MAX);
        return Some(days.saturating_mul(3 * Bucket::Day.width()).min(memory));
    }
    Some(memory)
}

/// Takes in an activity that passed the feed, into the parts that begin at `at`. Returns whether there was a place
/// for it.
pub(crate) fn observe(
    operator: &Operator,
    parts: &mut Parts,
    at: usize,
    activity: &Activity<'_>,
    edge: &Edge<'_>,
) -> bool {
    let time = activity.time.0;
    match operator {
        Operator::Rolling { fold: Fold::Distinct(field), window, min_base, .. } => {
            let Some(identity) = activity.fields.identity(*field) else { return true };
            if *min_base > 0 {
                bucket::add(&mut parts.part(at + 1), Keep::Counts, time, Added::one(0), *window, edge);
            }
            distinct::add(&mut parts.part(at), identity, time, edge, *window)
        }
        Operator::Trend { fold: Fold::Distinct(field), window, .. } => activity
            .fields
            .identity(*field)
            .is_none_or(|identity| pairs::add(&mut parts.part(at), identity, time, *window)),
        Operator::OwnAverage { fold: Fold::Distinct(field), window, .. } => activity
            .fields
            .identity(*field)
            .is_none_or(|identity| stretches::add(&mut parts.part(at), identity, time, *window, edge)),
        Operator::Rolling { fold, window, .. }
        | Operator::Trend { fold, window, .. }
        | Operator::OwnAverage { fold, window, .. } => {
            let (min_base, _) = windows(operator);
            match (number(*fold, activity), keep(*fold, min_base)) {
                (None, _) => {}
                (Some(_), None) => days::add(&mut parts.part(at), time),
                (Some(amount), Some(keep)) => {
                    bucket::add(&mut parts.part(at), keep, time, Added::one(amount), *window, edge);
                }
            }
            true
        }
        Operator::DecayedMean { field, window, .. } => {
            if let Some(number) = activity.fields.number(*field) {
                bucket::add(&mut parts.part(at), Keep::Sums, time, Added::one(number.0), *window, edge);
            }
            true
        }
        Operator::Share { part, whole, window, .. } => {
            Filters { part, whole }.add(&mut parts.part(at), activity, *window, edge);
            true
        }
        Operator::Latest { field, .. } | Operator::Until { field, .. } => {
            let value = match activity.fields.get(*field) {
                Some(Value::Number(number)) => number.0,
                Some(Value::Time(instant)) => instant.0,
                _ => return true,
            };
            newest::take(parts.get_mut(at), Order::of(activity), value);
            true
        }
        Operator::SinceLast { .. } | Operator::Cadence { .. } => {
            let part = parts.get_mut(at);
            if time > number_at(part, 0) {
                set_number(part, 0, time);
            }
            true
        }
        Operator::Open { priority } => open::observe(&mut parts.part(at), activity, priority, edge.now.at),
        Operator::Ratio { .. } | Operator::Reached | Operator::Overdue | Operator::GapTo => true,
    }
}

/// The value of a signal whose parts begin at `at` and that took something in, where it waits for nothing that it did
/// not wait for before. `None` if it must be read.
pub(crate) fn glance(operator: &Operator, parts: &Parts, at: usize) -> Option<i64> {
    let part = parts.get(at);
    let value = match operator {
        Operator::Rolling { fold: Fold::Distinct(_), min_base: 0, .. } => {
            if distinct::is_unsettled(part) {
                return None;
            }
            distinct::count(part).map(whole)
        }
        Operator::Rolling { fold, .. } | Operator::Trend { fold, .. }
            if !matches!(fold, Fold::Distinct(_)) =>
        {
            let (min_base, span) = windows(operator);
            let keep = keep(*fold, min_base);
            if is_unsettled(part, keep) {
                return None;
            }
            windowed(*fold, totals(part, keep), min_base, span)
        }
        Operator::DecayedMean { .. } | Operator::Share { .. } if bucket::is_unsettled(part) => return None,
        Operator::DecayedMean { weights, min_base, .. } => mean::decayed(part, weights, *min_base),
        Operator::Share { min_base, .. } => share::value(bucket::totals(part, Keep::Sums).0, *min_base),
        Operator::Latest { expires: None, .. } => newest::get(part),
        Operator::Open { priority } => open::count(part, priority.is_empty()).map(whole),
        Operator::Rolling { .. }
        | Operator::Trend { .. }
        | Operator::OwnAverage { .. }
        | Operator::Latest { .. }
        | Operator::Ratio { .. }
        | Operator::SinceLast { .. }
        | Operator::Cadence { .. }
        | Operator::Until { .. }
        | Operator::Reached
        | Operator::Overdue
        | Operator::GapTo => return None,
    };
    Some(value.unwrap_or(UNKNOWN))
}

/// Reads a signal, whose parts begin at `at`, as of the edge.
///
/// `is_due`: whether an instant at which it changes may have come since it was last read. If not, buckets are sorted
/// anew only where one is new, and of what was known to be due before nothing is said again.
pub(crate) fn read(
    operator: &Operator,
    parts: &mut Parts,
    at: usize,
    edge: &Edge<'_>,
    milestones: Option<&Milestones>,
    is_due: bool,
) -> Reading {
    match operator {
        Operator::Rolling { fold: Fold::Distinct(_), window, min_base, .. } => {
            let counted = *min_base > 0;
            let unsettled =
                distinct::is_unsettled(parts.get(at)) || counted && bucket::is_unsettled(parts.get(at + 1));
            let mut next = Due::NEVER;
            if is_due || unsettled {
                next = distinct::settle(&mut parts.part(at), edge, *window);
                if counted {
                    let counts = &mut parts.part(at + 1);
                    next = next.sooner(bucket::settle(counts, Keep::Counts, edge, *window, Span::One));
                }
            }
            let enough = !counted || bucket::totals(parts.get(at + 1), Keep::Counts).0.count >= *min_base;
            Reading::of(distinct::count(parts.get(at)).filter(|_| enough).map(whole), next)
        }
        Operator::Trend { fold: Fold::Distinct(_), window, .. } => {
            let mut next = Due::NEVER;
            if is_due || pairs::is_unsettled(parts.get(at)) {
                next = pairs::settle(&mut parts.part(at), edge, *window);
            }
            let counts = pairs::counts(parts.get(at)).map(|(now, before)| (micros(now), micros(before)));
            Reading::of(counts.and_then(|(now, before)| per_cent(Some(now), Some(before), 1)), next)
        }
        Operator::OwnAverage { fold: Fold::Distinct(_), window, windows, .. } => {
            let mut next = Due::NEVER;
            if is_due || stretches::is_unsettled(parts.get(at)) {
                next = stretches::settle(&mut parts.part(at), edge, *window, *windows);
            }
            Reading::of(stretches::value(parts.get(at)), next)
        }
        Operator::OwnAverage { fold, window, windows, .. } => {
            let (keep, span) = (keep(*fold, 0), Span::Many(*windows));
            let mut next = Due::NEVER;
            let is_counted = is_due || is_unsettled(parts.get(at), keep);
            if is_counted {
                next = settle(&mut parts.part(at), keep, edge, *window, span);
            }
            let part = parts.get(at);
            let Some(past) = Past::of(part, keep, (*window, *windows), edge) else {
                return Reading::of(None, next);
            };
            if is_counted {
                next = next.sooner(past.moves(*window, edge));
            }
            let (now, before) = totals(part, keep);
            let [now, before] = [now, before.without(past.left_out)].map(|total| rolling(*fold, total, 0));
            let value = now.zip(before);
            let value =
                value.and_then(|(now, before)| average::per_cent_of_average(now, before, past.averaged));
            Reading::of(value, next)
        }
        Operator::Rolling { fold, window, .. } | Operator::Trend { fold, window, .. } => {
            let (min_base, span) = windows(operator);
            let keep = keep(*fold, min_base);
            let mut next = Due::NEVER;
            if is_due || is_unsettled(parts.get(at), keep) {
                next = settle(&mut parts.part(at), keep, edge, *window, span);
            }
            Reading::of(windowed(*fold, totals(parts.get(at), keep), min_base, span), next)
        }
        Operator::DecayedMean { window, weights, min_base, .. } => {
            let next = settle_sums(parts, at, edge, *window, is_due);
            Reading::of(mean::decayed(parts.get(at), weights, *min_base), next)
        }
        Operator::Share { window, min_base, .. } => {
            let next = settle_sums(parts, at, edge, *window, is_due);
            Reading::of(share::value(bucket::totals(parts.get(at), Keep::Sums).0, *min_base), next)
        }
        Operator::Latest { expires, .. } => {
            let (value, due) = newest::unexpired(parts.get(at), *expires, edge);
            Reading::of(value, due)
        }
        Operator::Until { marks, .. } => match newest::get(parts.get(at)) {
            None => Reading::of(None, Due::NEVER),
            Some(instant) => {
                let (value, due) = until::remaining(instant, marks, edge);
                Reading::of(Some(value), due)
            }
        },
        Operator::SinceLast { marks, .. } => match number_at(parts.get(at), 0) {
            i64::MIN => Reading::of(None, Due::NEVER),
            last => {
                let (value, due) = since_last::silence(last, marks, edge);
                Reading::of(Some(value), due)
            }
        },
        Operator::Cadence { every, marks, .. } => match number_at(parts.get(at), 0) {
            i64::MIN => Reading::of(None, Due::NEVER),
            last => {
                let (value, due) = cadence::overdue(last, *every, marks, edge);
                Reading::of(Some(value), due)
            }
        },
        Operator::Open { priority } => {
            Reading::of(open::count(parts.get(at), priority.is_empty()).map(whole), Due::NEVER)
        }
        Operator::Reached => Reading::of(milestones.and_then(Milestones::reached), Due::NEVER),
        Operator::Overdue => match milestones {
            None => Reading::of(None, Due::NEVER),
            Some(milestones) => {
                let (value, due) = milestones.overdue(&edge.now);
                Reading::of(value, due)
            }
        },
        Operator::Ratio { .. } | Operator::GapTo => Reading::of(None, Due::NEVER),
    }
}

/// Sorts buckets or days into windows, and says when that next changes.
fn settle(part: &mut Part<'_>, keep: Option<Keep>, edge: &Edge<'_>, window: Window, span: Span) -> Due {
    match keep {
        Some(keep) => bucket::settle(part, keep, edge, window, span),
        None => days::settle(part, edge, window, span),
    }
}

/// Sorts the buckets of a window's sums where that is needed.
fn settle_sums(parts: &mut Parts, at: usize, edge: &Edge<'_>, window: Window, is_due: bool) -> Due {
    if is_due || bucket::is_unsettled(parts.get(at)) {
        bucket::settle(&mut parts.part(at), Keep::Sums, edge, window, Span::One)
    } else {
        Due::NEVER
    }
}

/// One signal in per cent of another.
pub(crate) fn ratio(part: i64, whole: i64, min_base: i64) -> i64 {
    let known = |value: i64| Some(value).filter(|value| *value != UNKNOWN);
    per_cent(known(part), known(whole), min_base.max(1)).unwrap_or(UNKNOWN)
}

const fn is_unsettled(part: &[u32], keep: Option<Keep>) -> bool {
    match keep {
        Some(_) => bucket::is_unsettled(part),
        None => days::is_unsettled(part),
    }
}

/// What the window and the one before it come to.
fn totals(part: &[u32], keep: Option<Keep>) -> (bucket::Total, bucket::Total) {
    match keep {
        Some(keep) => bucket::totals(part, keep),
        None => days::totals(part),
    }
}

#[cfg(test)]
mod tests;
