//! The state of each operator, joined by one enum; the definitions stand in `model::operator`.
//!
//! What each keeps per account, and what it costs: rolling count, sum, mean and the trend of one: a bucket of
//! 16 bytes per bucket with activity, one search per activity; distinct: 16 bytes per identity; trend of
//! distinct: 16 bytes per identity and bucket; latest, until: one value; since_last: one instant; open: 64
//! bytes per open ticket; reached, overdue: 56 bytes per milestone, shared; ratio: nothing.

mod bucket;
pub mod distinct;
pub mod milestone;
pub mod open;
pub(crate) mod order;
mod pairs;
mod since_last;
mod until;

use crate::account::UNKNOWN;
use crate::activity::{Activity, Value};
use crate::bytes::{Damaged, Reader, Writer};
use crate::now::{Due, Edge};
use bucket::{Buckets, Span, bounds, bucket_of};
use distinct::Distinct;
use milestone::Milestones;
use model::number::{SCALE, scale_round};
use model::plan::{Feed, Fold, Operator};
use open::Tickets;
use order::{Newest, Order};
use pairs::Pairs;

/// The state of one signal of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Buckets(Buckets),
    /// Identities, and the number of activities where the model asks for a least one.
    Distinct(Distinct, Option<Box<Buckets>>),
    Pairs(Pairs),
    Newest(Newest<i64>),
    /// Time of the newest activity; [`i64::MIN`] for none.
    Since(i64),
    Tickets(Box<Tickets>),
    /// Nothing of its own.
    Derived,
}

/// The value of a signal, and when it may next change without input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// [`UNKNOWN`] where there is none.
    value: i64,
    pub(crate) due: Due,
}

impl Reading {
    pub(crate) const NEW: Self = Self { value: UNKNOWN, due: Due::AT_ONCE };

    fn of(value: Option<i64>, due: Due) -> Self {
        Self { value: value.unwrap_or(UNKNOWN), due }
    }

    pub(crate) fn value(self) -> Option<i64> {
        Some(self.value).filter(|value| *value != UNKNOWN)
    }
}

/// Whether an activity passes a feed's filter. The source was compared before.
pub(crate) fn passes(feed: &Feed, activity: &Activity<'_>) -> bool {
    feed.filter.iter().all(|test| {
        activity
            .fields
            .word(test.field)
            .is_some_and(|word| test.any_of.iter().any(|accepted| accepted == word))
    })
}

/// The feed of a signal that takes in activities by itself.
pub(crate) const fn feed(operator: &Operator) -> Option<&Feed> {
    match operator {
        Operator::Rolling { feed, .. }
        | Operator::Trend { feed, .. }
        | Operator::Latest { feed, .. }
        | Operator::SinceLast { feed, .. }
        | Operator::Until { feed, .. } => Some(feed),
        Operator::Ratio { .. } | Operator::Open { .. } | Operator::Reached | Operator::Overdue => None,
    }
}

/// For a window: whether the bucket of `time` has left all that the signal keeps. `None` for what has no window.
pub(crate) fn is_late(operator: &Operator, time: i64, edge: &Edge<'_>) -> Option<bool> {
    let (window, span) = match operator {
        Operator::Rolling { window, .. } => (*window, Span::One),
        Operator::Trend { window, .. } => (*window, Span::Two),
        Operator::Latest { .. }
        | Operator::Ratio { .. }
        | Operator::SinceLast { .. }
        | Operator::Open { .. }
        | Operator::Until { .. }
        | Operator::Reached
        | Operator::Overdue => return None,
    };
    let width = window.bucket.width();
    let end = bounds(bucket_of(time, width), width).1;
    Some(edge.has_left(end, span.keep(window)))
}

