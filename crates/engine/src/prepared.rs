//! A plan made ready for folding: which signals an activity touches, which clocks an account waits on.

use crate::now::Now;
use crate::operator;
use crate::score;
use model::plan::{Operator, Plan, SourceRules, SourceSet};
use model::source::{SOURCES, Source};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// The most sets of weights remembered; beyond it they are worked out anew.
const WEIGHT_SETS: usize = 4_096;

/// Sources that a rule needs close together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Lag {
    pub(crate) sources: SourceSet,
    pub(crate) at_most: i64,
    /// When, on the axis on which sources advance together, they came too far apart (`true`) or together again.
    pub(crate) turns: VecDeque<(i64, bool)>,
}

impl Lag {
    /// Whether they stand too far apart. Not while one of them has no clock: then its signals are unknown.
    pub(crate) fn is_apart_now(&self, now: &Now, rules: &[SourceRules; SOURCES]) -> bool {
        let stands = |source: Source| Some(now.sources[source.index()].at? + rules[source.index()].max_delay);
        let all: Option<Vec<i64>> = self.sources.iter().map(stands).collect();
        all.is_some_and(|all| {
            let (least, most) = (all.iter().min(), all.iter().max());
            most.zip(least).is_some_and(|(most, least)| most - least > self.at_most)
        })
    }

    /// Whether they are too far apart as seen at `u`.
    pub(crate) fn is_apart(&self, u: i64) -> bool {
        self.turns.iter().rev().find(|(z, _)| *z <= u).is_some_and(|(_, apart)| *apart)
    }
}

/// A plan with what the fold derives from it.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) plan: Arc<Plan>,
    pub(crate) text: Arc<str>,
    /// Signals that take in activities of each source.
    pub(crate) fed: [Vec<usize>; SOURCES],
    /// The source that feeds each signal by itself.
    pub(crate) direct: Vec<Option<Source>>,
    /// The sources whose clocks accounts wait on: each has a living and a plain slot; the greatest T is last.
    pub(crate) waits: Vec<Source>,
    pub(crate) slot_of: [usize; SOURCES],
    pub(crate) lags: Vec<Lag>,
    pub(crate) rule_lag: Vec<Option<usize>>,
    pub(crate) has_milestones: bool,
    weights: BTreeMap<u128, Arc<[u32]>>,
}

impl Prepared {
    pub(crate) fn new(plan: Plan, text: Arc<str>) -> Self {
        let mut fed: [Vec<usize>; SOURCES] = Default::default();
        let mut direct = Vec::new();
        let mut has_milestones = false;
        for (i, signal) in plan.signals.iter().enumerate() {
            let source = match &signal.operator {
                Operator::Open { .. } => Some(Source::Support),
                Operator::Reached | Operator::Overdue => {
                    has_milestones = true;
                    Some(Source::Milestone)
                }
                Operator::Rolling { .. }
                | Operator::Trend { .. }
                | Operator::Latest { .. }
                | Operator::Ratio { .. }
                | Operator::SinceLast { .. }
                | Operator::Until { .. } => operator::feed(&signal.operator).map(|feed| feed.source),
            };
            direct.push(source);
            if let Some(source) = source {
                fed[source.index()].push(i);
            }
        }
        let waits: Vec<Source> = plan.used.iter().collect();
        let mut slot_of = [usize::MAX; SOURCES];
        for (i, source) in waits.iter().enumerate() {
            slot_of[source.index()] = 2 * i;
        }
        let mut lags: Vec<Lag> = Vec::new();
        let mut rule_lag = Vec::new();
        for rule in &plan.rules {
            let wanted = Lag { sources: rule.sources, at_most: rule.lag_at_most, turns: VecDeque::new() };
            let place = (rule.sources.len() > 1).then(|| {
                lags.iter().position(|lag| *lag == wanted).unwrap_or_else(|| {
                    lags.push(wanted);
                    lags.len() - 1
                })
            });
            rule_lag.push(place);
        }
        Self {
            plan: Arc::new(plan),
            text,
            fed,
            direct,
            waits,
            slot_of,
            lags,
            rule_lag,
            has_milestones,
            weights: BTreeMap::new(),
        }
    }

    /// How many clocks an account waits on.
    pub(crate) fn slots(&self) -> usize {
        2 * self.waits.len() + 1
    }

    /// How far back a source's dead time is needed.
    pub(crate) fn memory(&self, source: Source) -> i64 {
        let fed = self.fed[source.index()].iter();
        let signals = fed.map(|i| operator::memory(&self.plan.signals[*i].operator)).max().unwrap_or(0);
        let rules =
            self.plan.rules.iter().map(|rule| rule.for_ms.max(rule.cooldown).max(rule.keep_firing_for));
        signals.max(rules.max().unwrap_or(0)) + 2 * model::time::DAY
    }

    /// The effective weights when the measures of `known` (a bit each) are.
    pub(crate) fn weights(&mut self, known: u128) -> Arc<[u32]> {
        if let Some(weights) = self.weights.get(&known) {
            return Arc::clone(weights);
        }
        if self.weights.len() >= WEIGHT_SETS {
            self.weights.clear();
        }
        let mut out = Vec::new();
        score::weights(&self.plan, |i| known & (1 << i) != 0, &mut out);
        let weights: Arc<[u32]> = out.into();
        self.weights.insert(known, Arc::clone(&weights));
        weights
    }
}

/// The most measures a plan can have: one bit each of the set of those that are known.
pub(crate) const MAX_MEASURES: usize = 128;
