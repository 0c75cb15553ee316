//! Plans written by hand, for tests.

use std::sync::Arc;

use model::plan::{
    Band, Bucket, Condition, Curve, Feed, Fold, Goal, IfUnknown, Kind, Measure, ModelId, Operator, Plan,
    Purpose, Rule, Severity, Signal, SourceRules, SourceSet, Unit, WHOLE, Window, WordTest,
};
use model::source::{Field, SOURCES, Source};
use model::time::{DAY, HOUR};

use super::exact::shares;

/// The spread of an account.
pub(crate) fn spread(account: &str) -> i64 {
    i64::try_from(engine::fingerprint::of(account.as_bytes()) % 900_000).unwrap()
}

/// The first so many account ids whose spread is a multiple of `grid_ms`, and not 0: such an account sees a
/// change in the moment in which it is told, before any clock has moved.
pub(crate) fn accounts_on_grid(count: usize, grid_ms: i64) -> Vec<String> {
    let ids = (0..).map(|number: u64| format!("a{number}"));
    ids.filter(|id| spread(id) % grid_ms == 0 && spread(id) > 0).take(count).collect()
}

pub(crate) fn everything_of(source: Source) -> Feed {
    Feed { source, filter: Vec::new() }
}

pub(crate) fn of_kind(source: Source, kinds: &[&str]) -> Feed {
    let any_of = kinds.iter().copied().map(String::from).collect();
    Feed { source, filter: vec![WordTest { field: Field::Kind, any_of }] }
}

pub(crate) const fn hours(hours: i64) -> Window {
    Window { width: hours * HOUR, bucket: Bucket::Hour }
}

pub(crate) const fn days(days: i64) -> Window {
    Window { width: days * DAY, bucket: Bucket::Day }
}

pub(crate) fn rolling(feed: Feed, fold: Fold, window: Window) -> Operator {
    Operator::Rolling { feed, fold, window, min_base: 0 }
}

/// A newest value that does not expire.
pub(crate) const fn latest(feed: Feed, field: Field) -> Operator {
    Operator::Latest { feed, field, expires: None }
}

/// A plan in the making.
#[derive(Clone, Debug)]
pub(crate) struct Blueprint {
    pub(crate) plan: Plan,
}

impl Blueprint {
    /// Bands of the example model with a margin of 2 points; no signal, goal, measure or rule.
    pub(crate) fn new(name: u8) -> Self {
        let band = |name: &str, at_least| Band { name: name.into(), at_least };
        let plan = Plan {
            id: ModelId([name; 32]),
            name: name.to_string(),
            sources: [SourceRules::default(); SOURCES],
            used: SourceSet::default(),
            signals: Vec::new(),
            goals: Vec::new(),
            measures: Vec::new(),
            caps: Vec::new(),
            rules: Vec::new(),
            // The slow fold works it out for itself.
            rule_order: Vec::new(),
            bands: vec![band("healthy", 7_000), band("neutral", 4_500), band("at-risk", 0)],
            band_margin: 200,
            min_coverage: 6_000,
            publish_change: 100,
            publish_every: DAY,
            not_scored_stages: vec!["trial".into()],
            not_scored_segments: vec!["internal".into()],
        };
        Self { plan }
    }

