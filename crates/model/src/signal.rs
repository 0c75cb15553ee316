//! Signals: read in any order, put into one in which each follows the parts that it is made of.

use crate::block::{Block, Spot};
use crate::fingerprint;
use crate::nearest::suggestion;
use crate::operator::{Draft, Part};
use crate::plan::{Operator, Signal, SourceSet, Unit};
use crate::problem::{Mark, Report, quoted};
use crate::source::Source;
use std::collections::BTreeMap;

/// The most signals that a model may have.
const MOST: usize = 512;
/// Words that conditions use for something else.
const RESERVED: [&str; 5] = ["score", "stage", "segment", "any", "everyone"];

/// The signals of a model, and which of them are used.
#[derive(Debug, Default)]
pub(crate) struct Signals<'t> {
    /// In the order of the plan.
    pub(crate) list: Vec<Signal>,
    /// Where each is defined.
    pub(crate) spots: Vec<Spot<'t>>,
    /// Whether something names it.
    pub(crate) used: Vec<bool>,
    /// All names, also of signals that could not be read.
    names: BTreeMap<String, Option<usize>>,
    /// The signals that are being put into the plan, each a part of the one before.
    open: Vec<String>,
}

impl<'t> Signals<'t> {
    /// Reads the block `signals`.
    pub(crate) fn read(spot: &Spot<'t>, report: &mut Report) -> Self {
        let mut signals = Self::default();
        let Some(block) = Block::open(spot, report) else { return signals };
        let mut pending = BTreeMap::new();
        let mut order = Vec::new();
        for (key, spot) in block.named(MOST, report) {
            if RESERVED.contains(&key.text.as_str()) {
                let message = format!("{} means something else in conditions", quoted(&key.text));
                report.problem(key.mark, &spot.path, message, "choose another name");
                continue;
            }
            let draft = Draft::read(&spot, report);
            signals.names.insert(key.text.clone(), None);
            order.push(key.text.as_str());
            pending.insert(key.text.as_str(), (spot, draft));
        }
        for name in order {
            signals.resolve(name, &mut pending, report);
        }
        signals
    }

    /// Puts a signal into the plan, its parts first; a name is taken from `pending` as soon as it is looked at.
    fn resolve(
        &mut self,
        name: &str,
        pending: &mut BTreeMap<&'t str, (Spot<'t>, Option<Draft<'t>>)>,
        report: &mut Report,
    ) {
        let Some((spot, Some(draft))) = pending.remove(name) else { return };
        self.open.push(name.to_owned());
        let mut parts = Vec::new();
        for at in draft.parts() {
            let Some(part) = at.text(report) else { continue };
            if self.open.iter().any(|open| open == part) {
                let message = format!("{} is made of itself", quoted(part));
                at.problem(report, message, "make it of other signals");
                continue;
            }
            self.resolve(part, pending, report);
            parts.extend(self.find(part, (at.node.mark, &at.path), report));
        }
        self.open.pop();
        if parts.len() != draft.parts().len() {
            return;
        }
        let known = |index: &usize| {
            let signal = self.list.get(*index)?;
            Some(Part { index: *index, operator: &signal.operator, unit: signal.unit })
        };
        let known: Vec<Part<'_>> = parts.iter().filter_map(known).collect();
        if let Some((operator, unit)) = draft.resolve(&known, report) {
            self.add(name, spot, operator, unit);
        }
    }

    fn add(&mut self, name: &str, spot: Spot<'t>, operator: Operator, unit: Unit) {
        let of = |index: usize| self.list.get(index).map_or_else(SourceSet::default, |signal| signal.sources);
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
            Operator::Ratio { part, whole, .. } => of(*part).union(of(*whole)),
            Operator::Open { .. } => SourceSet::of(Source::Support),
            Operator::Reached | Operator::Overdue => SourceSet::of(Source::Milestone),
            // Those of what its benchmark is of, which is not read yet.
            Operator::GapTo => SourceSet::default(),
        };
        self.names.insert(name.to_owned(), Some(self.list.len()));
        // Its marks matter to its definition, and are not known before all curves and conditions are.
        self.list.push(Signal { name: name.to_owned(), unit, operator, definition: 0, sources });
        self.spots.push(spot);
        self.used.push(false);
    }

    /// Sets what the state of each signal depends on, once the marks are set. Those that it is made of come before it.
    pub(crate) fn define(&mut self) {
        for index in 0..self.list.len() {
            let (earlier, rest) = self.list.split_at_mut(index);
            if let Some(signal) = rest.first_mut() {
                signal.definition = fingerprint::definition(signal, earlier);
            }
        }
    }

    /// The signal of a name, from then on a used one. A signal with problems of its own is found by no one.
    pub(crate) fn find(&mut self, name: &str, at: (Mark, &str), report: &mut Report) -> Option<usize> {
        self.find_beside(&[], name, at, report)
    }

    /// The same where these words may stand, too.
    pub(crate) fn find_beside(
        &mut self,
        words: &[&str],
        name: &str,
        at: (Mark, &str),
        report: &mut Report,
    ) -> Option<usize> {
        if !self.has(name) && !report.is_full() {
            let known = self.names.keys().map(String::as_str).chain(words.iter().copied());
            let fix = suggestion(name, known);
            report.problem(at.0, at.1, format!("unknown signal {}", quoted(name)), fix);
        }
        self.named(name)
    }

    /// The same where there need be none, and nothing is reported.
    pub(crate) fn named(&mut self, name: &str) -> Option<usize> {
        let index = self.names.get(name).copied().flatten()?;
        if let Some(used) = self.used.get_mut(index) {
            *used = true;
        }
        Some(index)
    }

    /// Whether there is a signal of this name, if only one with problems of its own.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    /// The sources that feed all signals.
    pub(crate) fn sources(&self) -> SourceSet {
        self.list.iter().fold(SourceSet::default(), |all, signal| all.union(signal.sources))
    }
}
