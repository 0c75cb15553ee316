//! "Activities": the one outcome of each.

use model::plan::{Feed, Operator, Plan, Window};
use model::source::{Field, Source};
use model::time::HOUR;

use super::journal::Happening;
use super::now::Now;
use super::signal::{both, passes};
use super::window::has_left;

/// The most fingerprints of one account.
const MOST: usize = 4_096;

/// What became of an activity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outcome {
    Applied,
    Duplicate,
    Late,
    Unused,
}

/// The fingerprints of one account.
#[derive(Clone, Debug, Default)]
pub(crate) struct Memory {
    /// (start of the hour, fingerprint, source).
    remembered: Vec<(i64, u64, Source)>,
    /// How many went before their time.
    pub(crate) dropped: u64,
}

impl Memory {
    /// Forgets what is no longer held.
    pub(crate) fn forget(&mut self, now: &Now<'_>) {
        self.remembered.retain(|(hour, _, source)| is_held(*hour, *source, now));
    }

    /// Whether `happening` is held.
    fn holds(&mut self, happening: &Happening, now: &Now<'_>) -> bool {
        self.forget(now);
        self.remembered.iter().any(|(_, id, source)| (*id, *source) == (happening.id, happening.source))
    }

    fn remember(&mut self, happening: &Happening, now: &Now<'_>) {
        let hour = happening.time.div_euclid(HOUR) * HOUR;
        if is_held(hour, happening.source, now) {
            self.remembered.push((hour, happening.id, happening.source));
            self.remembered.sort_by_key(|one| (one.0, one.1));
        }
        while self.remembered.len() > MOST {
            self.remembered.remove(0);
            self.dropped += 1;
        }
    }
}

/// Held while T is before the end of the hour and `dedup`.
fn is_held(hour: i64, source: Source, now: &Now<'_>) -> bool {
    let dedup = now.clocks[source.index()].rules.dedup;
    now.a[source.index()].is_none_or(|t| t < hour + HOUR + dedup)
}

/// A feed of the model as an activity meets it: that of a window with its full width, or another.
fn feeds(plan: &Plan) -> Vec<(Feed, Option<(Window, i64)>)> {
    let whole = |source| Feed { source, filter: Vec::new() };
    let feeds = |operator: &Operator| match operator {
        Operator::Share { feed, part, whole, window, .. } => {
            [part, whole].map(|filter| (both(feed, filter), Some((*window, window.width)))).into()
        }
        Operator::Rolling { feed, window, .. } | Operator::DecayedMean { feed, window, .. } => {
            vec![(feed.clone(), Some((*window, window.width)))]
        }
        Operator::Trend { feed, window, .. } => vec![(feed.clone(), Some((*window, 2 * window.width)))],
        Operator::OwnAverage { feed, window, windows, .. } => {
            vec![(feed.clone(), Some((*window, (1 + i64::from(*windows)) * window.width)))]
        }
        Operator::Latest { feed, .. }
        | Operator::SinceLast { feed, .. }
        | Operator::Cadence { feed, .. }
        | Operator::Until { feed, .. } => {
            vec![(feed.clone(), None)]
        }
        Operator::Open { .. } => vec![(whole(Source::Support), None)],
        Operator::Reached | Operator::Overdue => vec![(whole(Source::Milestone), None)],
        Operator::Ratio { .. } | Operator::GapTo => Vec::new(),
    };
    plan.signals.iter().flat_map(|signal| feeds(&signal.operator)).collect()
}

/// The outcome by the account's model and what was seen before; between entries T is A.
pub(crate) fn outcome(
    plan: &Plan,
    memory: &mut Memory,
    happening: &Happening,
    now: &Now<'_>,
    sigma: i64,
) -> Outcome {
    let mut passed = feeds(plan);
    passed.retain(|(feed, _)| passes(feed, happening));
    let sets = matches!(happening.word(Field::Kind), Some("override" | "clear-override"));
    let always = matches!(happening.source, Source::Account | Source::Subscription)
        || happening.source == Source::Command && sets;
    if passed.is_empty() && !always {
        return Outcome::Unused;
    }
    if memory.holds(happening, now) {
        return Outcome::Duplicate;
    }
    let is_over = |window: &Option<(Window, i64)>| match (window, now.source(happening.source)) {
        (Some((window, width)), Some(at)) => has_left(at, window.bucket, *width, sigma, happening.time),
        _ => false,
    };
    if !always && passed.iter().all(|(_, window)| is_over(window)) {
        return Outcome::Late;
    }
    memory.remember(happening, now);
    Outcome::Applied
}
