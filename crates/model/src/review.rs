//! The review of a model that compiles: what is right by the language and is perhaps not what was meant.
//!
//! No remark is an error, and none changes what the fold does. A remark that something can *never* be is proved: by
//! intervals that hold every value a signal can take (`reach`) and by spreading conditions out over them
//! (`satisfy`). Where that is not enough, nothing is said; so silence is no proof of the contrary.

mod feed;
mod measure;
mod memory;
mod reach;
mod rule;
mod satisfy;

use crate::compile::{self, Compiled, compile};
use crate::plan::{Kind, Plan, SourceSet};
use crate::problem::{Problem, Problems};
use crate::time::{DAY, EventTime};
use crate::tree;
use crate::tree::{Node, Value};
pub use memory::Memory;

/// What a remark is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// The day on which the model was to be looked at again has passed.
    ReviewOverdue,
    /// A kind of evidence decides too much.
    KindOutweighs,
    /// A measure whose points can never change.
    MeasureFixed,
    /// A measure that can never have all the points of its curve, or never meet its target.
    MeasureOutOfReach,
    /// A measure whose weight is too small to count.
    MeasureWeightless,
    /// Two measures that rest on the same activity.
    SignalsOverlap,
    /// A feed that stops would be taken for customers that are silent.
    SilenceOfFeed,
    /// An alert or a cap that can never begin.
    NeverBegins,
    /// An alert or a cap that can never end.
    NeverEnds,
    /// A cap that takes the score below a band's limit, and leaves the account in that band.
    CapWithinMargin,
    /// A part of a condition, or a key of an alert, that changes nothing.
    NoEffect,
}

impl Subject {
    /// The word for programs.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReviewOverdue => "review-overdue",
            Self::KindOutweighs => "kind-outweighs",
            Self::MeasureFixed => "measure-fixed",
            Self::MeasureOutOfReach => "measure-out-of-reach",
            Self::MeasureWeightless => "measure-weightless",
            Self::SignalsOverlap => "signals-overlap",
            Self::SilenceOfFeed => "silence-of-feed",
            Self::NeverBegins => "never-begins",
            Self::NeverEnds => "never-ends",
            Self::CapWithinMargin => "cap-within-margin",
            Self::NoEffect => "no-effect",
        }
    }
}

/// One remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// What it is about.
    pub subject: Subject,
    /// Where, what, and what may be done about it.
    pub at: Problem,
}

/// What a review came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Review {
    /// The model.
    pub compiled: Compiled,
    /// Remarks in the order of the text.
    pub remarks: Vec<Remark>,
    /// The share of the score that rests on each kind of measure, hundredths of a per cent; all four kinds.
    pub kinds: Vec<(Kind, u32)>,
    /// The same by what feeds the measures, the greatest share first.
    pub feeds: Vec<(SourceSet, u32)>,
    /// About how much memory an account takes.
    pub memory: Memory,
}

/// Compiles and reviews the text of a model, as of a day.
///
/// # Errors
/// As [`crate::compile`]: all problems at once.
pub fn review(text: &str, today: EventTime) -> Result<Review, Problems> {
    let compiled = compile(text)?;
    let root = tree::parse(text, compile::WHAT)?;
    let mut remarks = Remarks { root: &root, list: Vec::new() };
    let plan = &compiled.plan;
    overdue(today, &mut remarks);
    let kinds = measure::kinds(plan);
    measure::outweighing(&kinds, &mut remarks);
    measure::review(plan, &mut remarks);
    measure::overlapping(plan, &mut remarks);
    feed::review(plan, &mut remarks);
    rule::review(plan, &mut remarks);
    let mut remarks = remarks.list;
    remarks.sort_by(|a, b| a.at.cmp(&b.at));
    let (feeds, memory) = (measure::feeds(plan), memory::of(plan));
    Ok(Review { remarks, kinds, feeds, memory, compiled })
}

/// Gathers remarks, each with its place in the text.
struct Remarks<'t> {
    root: &'t Node,
    list: Vec<Remark>,
}

impl Remarks<'_> {
    /// Adds a remark at what stands under `keys`, from the top; of what is not written, at what would hold it.
    fn add(&mut self, subject: Subject, keys: &[&str], message: String, fix: impl Into<String>) {
        let mut node = self.root;
        let mut path = String::new();
        for key in keys {
            let Some(child) = child(node, key) else { break };
            if matches!(node.value, Value::Sequence(_)) {
                path = format!("{path}[{key}]");
            } else {
                let dot = if path.is_empty() { "" } else { "." };
                path = format!("{path}{dot}{key}");
            }
            node = child;
        }
        let (line, column) = (node.mark.line, node.mark.column);
        let at = Problem { line, column, path, message, fix: fix.into() };
        self.list.push(Remark { subject, at });
    }

    /// The text under a key of the top.
    fn text(&self, key: &str) -> Option<&str> {
        match &child(self.root, key)?.value {
            Value::Scalar(text) => Some(text),
            Value::Sequence(_) | Value::Mapping(_) => None,
        }
    }
}

/// What stands under a key, or at a place of a list.
fn child<'t>(node: &'t Node, key: &str) -> Option<&'t Node> {
    match &node.value {
        Value::Mapping(entries) => entries.iter().find(|(k, _)| k.text == key).map(|(_, node)| node),
        Value::Sequence(items) => items.get(key.parse::<usize>().ok()?),
        Value::Scalar(_) => None,
    }
}

fn overdue(today: EventTime, remarks: &mut Remarks<'_>) {
    let date = remarks.text("review_by").map(str::to_owned);
    let Some(date) = date else { return };
    let due = EventTime::parse(&format!("{date}T00:00:00Z"));
    // On that day it is due, from the next one on it is overdue.
    if let Some(days) = due.map(|due| today.since(due) / DAY).filter(|days| *days > 0) {
        let message = format!("the model was to be looked at again by {date}, {days} days ago");
        let fix = "see what it has been worth with those who use it, then write a new date";
        remarks.add(Subject::ReviewOverdue, &["review_by"], message, fix);
    }
}

/// The name of a signal.
fn signal_name(plan: &Plan, signal: usize) -> &str {
    plan.signals.get(signal).map_or("", |signal| &signal.name)
}

/// Hundredths as people read them: `12.5%`.
fn per_cent(hundredths: u32) -> String {
    crate::quantity::shown(crate::plan::Unit::Percent, i64::from(hundredths) * 10_000)
}

/// Hundredths of a point as people read them: `44.5`.
fn points(hundredths: u32) -> String {
    crate::quantity::shown(crate::plan::Unit::Number, i64::from(hundredths) * 10_000)
}
