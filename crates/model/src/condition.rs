//! Conditions: maps of what is compared to its limits, never an expression language.

use crate::block::{Block, Spot};
use crate::nearest::suggestion;
use crate::plan::{Attribute, Comparison, Condition, Unit};
use crate::problem::{Mark, Report, quoted};
use crate::signal::Signals;
use crate::tree::{Key, Value};

pub(crate) const COMPARISONS: [&str; 4] = ["below", "at_most", "at_least", "above"];

/// What a condition may name beside signals; the score first.
const WORDS: [&str; 4] = ["score", "stage", "segment", "any"];

/// Whether a condition may name the score.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Score {
    /// It may.
    Named,
    /// It may not: it decides about the score.
    Refused,
}

/// Reads a condition: several keys mean all of them.
pub(crate) fn read(
    spot: &Spot<'_>,
    score: Score,
    signals: &mut Signals<'_>,
    report: &mut Report,
) -> Option<Condition> {
    let block = Block::open(spot, report)?;
    let mut parts = Vec::new();
    let mut good = true;
    for (key, spot) in block.iter() {
        match part(key, &spot, score, signals, report) {
            Some(part) => parts.push(part),
            None => good = false,
        }
    }
    if good && parts.is_empty() {
        spot.problem(report, "the condition is empty", "write it like `{ score: { below: 45 } }`");
        return None;
    }
    match (good, parts.len()) {
        (false, _) => None,
        (true, 1) => parts.pop(),
        (true, _) => Some(Condition::All(parts)),
    }
}

fn part(
    key: &Key,
    spot: &Spot<'_>,
    score: Score,
    signals: &mut Signals<'_>,
    report: &mut Report,
) -> Option<Condition> {
    match key.text.as_str() {
        "stage" => attribute(Attribute::Stage, spot, report),
        "segment" => attribute(Attribute::Segment, spot, report),
        "any" => {
            let items = spot.items(report)?;
            let parts: Vec<_> = items.iter().map(|item| read(item, score, signals, report)).collect();
            parts.into_iter().collect::<Option<Vec<_>>>().map(Condition::Any)
        }
        "score" if score == Score::Refused => {
            let message = "a cap decides about the score, so it cannot ask for it";
            report.problem(key.mark, &spot.path, message, "name a signal");
            None
        }
        "score" => {
            let tests = tests(spot, report, |spot, report| spot.points(report).map(i64::from))?;
            Some(Condition::Score { tests })
        }
        name => {
            let words: &[&str] = if score == Score::Named { &WORDS } else { &WORDS[1..] };
            let signal = signals.find_beside(words, name, (key.mark, &spot.path), report);
            let unit = signals.list.get(signal?).map(|signal| signal.unit)?;
            let tests = tests(spot, report, |spot, report| limit(spot, unit, report))?;
            Some(Condition::Signal { signal: signal?, tests })
        }
    }
}

fn attribute(attribute: Attribute, spot: &Spot<'_>, report: &mut Report) -> Option<Condition> {
    let any_of = spot.words(report)?.into_iter().map(|(_, word)| word).collect();
    Some(Condition::Attribute { attribute, any_of })
}

fn limit(spot: &Spot<'_>, unit: Unit, report: &mut Report) -> Option<i64> {
    spot.value(unit, report)
}

/// Reads comparisons: several mean all of them.
pub(crate) fn tests(
    spot: &Spot<'_>,
    report: &mut Report,
    limit: impl Fn(&Spot<'_>, &mut Report) -> Option<i64>,
) -> Option<Vec<Comparison>> {
    if matches!(spot.node.value, Value::Scalar(_)) {
        spot.problem(report, "a comparison belongs here", "write it like `{ below: … }`");
        return None;
    }
    let block = Block::open(spot, report)?;
    let mut tests = Vec::new();
    let mut good = true;
    for (key, spot) in block.iter() {
        let compare: fn(i64) -> Comparison = match key.text.as_str() {
            "below" => Comparison::Below,
            "at_most" => Comparison::AtMost,
            "at_least" => Comparison::AtLeast,
            "above" => Comparison::Above,
            other => {
                unknown(other, key.mark, &spot.path, report);
                good = false;
                continue;
            }
        };
        match limit(&spot, report) {
            Some(limit) => tests.push(compare(limit)),
            None => good = false,
        }
    }
    if good && tests.is_empty() {
        spot.problem(report, "there is nothing to compare with", "write it like `{ below: … }`");
        return None;
    }
    good.then_some(tests)
}

fn unknown(word: &str, mark: Mark, path: &str, report: &mut Report) {
    if !report.is_full() {
        let fix = suggestion(word, COMPARISONS);
        report.problem(mark, path, format!("unknown comparison {}", quoted(word)), fix);
    }
}

/// What a condition names.
#[derive(Debug, Default)]
pub(crate) struct Named {
    /// Each signal with its comparisons.
    pub(crate) signals: Vec<(usize, Vec<Comparison>)>,
    /// Whether it names the score.
    pub(crate) score: bool,
}

impl Named {
    /// Adds what a condition names.
    pub(crate) fn by(&mut self, condition: &Condition) {
        match condition {
            Condition::All(parts) | Condition::Any(parts) => parts.iter().for_each(|part| self.by(part)),
            Condition::Signal { signal, tests } => self.signals.push((*signal, tests.clone())),
            Condition::Score { .. } => self.score = true,
            Condition::Attribute { .. } => {}
        }
    }
}