/// The living time over which a signal looks back: how long its source's dead time must be remembered, and how
/// long a new definition stays unknown.
pub(crate) fn memory(operator: &Operator) -> i64 {
    match operator {
        Operator::Rolling { window, .. } => window.width,
        Operator::Trend { window, .. } => 2 * window.width,
        Operator::SinceLast { marks, .. } => marks.last().copied().unwrap_or(0),
        Operator::Latest { .. }
        | Operator::Ratio { .. }
        | Operator::Open { .. }
        | Operator::Until { .. }
        | Operator::Reached
        | Operator::Overdue => 0,
    }
}

impl State {
    /// The state of a signal that has seen nothing.
    pub(crate) fn new(operator: &Operator) -> Self {
        match operator {
            Operator::Rolling { fold: Fold::Distinct(_), min_base, .. } => {
                Self::Distinct(Distinct::default(), (*min_base > 0).then(Box::default))
            }
            Operator::Trend { fold: Fold::Distinct(_), .. } => Self::Pairs(Pairs::default()),
            Operator::Rolling { fold: Fold::Sum(_) | Fold::Mean(_), .. }
            | Operator::Trend { fold: Fold::Sum(_) | Fold::Mean(_), .. } => Self::Buckets(Buckets::summing()),
            Operator::Rolling { .. } | Operator::Trend { .. } => Self::Buckets(Buckets::default()),
            Operator::Latest { .. } | Operator::Until { .. } => Self::Newest(Newest::default()),
            Operator::SinceLast { .. } => Self::Since(i64::MIN),
            Operator::Open { .. } => Self::Tickets(Box::default()),
            Operator::Ratio { .. } | Operator::Reached | Operator::Overdue => Self::Derived,
        }
    }

    /// Reads a little of the state itself.
    pub(crate) fn touch_self(&self) -> usize {
        match self {
            Self::Buckets(buckets) => buckets.len(),
            Self::Distinct(distinct, _) => distinct.len(),
            Self::Pairs(pairs) => pairs.counts().map_or(0, |_| 1),
            Self::Newest(newest) => usize::from(newest.value == 0),
            Self::Since(last) => usize::from(*last == 0),
            Self::Tickets(_) | Self::Derived => 0,
        }
    }

    /// Reads a little of what it holds.
    pub(crate) fn touch_content(&self) -> usize {
        match self {
            Self::Buckets(buckets) => buckets.touch(),
            Self::Distinct(distinct, _) => distinct.touch(),
            Self::Pairs(_) | Self::Newest(_) | Self::Since(_) | Self::Tickets(_) | Self::Derived => 0,
        }
    }

    /// Whether this state, of a signal of the same definition, has all that `operator` asks for.
    pub(crate) fn serves(&self, operator: &Operator) -> bool {
        match (self, Self::new(operator)) {
            (Self::Distinct(_, counts), Self::Distinct(_, wanted)) => counts.is_some() == wanted.is_some(),
            (state, new) => std::mem::discriminant(state) == std::mem::discriminant(&new),
        }
    }

    /// Takes in an activity that passed the feed. Returns whether there was a place for it.
    pub(crate) fn observe(&mut self, operator: &Operator, activity: &Activity<'_>, edge: &Edge<'_>) -> bool {
        let time = activity.time.0;
        match (self, operator) {
            (
                Self::Buckets(buckets),
                Operator::Rolling { fold, window, .. } | Operator::Trend { fold, window, .. },
            ) => {
                if let Some(number) = number(*fold, activity) {
                    buckets.add(time, number, *window);
                }
                true
            }
            (
                Self::Distinct(distinct, counts),
                Operator::Rolling { fold: Fold::Distinct(field), window, .. },
            ) => {
                let Some(identity) = activity.fields.identity(*field) else { return true };
                if let Some(counts) = counts {
                    counts.add(time, 0, *window);
                }
                distinct.add(identity, time, edge, *window)
            }
            (Self::Pairs(pairs), Operator::Trend { fold: Fold::Distinct(field), window, .. }) => {
                activity.fields.identity(*field).is_none_or(|identity| pairs.add(identity, time, *window))
            }
            (Self::Newest(newest), Operator::Latest { field, .. } | Operator::Until { field, .. }) => {
                let value = match activity.fields.get(*field) {
                    Some(Value::Number(number)) => number.0,
                    Some(Value::Time(instant)) => instant.0,
                    _ => return true,
                };
                newest.take(Order::of(activity), value);
                true
            }
            (Self::Since(last), Operator::SinceLast { .. }) => {
                *last = (*last).max(time);
                true
            }
            (Self::Tickets(tickets), Operator::Open { priority }) => {
                tickets.observe(activity, priority, edge.now.at)
            }
            _ => true,
        }
    }

