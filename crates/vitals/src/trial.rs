//! The test cases of a model, played and judged: where does the account stand, and where should it?
//!
//! What is given becomes records as `vitals produce` takes them, which [`pipeline::rehearsal`] folds as a recorded run
//! would. Nothing here decides anything about a score.

mod given;
mod judge;

use anyhow::Result;
use model::Problems;
use model::suite::{Place, Suite};
use model::time::EventTime;
use pipeline::rehearsal::{Flaw, Found, Script, rehearse};
use serde_json::{Value, json};
use std::path::Path;

/// What a case came to.
#[derive(Clone, Debug)]
pub(crate) struct Verdict {
    /// Its name.
    pub(crate) case: String,
    /// What it is about.
    pub(crate) about: String,
    /// How many instants were looked at.
    pub(crate) asked: usize,
    /// The instants at which something is not as expected.
    pub(crate) missed: Vec<Missed>,
}

/// An instant at which something is not as expected.
#[derive(Clone, Debug)]
pub(crate) struct Missed {
    /// Where the expectation is written.
    pub(crate) place: Place,
    /// The instant.
    pub(crate) at: EventTime,
    /// Days since the start.
    pub(crate) day: i64,
    /// What differs.
    pub(crate) differences: Vec<Difference>,
    /// Where the account stands; `None` if nothing is known of it.
    pub(crate) found: Option<Found>,
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Difference {
    /// Of what: `score`, `values.login_days`.
    pub(crate) what: String,
    /// What is expected, in words.
    pub(crate) expected: String,
    /// What is found, in words.
    pub(crate) found: String,
    /// What decides about it, in words; empty where the contributions say it.
    pub(crate) why: String,
}

impl Verdict {
    /// Whether everything is as expected.
    pub(crate) fn is_met(&self) -> bool {
        self.missed.is_empty()
    }

    /// For programs.
    pub(crate) fn as_json(&self) -> Value {
        let missed: Vec<Value> = self.missed.iter().map(Missed::as_json).collect();
        json!({ "case": self.case, "about": self.about, "asked": self.asked, "missed": missed })
    }
}

impl Missed {
    fn as_json(&self) -> Value {
        let Place { line, column, path } = &self.place;
        let difference = |it: &Difference| json!({ "what": it.what, "expected": it.expected, "found": it.found, "why": it.why });
        let differences: Vec<Value> = self.differences.iter().map(difference).collect();
        let contributions: Vec<Value> = contributions(self.found.as_ref())
            .into_iter()
            .map(|[measure, value, points, weight, contribution]| {
                json!({ "measure": measure, "value": value, "points": points, "weight": weight, "contribution": contribution })
            })
            .collect();
        json!({
            "line": line,
            "column": column,
            "path": path,
            "at": self.at.to_string(),
            "differences": differences,
            "contributions": contributions,
        })
    }
}

pub(crate) use judge::contributions;

/// Plays all cases under the model of a text. Files that cases name are read from `dir`.
///
/// # Errors
/// [`Problems`] of what is given and could not be, all at once; otherwise a file that cannot be read, or a model that cannot
/// be folded.
pub(crate) fn play(suite: &Suite, model: &str, dir: &Path) -> Result<Vec<Verdict>> {
    let mut problems = Vec::new();
    let mut verdicts = Vec::new();
    for case in &suite.cases {
        let given = match given::records(case, dir)? {
            Ok(given) => given,
            Err(problem) => {
                problems.push(problem);
                continue;
            }
        };
        let outages: Vec<_> =
            case.outages.iter().map(|outage| (outage.source, outage.from..outage.until)).collect();
        let asked: Vec<EventTime> = case.expectations.iter().map(|expectation| expectation.at).collect();
        let script = Script {
            model,
            account: &case.account,
            start: case.start,
            records: &given.records,
            outages: &outages,
            asked: &asked,
        };
        match rehearse(&script) {
            Ok(found) => verdicts.push(judge::judge(case, found)),
            Err(Flaw::Rejected(record, reason)) => {
                problems.push(given.problem(case, record, reason.to_string()))
            }
            Err(Flaw::BeforeStart(record)) => {
                problems.push(given.problem(
                    case,
                    record,
                    "it is older than the `start` of the test file".to_owned(),
                ));
            }
            Err(refused @ Flaw::Refused(_)) => return Err(refused.into()),
        }
    }
    if problems.is_empty() {
        return Ok(verdicts);
    }
    problems.sort();
    Err(Problems(problems).into())
}