    pub(crate) fn signal(&mut self, name: &str, operator: Operator) -> usize {
        let sources = match &operator {
            Operator::Rolling { feed, .. }
            | Operator::DecayedMean { feed, .. }
            | Operator::Share { feed, .. }
            | Operator::Trend { feed, .. }
            | Operator::OwnAverage { feed, .. }
            | Operator::Latest { feed, .. }
            | Operator::SinceLast { feed, .. }
            | Operator::Cadence { feed, .. }
            | Operator::Until { feed, .. } => SourceSet::of(feed.source),
            Operator::Ratio { part, whole, .. } => {
                self.plan.signals[*part].sources.union(self.plan.signals[*whole].sources)
            }
            Operator::Open { .. } => SourceSet::of(Source::Support),
            Operator::Reached | Operator::Overdue => SourceSet::of(Source::Milestone),
            Operator::GapTo => SourceSet::default(),
        };
        let mut unmarked = operator.clone();
        if let Operator::SinceLast { marks, .. }
        | Operator::Cadence { marks, .. }
        | Operator::Until { marks, .. } = &mut unmarked
        {
            marks.clear();
        }
        let definition = engine::fingerprint::of(format!("{unmarked:?}").as_bytes());
        self.plan.signals.push(Signal {
            name: name.into(),
            unit: Unit::Number,
            operator,
            definition,
            sources,
        });
        self.plan.used = self.plan.used.union(sources);
        self.plan.signals.len() - 1
    }

    pub(crate) fn goal(&mut self, name: &str, weight: u32) -> usize {
        let (statement, owner) = (String::new(), String::new());
        self.plan.goals.push(Goal { name: name.into(), statement, owner, priority: 1, weight });
        self.plan.goals.len() - 1
    }

    pub(crate) fn measure(&mut self, signal: usize, goal: usize, weight: u32, curve: &[(i64, u32)]) -> usize {
        self.plan.measures.push(Measure {
            signal,
            goal,
            kind: Kind::Leading,
            in_score: true,
            weight,
            base_weight: 0,
            target: None,
            print_span: 0,
            curve: Curve(curve.to_vec()),
        });
        self.plan.measures.len() - 1
    }

    /// A rule with no times, that clears by the opposite of `when`.
    pub(crate) fn rule(&mut self, name: &str, when: Condition) -> &mut Rule {
        self.plan.rules.push(Rule {
            name: name.into(),
            when,
            clears_when: None,
            for_ms: 0,
            keep_firing_for: 0,
            cooldown: 0,
            severity: Severity::Warning,
            critical_when: None,
            purpose: Purpose::Risk,
            notify: "csm".into(),
            play: String::new(),
            if_unknown: IfUnknown::Hold,
            lag_at_most: HOUR,
            inhibited_by: Vec::new(),
            signals: Vec::new(),
            on_score: false,
            sources: SourceSet::default(),
        });
        self.plan.rules.last_mut().unwrap()
    }

    /// Fills in what follows from the rest: base weights, and what each rule names.
    pub(crate) fn build(mut self) -> Arc<Plan> {
        let goals: Vec<u32> = self.plan.goals.iter().map(|goal| goal.weight).collect();
        for (goal, share) in shares(WHOLE, &goals).into_iter().enumerate() {
            let within = self.plan.measures.iter_mut().filter(|one| one.goal == goal && one.in_score);
            let mut within: Vec<&mut Measure> = within.collect();
            let weights: Vec<u32> = within.iter().map(|measure| measure.weight).collect();
            for (measure, part) in within.iter_mut().zip(shares(share, &weights)) {
                measure.base_weight = part;
            }
        }
        for rule in &mut self.plan.rules {
            let mut named = Vec::new();
            rule.on_score = names(&rule.when, &mut named);
            rule.on_score |= rule.clears_when.as_ref().is_some_and(|condition| names(condition, &mut named));
            named.sort_unstable();
            named.dedup();
            let sources = named.iter().map(|signal| self.plan.signals[*signal].sources);
            rule.sources = if rule.on_score {
                self.plan.used
            } else {
                sources.fold(SourceSet::default(), SourceSet::union)
            };
            rule.signals = named;
        }
        Arc::new(self.plan)
    }
}

/// Adds the signals that a condition names, and says whether it names the score.
fn names(condition: &Condition, signals: &mut Vec<usize>) -> bool {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => {
            parts.iter().fold(false, |on_score, part| names(part, signals) | on_score)
        }
        Condition::Signal { signal, .. } => {
            signals.push(*signal);
            false
        }
        Condition::Score { .. } => true,
        Condition::Attribute { .. } => false,
    }
}