    /// Reads a signal as of the edge, knowing the readings of its parts.
    pub(crate) fn read_value(
        &mut self,
        operator: &Operator,
        edge: &Edge<'_>,
        parts: &[Reading],
        milestones: Option<&Milestones>,
        old: Reading,
    ) -> Reading {
        // Totals change by observing too; sorting the buckets anew is needed only where one moved.
        let due_now = old.due.is_reached(&edge.now) || old == Reading::NEW;
        match (self, operator) {
            (Self::Buckets(buckets), Operator::Rolling { fold, window, min_base, .. }) => {
                let mut due = old.due;
                if due_now || buckets.is_unsettled() {
                    due = buckets.settle(edge, *window, Span::One);
                }
                Reading::of(rolling(*fold, buckets.current, buckets.sums().0, *min_base), due)
            }
            (Self::Buckets(buckets), Operator::Trend { fold, window, .. }) => {
                let mut due = old.due;
                if due_now || buckets.is_unsettled() {
                    due = buckets.settle(edge, *window, Span::Two);
                }
                let now = rolling(*fold, buckets.current, buckets.sums().0, 0);
                Reading::of(per_cent(now, rolling(*fold, buckets.before, buckets.sums().1, 0), 1), due)
            }
            (Self::Distinct(distinct, counts), Operator::Rolling { window, min_base, .. }) => {
                let mut due = old.due;
                let unsettled = distinct.is_unsettled() || counts.as_ref().is_some_and(|c| c.is_unsettled());
                if due_now || unsettled {
                    due = distinct.settle(edge, *window);
                    if let Some(counts) = counts {
                        due = due.sooner(counts.settle(edge, *window, Span::One));
                    }
                }
                let enough = counts.as_ref().is_none_or(|c| c.current.count >= *min_base);
                Reading::of(distinct.count().filter(|_| enough).map(whole), due)
            }
            (Self::Pairs(pairs), Operator::Trend { window, .. }) => {
                let mut due = old.due;
                if due_now || pairs.is_unsettled() {
                    due = pairs.settle(edge, *window);
                }
                let counts = pairs.counts().map(|(now, before)| (micros(now), micros(before)));
                Reading::of(counts.and_then(|(now, before)| per_cent(Some(now), Some(before), 1)), due)
            }
            (Self::Newest(newest), Operator::Latest { .. }) => Reading::of(newest.get().copied(), Due::NEVER),
            (Self::Newest(newest), Operator::Until { marks, .. }) => match newest.get() {
                None => Reading::of(None, Due::NEVER),
                Some(instant) => {
                    let (value, due) = until::remaining(*instant, marks, edge);
                    Reading::of(Some(value), due)
                }
            },
            (Self::Since(i64::MIN), _) => Reading::of(None, Due::NEVER),
            (Self::Since(last), Operator::SinceLast { marks, .. }) => {
                let (value, due) = since_last::silence(*last, marks, edge);
                Reading::of(Some(value), due)
            }
            (Self::Tickets(tickets), Operator::Open { priority }) => {
                Reading::of(tickets.count(priority.is_empty()).map(whole), Due::NEVER)
            }
            (_, Operator::Ratio { part, whole, min_base }) => {
                let part = parts.get(*part).and_then(|reading| reading.value());
                let whole = parts.get(*whole).and_then(|reading| reading.value());
                Reading::of(per_cent(part, whole, (*min_base).max(1)), Due::NEVER)
            }
            (_, Operator::Reached) => Reading::of(milestones.and_then(Milestones::reached), Due::NEVER),
            (_, Operator::Overdue) => match milestones {
                None => Reading::of(None, Due::NEVER),
                Some(milestones) => {
                    let (value, due) = milestones.overdue(&edge.now);
                    Reading::of(value, due)
                }
            },
            _ => Reading::of(None, Due::NEVER),
        }
    }

