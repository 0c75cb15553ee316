//! A plan made ready for folding: which signals an activity touches, which clocks an account waits on.

use crate::account::{self, UNKNOWN, part};
use crate::now::Now;
use crate::operator::{self, Layout};
use crate::parts::{Parts, split};
use crate::score;
use model::plan::{Operator, Plan, SourceRules, SourceSet, WHOLE};
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
    /// How the state of each signal is laid out, and in which part of an account it begins.
    pub(crate) layouts: Vec<(Layout, usize)>,
    /// The part of an account that holds its fingerprints: the last one, which changes most.
    pub(crate) seen: usize,
    /// Signals that are made of others, in the order in which they can be read.
    pub(crate) derived: Vec<usize>,
    /// The parts of an account that has seen nothing.
    pub(crate) template: Parts,
    /// Measures whose signals are known, a bit each, and the weights of all while just these are.
    known: u128,
    weights: Arc<[u32]>,
    weight_sets: BTreeMap<u128, Arc<[u32]>>,
    /// The share of the weight that is known and fresh when all is.
    pub(crate) whole_coverage: u32,
}

/// The parts of an account under a plan: those of its signals, with where each begins, and all together.
fn lay_out(plan: &Plan, slots: usize) -> (Vec<(Layout, usize)>, Parts) {
    let mut parts: Vec<Vec<u32>> = vec![Vec::new(); part::SIGNALS];
    parts[part::READINGS] = plan.signals.iter().flat_map(|_| split(UNKNOWN)).collect();
    parts[part::SCORED] = plan.measures.iter().flat_map(|_| account::Scored::UNKNOWN.words()).collect();
    parts[part::DUE] = (0..slots).flat_map(|_| account::Slot::NEVER.words()).collect();
    let mut layouts = Vec::new();
    for signal in &plan.signals {
        let layout = Layout::of(&signal.operator);
        layouts.push((layout, parts.len()));
        parts.extend(layout.empty());
    }
    // The fingerprints.
    parts.push(Vec::new());
    let lens: Vec<u32> = parts.iter().map(|part| u32::try_from(part.len()).unwrap_or(0)).collect();
    let mut template = Parts::new(&lens);
    for (place, part) in parts.iter().enumerate() {
        template.get_mut(place).copy_from_slice(part);
    }
    (layouts, template)
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
        let (layouts, template) = lay_out(&plan, 2 * waits.len() + 1);
        let derived = (0..direct.len()).filter(|i| direct[*i].is_none()).collect();
        let whole_coverage = plan.measures.iter().map(|measure| measure.base_weight).sum();
        debug_assert!(whole_coverage <= WHOLE);
        let mut prepared = Self {
            plan: Arc::new(plan),
            text,
            fed,
            direct,
            waits,
            slot_of,
            lags,
            rule_lag,
            has_milestones,
            seen: template.count() - 1,
            layouts,
            derived,
            template,
            known: 0,
            weights: Arc::default(),
            weight_sets: BTreeMap::new(),
            whole_coverage,
        };
        prepared.weights = prepared.work_out(0);
        prepared
    }

    /// How far back a source's dead time is needed.
    pub(crate) fn memory(&self, source: Source) -> i64 {
        let fed = self.fed[source.index()].iter();
        let signals = fed.map(|i| operator::memory(&self.plan.signals[*i].operator)).max().unwrap_or(0);
        let rules =
            self.plan.rules.iter().map(|rule| rule.for_ms.max(rule.cooldown).max(rule.keep_firing_for));
        signals.max(rules.max().unwrap_or(0)) + 2 * model::time::DAY
    }

    /// Makes [`Prepared::weights`] those of when the measures of `known`, a bit each, are known.
    pub(crate) fn weigh(&mut self, known: u128) {
        if known == self.known {
            return;
        }
        self.known = known;
        if let Some(weights) = self.weight_sets.get(&known) {
            self.weights = Arc::clone(weights);
            return;
        }
        if self.weight_sets.len() >= WEIGHT_SETS {
            self.weight_sets.clear();
        }
        self.weights = self.work_out(known);
        self.weight_sets.insert(known, Arc::clone(&self.weights));
    }

    /// The effective weights of all measures.
    pub(crate) fn weights(&self) -> &[u32] {
        &self.weights
    }

    fn work_out(&self, known: u128) -> Arc<[u32]> {
        let mut weights = Vec::new();
        score::weights(&self.plan, |i| known & (1 << i) != 0, &mut weights);
        weights.into()
    }
}
