//! "How an account sees a source" and "Signals": the value of a signal, from all activities that ever counted
//! for it.

use std::collections::BTreeMap;

use engine::effect::Freshness;
use model::plan::{Feed, Operator, Plan, Window, WordTest};
use model::source::Source;

use super::clock::Reached;
use super::journal::Happening;
use super::now::Now;
use super::operator;

/// How an account sees a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    NoClock,
    Stale,
    Live,
}

/// The value of a signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) value: Option<i64>,
    pub(crate) freshness: Freshness,
}

/// Since when a definition has been part of the account's model without a break.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Learned {
    /// Activities of this entry and later ones count.
    pub(crate) from_entry: usize,
    /// Where a later model brought it: L of its source then. Windows are unknown until they have passed
    /// since, decayed means sooner.
    pub(crate) living_then: Option<i64>,
}

/// What an account has done: all that its signals are made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Past {
    /// The account's spread.
    pub(crate) sigma: i64,
    /// Applied activities with the index of their entry.
    pub(crate) applied: Vec<(usize, Happening)>,
    /// By definition.
    pub(crate) learned: BTreeMap<u64, Learned>,
}

/// Whether an activity passes a feed.
pub(crate) fn passes(feed: &Feed, happening: &Happening) -> bool {
    feed.source == happening.source
        && feed.filter.iter().all(|test| {
            happening.word(test.field).is_some_and(|word| test.any_of.iter().any(|one| one == word))
        })
}

/// A feed with further tests.
pub(crate) fn both(feed: &Feed, filter: &[WordTest]) -> Feed {
    Feed { source: feed.source, filter: [&feed.filter, filter].concat() }
}

/// For how much living time a decayed mean of a later model is unknown: three half-lives, so many days each, or its window.
pub(crate) fn decayed_blind(window: Window, half_life: i64) -> i64 {
    window.width.min(3 * half_life * model::time::DAY)
}

impl Past {
    pub(crate) fn sight(&self, now: &Now<'_>, source: Source) -> Sight {
        let Some(at) = now.source(source) else { return Sight::NoClock };
        let seen = at.a - self.sigma;
        if at.clock.first().is_none_or(|b| seen < b) {
            return Sight::NoClock;
        }
        let stale_after = at.clock.rules.stale_after;
        let stale = |gap: &(i64, i64)| gap.0 < seen && seen < gap.1 && seen - gap.0 >= stale_after;
        if at.clock.gaps.iter().any(stale) { Sight::Stale } else { Sight::Live }
    }

    /// The signal at `index` of `plan`.
    pub(crate) fn reading(&self, plan: &Plan, index: usize, now: &Now<'_>) -> Reading {
        let signal = &plan.signals[index];
        let sights: Vec<Sight> = signal.sources.iter().map(|source| self.sight(now, source)).collect();
        let value = if sights.contains(&Sight::NoClock) { None } else { self.value(plan, index, now) };
        let freshness = match value {
            None => Freshness::Unknown,
            Some(_) if sights.contains(&Sight::Stale) => Freshness::Stale,
            Some(_) => Freshness::Fresh,
        };
        Reading { value, freshness }
    }

    fn value(&self, plan: &Plan, index: usize, now: &Now<'_>) -> Option<i64> {
        let signal = &plan.signals[index];
        let learned = self.learned.get(&signal.definition)?;
        let past = |source: Source| {
            let counts =
                move |one: &&(usize, Happening)| one.0 >= learned.from_entry && one.1.source == source;
            self.applied.iter().filter(counts).map(|one| &one.1)
        };
        let fed = |feed: &Feed| past(feed.source).filter(|one| passes(feed, one)).collect::<Vec<_>>();
        let settled =
            |at: Reached<'_>, width: i64| learned.living_then.is_none_or(|then| at.reading() - then >= width);
        match &signal.operator {
            Operator::Rolling { feed, fold, window, min_base } => {
                let at = now.source(feed.source)?;
                settled(at, window.width).then_some(())?;
                operator::rolling(&fed(feed), fold, *window, *min_base, at, self.sigma)
            }
            Operator::DecayedMean { feed, field, window, min_base, weights } => {
                let at = now.source(feed.source)?;
                let over = (*window, i64::try_from(weights.len()).unwrap());
                settled(at, decayed_blind(over.0, over.1)).then_some(())?;
                operator::decayed_mean(&fed(feed), *field, over, *min_base, at, self.sigma)
            }
            Operator::Share { feed, part, whole, window, min_base } => {
                let at = now.source(feed.source)?;
                settled(at, window.width).then_some(())?;
                let [part, whole] = [part, whole].map(|filter| fed(&both(feed, filter)));
                operator::share(&part, &whole, *window, *min_base, at, self.sigma)
            }
            Operator::Trend { feed, fold, window } => {
                let at = now.source(feed.source)?;
                settled(at, 2 * window.width).then_some(())?;
                operator::trend(&fed(feed), fold, *window, at, self.sigma)
            }
            Operator::OwnAverage { feed, fold, window, windows } => {
                let at = now.source(feed.source)?;
                settled(at, (1 + i64::from(*windows)) * window.width).then_some(())?;
                operator::own_average(&fed(feed), fold, *window, *windows, at, self.sigma)
            }
            Operator::Latest { feed, field, expires } => {
                operator::latest(&fed(feed), *field, *expires, now.source(feed.source)?)
            }
            Operator::Ratio { part, whole, min_base } => {
                let of = |index| self.reading(plan, index, now).value;
                operator::ratio(of(*part)?, of(*whole)?, *min_base)
            }
            Operator::SinceLast { feed, marks } => {
                operator::since_last(&fed(feed), marks, now.source(feed.source)?)
            }
            Operator::Cadence { feed, every, marks } => {
                operator::cadence(&fed(feed), *every, marks, now.source(feed.source)?)
            }
            Operator::Open { priority } => {
                Some(operator::open(&past(Source::Support).collect::<Vec<_>>(), priority))
            }
            Operator::Until { feed, field, marks } => {
                operator::until(&fed(feed), *field, marks, now.source(feed.source)?.a)
            }
            Operator::Reached => operator::reached(&past(Source::Milestone).collect::<Vec<_>>()),
            Operator::Overdue => {
                let a = now.source(Source::Milestone)?.a;
                operator::overdue(&past(Source::Milestone).collect::<Vec<_>>(), a)
            }
            // What other accounts do is not known here.
            Operator::GapTo => None,
        }
    }
}