    /// Bytes on the heap.
    pub(crate) fn heap(&self) -> usize {
        match self {
            Self::Buckets(buckets) => buckets.heap(),
            Self::Distinct(distinct, counts) => {
                distinct.heap() + counts.as_ref().map_or(0, |counts| size_of::<Buckets>() + counts.heap())
            }
            Self::Pairs(pairs) => pairs.heap(),
            Self::Tickets(tickets) => size_of::<Tickets>() + tickets.heap(),
            Self::Newest(_) | Self::Since(_) | Self::Derived => 0,
        }
    }

    pub(crate) fn write(&self, to: &mut Writer<'_>) {
        match self {
            Self::Buckets(buckets) => buckets.write(to),
            Self::Distinct(distinct, counts) => {
                distinct.write(to);
                if let Some(counts) = counts {
                    counts.write(to);
                }
            }
            Self::Pairs(pairs) => pairs.write(to),
            Self::Newest(newest) => {
                newest.order.write(to);
                to.i64(newest.value);
            }
            Self::Since(last) => to.i64(*last),
            Self::Tickets(tickets) => tickets.write(to),
            Self::Derived => {}
        }
    }

    /// Reads the state of a signal of this definition.
    pub(crate) fn read(operator: &Operator, from: &mut Reader<'_>) -> Result<Self, Damaged> {
        Ok(match Self::new(operator) {
            Self::Buckets(new) => Self::Buckets(Buckets::read(new, from)?),
            Self::Distinct(_, counts) => {
                let distinct = Distinct::read(from)?;
                let counts = counts.map(|new| Buckets::read(*new, from).map(Box::new)).transpose()?;
                Self::Distinct(distinct, counts)
            }
            Self::Pairs(_) => Self::Pairs(Pairs::read(from)?),
            Self::Newest(_) => Self::Newest(Newest { order: Order::read(from)?, value: from.i64()? }),
            Self::Since(_) => Self::Since(from.i64()?),
            Self::Tickets(_) => Self::Tickets(Box::new(Tickets::read(from)?)),
            Self::Derived => Self::Derived,
        })
    }
}

/// What an activity adds to a rolling number; `None` if it does not count.
fn number(fold: Fold, activity: &Activity<'_>) -> Option<i64> {
    match fold {
        Fold::Count | Fold::CountDays | Fold::Distinct(_) => Some(0),
        Fold::Sum(field) | Fold::Mean(field) => activity.fields.number(field).map(|number| number.0),
    }
}

fn rolling(fold: Fold, total: bucket::Total, sum: i64, min_base: u32) -> Option<i64> {
    if total.count < min_base {
        return None;
    }
    // A sum at the end of its range is not known.
    let sum = Some(sum).filter(|sum| !matches!(*sum, i64::MIN | i64::MAX));
    match fold {
        Fold::Count => Some(micros(u64::from(total.count))),
        Fold::CountDays => Some(micros(u64::from(total.buckets))),
        Fold::Sum(_) => sum,
        Fold::Mean(_) if total.count == 0 => None,
        Fold::Mean(_) => sum.map(|sum| scale_round(sum, 1, i64::from(total.count))),
        Fold::Distinct(_) => None,
    }
}

fn micros(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(SCALE)
}

fn whole(count: usize) -> i64 {
    micros(count as u64)
}

fn per_cent(part: Option<i64>, whole: Option<i64>, at_least: i64) -> Option<i64> {
    let whole = whole.filter(|whole| *whole >= at_least && *whole > 0)?;
    Some(scale_round(part?, 100 * SCALE, whole))
}
