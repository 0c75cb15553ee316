//! Everything about an account that can change without input, as plain yes-or-no facts.
//!
//! Each says that some clock has come to somewhere. Clocks only go on, so each changes at most once, and its
//! instant is found by halving, with no knowledge of when it is due. An evaluation at which nothing changed says
//! nothing, but where it coincides with another its instant may be in what that says: only what a signal could
//! take notice of is a fact. `slow_self` compares with stepping through every instant.

use model::plan::{Operator, Plan};
use model::source::Source;

use super::now::{Advance, Now};
use super::operator;
use super::rule::{Axis, Watch};
use super::signal::{Past, passes};
use super::window_fact::Windowed;

/// Something that holds or does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fact {
    /// A source has reached an instant.
    Reached { source: Source, a: i64 },
    /// Living time since an instant, or plain time until it, has come to a span.
    Since { source: Source, instant: i64, span: i64 },
    /// L of a source, as rules count it, has come to a value.
    Grown { source: Source, to: i64 },
    /// G has reached an instant.
    Greatest { g: i64 },
    /// The furthest source has reached a place on the common axis.
    Furthest { x: i64 },
}

impl Fact {
    pub(crate) fn holds(self, now: &Now<'_>) -> bool {
        match self {
            Self::Reached { source, a } => now.source(source).is_some_and(|at| at.a >= a),
            Self::Since { source, instant, span } => {
                now.source(source).is_some_and(|at| at.since(instant) >= span)
            }
            Self::Grown { source, to } => now.source(source).is_some_and(|at| at.reading() >= to),
            Self::Greatest { g } => now.greatest().is_some_and(|greatest| greatest >= g),
            Self::Furthest { x } => now.furthest(&now.a).is_some_and(|furthest| furthest >= x),
        }
    }

    /// Where the clock stands that made the fact change at x.
    pub(crate) fn instant(self, advance: &Advance<'_>, x: i64) -> Option<i64> {
        let now = advance.at(x);
        match self {
            Self::Reached { source, .. } | Self::Since { source, .. } | Self::Grown { source, .. } => {
                now.a[source.index()]
            }
            // An instant of the common axis is none of any clock's; the greatest there is stands for it.
            Self::Greatest { .. } | Self::Furthest { .. } => now.greatest(),
        }
    }

    /// The first x in (after, upto] at which it holds, if it did not at `after`.
    pub(crate) fn changes_at(self, advance: &Advance<'_>, after: i64, upto: i64) -> Option<i64> {
        let was = self.holds(&advance.at(after));
        let holds = |x| self.holds(&advance.at(x));
        // The clocks only go on, so what holds does so for ever.
        if was || !holds(upto) {
            return None;
        }
        let (mut same, mut other) = (after, upto);
        while other - same > 1 {
            let middle = same + (other - same) / 2;
            if holds(middle) {
                other = middle;
            } else {
                same = middle;
            }
        }
        Some(other)
    }
}

/// How an account sees each source of the model.
pub(crate) fn of_sources(plan: &Plan, past: &Past, now: &Now<'_>) -> Vec<Fact> {
    let mut facts = Vec::new();
    for at in plan.used.iter().filter_map(|source| now.source(source)) {
        let source = at.clock.source;
        let mut reached = |a: i64| facts.push(Fact::Reached { source, a: a.saturating_add(past.sigma) });
        at.clock.first().into_iter().for_each(&mut reached);
        for (from, to) in &at.clock.gaps {
            let stale = from + at.clock.rules.stale_after;
            [stale, *to].into_iter().filter(|_| stale < *to).for_each(&mut reached);
        }
    }
    facts
}

/// The value of each signal of the model.
pub(crate) fn of_signals(plan: &Plan, past: &Past, now: &Now<'_>) -> Vec<Fact> {
    let mut facts = Vec::new();
    for signal in &plan.signals {
        let learned = past.learned.get(&signal.definition);
        if let (Some(watched), Some(learned)) = (Windowed::of(&signal.operator), learned) {
            watched.facts(past, *learned, now, &mut facts);
        }
        match &signal.operator {
            Operator::SinceLast { feed, marks } => {
                let source = feed.source;
                let passing = past.applied.iter().filter(|one| passes(feed, &one.1));
                if let Some(instant) = passing.map(|one| one.1.time).max() {
                    facts.extend(marks.iter().map(|span| Fact::Since { source, instant, span: *span }));
                }
            }
            Operator::Cadence { feed, every, marks } => {
                let source = feed.source;
                let passing = past.applied.iter().filter(|one| passes(feed, &one.1));
                if let Some(instant) = passing.map(|one| one.1.time).max() {
                    facts.extend(marks.iter().map(|mark| Fact::Since {
                        source,
                        instant,
                        span: every + mark,
                    }));
                }
            }
            Operator::Until { feed, field, marks } => {
                let source = feed.source;
                let told =
                    past.applied.iter().filter(|one| passes(feed, &one.1) && one.1.time(*field).is_some());
                let newest = told.max_by_key(|one| one.1.rank());
                if let Some(instant) = newest.and_then(|one| one.1.time(*field)) {
                    let left = marks.iter().copied().chain([0]);
                    facts.extend(left.map(|left| Fact::Reached { source, a: instant - left }));
                }
            }
            Operator::Overdue => {
                let source = Source::Milestone;
                let told = past.applied.iter().map(|one| &one.1).filter(|one| one.source == source);
                let due = operator::to_be_reached(&told.collect::<Vec<_>>());
                facts.extend(due.into_iter().map(|a| Fact::Reached { source, a }));
            }
            Operator::Latest { feed, field, expires } => {
                let source = feed.source;
                let told = past.applied.iter().filter(|one| passes(feed, &one.1));
                let newest = told.filter(|one| one.1.number(*field).is_some()).map(|one| one.1.time).max();
                let expiry = newest.zip(*expires);
                facts.extend(expiry.map(|(instant, span)| Fact::Since { source, instant, span }));
            }
            Operator::Rolling { .. }
            | Operator::DecayedMean { .. }
            | Operator::Share { .. }
            | Operator::Trend { .. }
            | Operator::OwnAverage { .. }
            | Operator::Ratio { .. }
            | Operator::Open { .. }
            | Operator::Reached
            | Operator::GapTo => {}
        }
    }
    facts
}

/// The ends of what rules wait for, and of holds by distance.
pub(crate) fn of_rules<'a>(
    plan: &Plan,
    past: &Past,
    now: &Now<'_>,
    watch: impl Fn(&str) -> Option<&'a Watch>,
) -> Vec<Fact> {
    let mut facts = Vec::new();
    for rule in &plan.rules {
        if rule.sources.len() > 1 {
            let turn = now.next_turn(rule.sources, rule.lag_at_most, past.sigma);
            facts.extend(turn.map(|x| Fact::Furthest { x }));
        }
        let Some((stopwatch, span)) = watch(&rule.name).and_then(|watch| watch.running(rule)) else {
            continue;
        };
        facts.extend(stopwatch.ends(span).into_iter().map(|(axis, end)| match axis {
            Axis::Greatest => Fact::Greatest { g: end },
            Axis::Living(source) => Fact::Grown { source, to: end },
        }));
    }
    facts
}
