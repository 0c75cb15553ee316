//! A plan made ready for folding: which signals an activity touches, which clocks an account waits on.

use crate::account::{self, UNKNOWN, part};
use crate::now::Now;
use crate::operator::{self, Layout};
use crate::parts::{Parts, split};
use crate::score;
use model::plan::{Bucket, Operator, Plan, REMEMBERED, SourceRules, SourceSet, WHOLE};
use model::source::{SOURCES, Source};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// No set of weights.
pub(crate) const NO_WEIGHTS: u32 = u32::MAX;

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
        self.apart_since(u).is_some()
    }

    /// Since when they are too far apart as seen at `u`, as far back as is remembered.
    pub(crate) fn apart_since(&self, u: i64) -> Option<i64> {
        let last = self.turns.iter().rev().find(|(z, _)| *z <= u);
        last.filter(|(_, apart)| *apart).map(|(z, _)| *z)
    }
}

/// The effective weights of all measures while some set of them is known.
#[derive(Debug)]
struct Weights {
    of_measures: Box<[u32]>,
    /// Whether any of them is not zero.
    any: bool,
}

/// A signal that takes in activities of a source by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Intake {
    pub(crate) signal: usize,
    /// Whether it takes in only some of them.
    pub(crate) is_filtered: bool,
    /// See [`operator::kept`].
    pub(crate) kept: Option<(Bucket, i64)>,
}

/// A plan with what the fold derives from it.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) plan: Arc<Plan>,
    pub(crate) text: Arc<str>,
    /// Signals that take in activities of each source.
    pub(crate) fed: [Vec<Intake>; SOURCES],
    /// How far back the dead time of each source is needed.
    pub(crate) memory: [i64; SOURCES],
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
    /// Signals that take in nothing: made of others, in the order in which they can be read, or unknown for ever.
    pub(crate) derived: Vec<usize>,
    /// The parts of an account that has seen nothing.
    pub(crate) template: Parts,
    /// The signal of each measure, and its share of the weight when everything is known.
    pub(crate) measured: Box<[(usize, u32)]>,
    /// The measures of each signal.
    pub(crate) measures_of: Box<[Box<[usize]>]>,
    /// Measures whose signals are known, a bit each.
    known: u128,
    /// The place of the weights while just these are.
    weights: usize,
    /// The number of the first set of weights that is remembered.
    first_weights: usize,
    /// The sets of weights that are, and where that of each such set of measures stands.
    weight_sets: Vec<Weights>,
    weight_places: BTreeMap<u128, usize>,
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

/// How far back the dead time of a source is needed that feeds these signals.
fn memory(plan: &Plan, fed: &[Intake]) -> i64 {
    let signals = fed.iter().map(|intake| operator::memory(&plan.signals[intake.signal].operator));
    let rules = plan.rules.iter().map(|rule| rule.for_ms.max(rule.cooldown).max(rule.keep_firing_for));
    let asked = signals.max().unwrap_or(0).max(rules.max().unwrap_or(0));
    // Whoever looks back further than this is a signal of its own: see `model::fingerprint::definition`.
    asked.max(REMEMBERED) + 2 * model::time::DAY
}

impl Prepared {
    pub(crate) fn new(plan: Plan, text: Arc<str>) -> Self {
        let mut fed: [Vec<Intake>; SOURCES] = Default::default();
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
                | Operator::DecayedMean { .. }
                | Operator::Share { .. }
                | Operator::Trend { .. }
                | Operator::OwnAverage { .. }
                | Operator::Latest { .. }
                | Operator::Ratio { .. }
                | Operator::SinceLast { .. }
                | Operator::Cadence { .. }
                | Operator::Until { .. }
                | Operator::GapTo => operator::feed(&signal.operator).map(|feed| feed.source),
            };
            direct.push(source);
            if let Some(source) = source {
                let is_filtered = operator::is_filtered(&signal.operator);
                let kept = operator::kept(&signal.operator);
                fed[source.index()].push(Intake { signal: i, is_filtered, kept });
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
        debug_assert!(plan.measures.iter().map(|measure| measure.base_weight).sum::<u32>() <= WHOLE);
        let measured: Box<[_]> =
            plan.measures.iter().map(|measure| (measure.signal, measure.base_weight)).collect();
        let measures_of = (0..plan.signals.len())
            .map(|signal| (0..measured.len()).filter(|measure| measured[*measure].0 == signal).collect());
        let mut prepared = Self {
            memory: std::array::from_fn(|source| memory(&plan, &fed[source])),
            measures_of: measures_of.collect(),
            measured,
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
            weights: 0,
            first_weights: 0,
            weight_sets: Vec::new(),
            weight_places: BTreeMap::new(),
        };
        prepared.work_out();
        prepared
    }

    /// Makes [`Prepared::weights`] those of when the measures of `known`, a bit each, are known.
    pub(crate) fn weigh(&mut self, known: u128) {
        if known == self.known {
            return;
        }
        self.known = known;
        match self.weight_places.get(&known) {
            Some(place) => self.weights = *place,
            None => self.work_out(),
        }
    }

    /// The effective weights of all measures.
    pub(crate) fn weights(&self) -> &[u32] {
        &self.weight_sets[self.weights].of_measures
    }

    /// The number of this set of weights: no other ever has it.
    pub(crate) fn weights_number(&self) -> u32 {
        u32::try_from(self.first_weights + self.weights).unwrap_or(NO_WEIGHTS)
    }

    /// Whether any measure weighs something.
    pub(crate) fn has_weight(&self) -> bool {
        self.weight_sets[self.weights].any
    }

    fn work_out(&mut self) {
        if self.weight_sets.len() >= WEIGHT_SETS {
            self.first_weights += self.weight_sets.len();
            self.weight_sets.clear();
            self.weight_places.clear();
        }
        let mut of_measures = Vec::new();
        score::weights(&self.plan, |i| self.known & (1 << i) != 0, &mut of_measures);
        self.weights = self.weight_sets.len();
        self.weight_places.insert(self.known, self.weights);
        let any = of_measures.iter().any(|weight| *weight > 0);
        self.weight_sets.push(Weights { of_measures: of_measures.into(), any });
    }
}
