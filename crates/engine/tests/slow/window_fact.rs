//! When a window could change without input: as buckets that hold something for the signal enter it, leave it, and leave
//! those before it; and when a definition of a later model has seen a whole one.

use std::collections::BTreeMap;

use model::plan::{Feed, Fold, Operator, Window, WordTest};
use model::source::Field;

use super::clock::Reached;
use super::fact::Fact;
use super::journal::{Happening, Held};
use super::now::Now;
use super::operator::is_answer;
use super::signal::{Learned, Past, both, decayed_blind, passes};
use super::window::{Place, enters_at, has_entered, has_left, leaves_at, place, start};

/// A signal with a window, as far as time concerns it.
pub(crate) struct Windowed<'a> {
    feed: &'a Feed,
    window: Window,
    /// How many windows there are, the present one among them.
    windows: i64,
    /// For how much living time a definition of a later model is unknown.
    blind: i64,
    counts: Counts<'a>,
    /// Whether a bucket is of concern as it passes from any window to the one before, and not only as it leaves the
    /// present one and the last.
    each: Each,
}

/// What is of concern between the present window and the last.
enum Each {
    Nothing,
    /// The oldest bucket, which says how many windows there are; and, where its window is left out, the first bucket
    /// that comes into that.
    Oldest,
    Bucket,
}

/// Which activities a signal counts, of those that pass its feed.
enum Counts<'a> {
    All,
    Number(Field),
    /// Of an identity only the newest bucket can leave.
    Newest(Field),
    Identity(Field),
    Answers,
    Either(&'a [WordTest], &'a [WordTest]),
}

impl<'a> Windowed<'a> {
    pub(crate) fn of(operator: &'a Operator) -> Option<Self> {
        let new = |feed, window: Window, windows, counts, each| {
            Some(Self { feed, window, windows, blind: windows * window.width, counts, each })
        };
        match operator {
            Operator::Rolling { feed, fold: Fold::Distinct(field), window, min_base: 0 } => {
                new(feed, *window, 1, Counts::Newest(*field), Each::Nothing)
            }
            Operator::Rolling { feed, fold, window, .. } => {
                new(feed, *window, 1, Counts::of(*fold), Each::Nothing)
            }
            Operator::DecayedMean { feed, field, window, weights, .. } => {
                let blind = decayed_blind(*window, i64::try_from(weights.len()).unwrap());
                let new = new(feed, *window, 1, Counts::Number(*field), Each::Nothing);
                new.map(|new| Self { blind, ..new })
            }
            Operator::Share { feed, part, whole, window, .. } => {
                new(feed, *window, 1, Counts::Either(part, whole), Each::Nothing)
            }
            Operator::Trend { feed, fold, window } => new(feed, *window, 2, Counts::of(*fold), Each::Nothing),
            Operator::OwnAverage { feed, fold, window, windows } => {
                let each = if matches!(fold, Fold::Distinct(_)) { Each::Bucket } else { Each::Oldest };
                new(feed, *window, 1 + i64::from(*windows), Counts::of(*fold), each)
            }
            Operator::Latest { .. }
            | Operator::Ratio { .. }
            | Operator::SinceLast { .. }
            | Operator::Cadence { .. }
            | Operator::Open { .. }
            | Operator::Until { .. }
            | Operator::Reached
            | Operator::Overdue
            | Operator::GapTo => None,
        }
    }

    pub(crate) fn facts(&self, past: &Past, learned: Learned, now: &Now<'_>, facts: &mut Vec<Fact>) {
        let source = self.feed.source;
        let Some(at) = now.source(source) else { return };
        let Window { width, bucket } = self.window;
        let known = past.applied.iter().filter(|one| one.0 >= learned.from_entry).map(|one| &one.1);
        let counted = known.filter(|one| passes(self.feed, one) && self.counts.takes(self.feed, one));
        let counted: Vec<&Happening> = counted.collect();
        let starts = |all: &[&Happening]| {
            let mut starts: Vec<i64> = all.iter().map(|one| start(bucket, one.time)).collect();
            starts.sort_unstable();
            starts.dedup();
            starts
        };
        let waiting = starts(&counted).into_iter().filter(|start| !has_entered(at, *start));
        facts.extend(waiting.map(|start| Fact::Reached { source, a: enters_at(&at.clock.rules, start) }));
        let all = self.windows * width;
        let mut leaving = starts(&self.counts.leaving(counted, self.window, at, past.sigma));
        leaving.retain(|start| !has_left(at, bucket, all, past.sigma, *start));
        let left = |start: i64| {
            (1..=self.windows)
                .take_while(|times| has_left(at, bucket, times * width, past.sigma, start))
                .count()
        };
        let oldest = leaving.first().map_or(0, |start| left(*start));
        let into = i64::try_from(oldest).unwrap();
        if matches!(self.each, Each::Oldest) && (2..self.windows - 1).contains(&into) {
            let next = leaving.iter().find(|start| left(**start) < oldest);
            let span = leaves_at(&at.clock.rules, bucket, into * width, past.sigma);
            facts.extend(next.map(|start| Fact::Since { source, instant: start + bucket.width(), span }));
        }
        for (place, start) in leaving.into_iter().enumerate() {
            let instant = start + bucket.width();
            let is_each = match self.each {
                Each::Nothing => false,
                Each::Oldest => place == 0,
                Each::Bucket => true,
            };
            let is_of_concern = |times: &i64| {
                (is_each || [1, self.windows].contains(times))
                    && !has_left(at, bucket, times * width, past.sigma, start)
            };
            for times in (1..=self.windows).filter(is_of_concern) {
                let span = leaves_at(&at.clock.rules, bucket, times * width, past.sigma);
                facts.push(Fact::Since { source, instant, span });
            }
        }
        let settled = learned.living_then.map(|then| Fact::Grown { source, to: then + self.blind });
        facts.extend(settled);
    }
}

impl Counts<'_> {
    const fn of(fold: Fold) -> Self {
        match fold {
            Fold::Count | Fold::CountDays => Self::All,
            Fold::Sum(field) | Fold::Mean(field) => Self::Number(field),
            Fold::Distinct(field) => Self::Identity(field),
            Fold::Nps => Self::Answers,
        }
    }

    fn takes(&self, feed: &Feed, one: &Happening) -> bool {
        match self {
            Self::All => true,
            Self::Number(field) => one.number(*field).is_some(),
            Self::Newest(field) | Self::Identity(field) => one.identity(*field).is_some(),
            Self::Answers => one.number(Field::Score).is_some_and(is_answer),
            Self::Either(part, whole) => passes(&both(feed, part), one) || passes(&both(feed, whole), one),
        }
    }

    /// Those whose buckets are of concern as they leave.
    fn leaving<'h>(
        &self,
        counted: Vec<&'h Happening>,
        window: Window,
        at: Reached<'_>,
        sigma: i64,
    ) -> Vec<&'h Happening> {
        let Self::Newest(field) = self else { return counted };
        let mut newest: BTreeMap<&Held, &Happening> = BTreeMap::new();
        for one in counted.into_iter().filter(|one| place(at, window, sigma, one.time) != Place::Waiting) {
            let known = one.identity(*field).map(|identity| newest.entry(identity).or_insert(one));
            if let Some(known) = known.filter(|known| known.time < one.time) {
                *known = one;
            }
        }
        newest.into_values().collect()
    }
}
