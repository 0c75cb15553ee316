//! Whether a condition can hold at all: interval reasoning over what signals and the score can take.
//!
//! A condition is spread out into boxes, each an interval for every signal that it names and the words that segment
//! and stage may be. Signals are taken to be independent, so a box may be thought possible that is not; one that is
//! empty is impossible for certain. With too many boxes nothing is said.

use super::reach::{Reach, of_score, of_signal};
use crate::plan::{Attribute, Comparison, Condition, Plan};
use std::collections::{BTreeMap, BTreeSet};

/// With more boxes than this nothing is proved.
const MOST_BOXES: usize = 1_024;

/// Whether a condition is to hold or not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// It holds.
    Holds,
    /// It does not.
    Fails,
}

/// What is unknown: left aside, or one more value, of which no comparison is true.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unknown {
    /// Only what is known is looked at.
    Aside,
    /// A comparison with it is false.
    False,
}

/// What a comparison is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Subject {
    Signal(usize),
    Score,
}

#[derive(Clone, Copy, Debug)]
struct Domain {
    reach: Reach,
    may_be_unknown: bool,
}

impl Domain {
    /// Leaves what passes.
    fn narrow(&mut self, test: Comparison) {
        let Reach { low, high, .. } = &mut self.reach;
        match test {
            Comparison::Below(limit) => *high = (*high).min(limit.saturating_sub(1)),
            Comparison::AtMost(limit) => *high = (*high).min(limit),
            Comparison::AtLeast(limit) => *low = (*low).max(limit),
            Comparison::Above(limit) => *low = (*low).max(limit.saturating_add(1)),
        }
    }

    fn is_empty(&self) -> bool {
        let Reach { low, high, step } = self.reach;
        // The least and the greatest multiple of the step.
        let least = if low == i64::MIN { low } else { low.div_euclid(step) * step };
        let least = if least < low { least.saturating_add(step) } else { least };
        least > high && !self.may_be_unknown
    }
}

/// What a segment or a stage may be.
#[derive(Clone, Debug, Default)]
struct Words {
    one_of: Option<BTreeSet<String>>,
    none_of: BTreeSet<String>,
}

impl Words {
    fn is_empty(&self) -> bool {
        self.one_of.as_ref().is_some_and(|words| words.iter().all(|word| self.none_of.contains(word)))
    }
}

#[derive(Clone, Debug, Default)]
struct Possible {
    values: BTreeMap<Subject, Domain>,
    segment: Words,
    stage: Words,
}

impl Possible {
    fn is_empty(&self) -> bool {
        self.values.values().any(Domain::is_empty) || self.segment.is_empty() || self.stage.is_empty()
    }

    fn words(&mut self, attribute: Attribute) -> &mut Words {
        match attribute {
            Attribute::Segment => &mut self.segment,
            Attribute::Stage => &mut self.stage,
        }
    }
}

/// Asks of the accounts of a model.
#[derive(Debug)]
pub(super) struct World<'p> {
    plan: &'p Plan,
    unknown: Unknown,
}

impl<'p> World<'p> {
    /// Of accounts that are scored.
    pub(super) const fn new(plan: &'p Plan, unknown: Unknown) -> Self {
        Self { plan, unknown }
    }

    /// Whether it is proved that no account meets all of these at once.
    pub(super) fn refutes(&self, asked: &[(&Condition, Asked)]) -> bool {
        let mut begin = Possible::default();
        begin.stage.none_of.extend(self.plan.not_scored_stages.iter().cloned());
        begin.segment.none_of.extend(self.plan.not_scored_segments.iter().cloned());
        let mut boxes = vec![begin];
        for (condition, asked) in asked {
            let Some(next) = self.spread(boxes, condition, *asked) else { return false };
            boxes = next;
        }
        boxes.is_empty()
    }

    /// The boxes in which the condition is as asked; `None` if they are too many.
    fn spread(&self, boxes: Vec<Possible>, condition: &Condition, asked: Asked) -> Option<Vec<Possible>> {
        let found = match (condition, asked) {
            (Condition::All(parts), Asked::Holds) | (Condition::Any(parts), Asked::Fails) => {
                parts.iter().try_fold(boxes, |boxes, part| self.spread(boxes, part, asked))?
            }
            (Condition::Any(parts), Asked::Holds) | (Condition::All(parts), Asked::Fails) => {
                let mut all = Vec::new();
                for part in parts {
                    all.extend(self.spread(boxes.clone(), part, asked)?);
                }
                all
            }
            (Condition::Signal { signal, tests }, _) => {
                self.compare(&boxes, Subject::Signal(*signal), tests, asked)
            }
            (Condition::Score { tests }, _) => self.compare(&boxes, Subject::Score, tests, asked),
            (Condition::Attribute { attribute, any_of }, _) => {
                boxes.into_iter().map(|possible| name(possible, *attribute, any_of, asked)).collect()
            }
        };
        let found: Vec<Possible> = found.into_iter().filter(|possible| !possible.is_empty()).collect();
        (found.len() <= MOST_BOXES).then_some(found)
    }

    fn compare(
        &self,
        boxes: &[Possible],
        subject: Subject,
        tests: &[Comparison],
        asked: Asked,
    ) -> Vec<Possible> {
        let narrowed = |possible: &Possible, tests: &[Comparison]| {
            let mut possible = possible.clone();
            let domain = possible.values.entry(subject).or_insert_with(|| self.domain(subject));
            tests.iter().for_each(|test| domain.narrow(*test));
            domain.may_be_unknown &= asked == Asked::Fails;
            possible
        };
        match asked {
            Asked::Holds => boxes.iter().map(|possible| narrowed(possible, tests)).collect(),
            Asked::Fails => {
                let each = |possible| tests.iter().map(move |test| narrowed(possible, &[opposite(*test)]));
                boxes.iter().flat_map(each).collect()
            }
        }
    }

    fn domain(&self, subject: Subject) -> Domain {
        let reach = match subject {
            Subject::Signal(signal) => of_signal(self.plan, signal),
            Subject::Score => of_score(self.plan),
        };
        Domain { reach, may_be_unknown: self.unknown == Unknown::False }
    }
}

fn name(mut possible: Possible, attribute: Attribute, any_of: &[String], asked: Asked) -> Possible {
    let words = possible.words(attribute);
    match asked {
        Asked::Holds => {
            let among: BTreeSet<String> = any_of.iter().cloned().collect();
            words.one_of = Some(match words.one_of.take() {
                Some(before) => before.intersection(&among).cloned().collect(),
                None => among,
            });
        }
        Asked::Fails => words.none_of.extend(any_of.iter().cloned()),
    }
    possible
}

const fn opposite(test: Comparison) -> Comparison {
    match test {
        Comparison::Below(limit) => Comparison::AtLeast(limit),
        Comparison::AtMost(limit) => Comparison::Above(limit),
        Comparison::AtLeast(limit) => Comparison::Below(limit),
        Comparison::Above(limit) => Comparison::AtMost(limit),
    }
}
