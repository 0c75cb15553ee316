//! `nps: SOURCE`: the Net Promoter Score of the answers in a window.

use super::{Draft, rolling};
use crate::block::{Block, Spot};
use crate::feed::{self, activities};
use crate::plan::{Fold, Unit, WordTest};
use crate::problem::{Report, quoted};
use crate::source::{Field, Source};

pub(super) const KEYS: &[&str] = &["nps", "over", "where", "min_base"];

pub(super) fn read<'t>(block: &Block<'t>, report: &mut Report) -> Option<Draft<'t>> {
    let source = block.get("nps").and_then(|spot| scored(&spot, report));
    let mut feed = source.and_then(|source| feed::feed(block, source, report));
    // Other surveys ask for other scores.
    if let Some(feed) = feed.as_mut().filter(|feed| feed.source == Source::Feedback)
        && feed.filter.iter().all(|test| test.field != Field::Kind)
    {
        feed.filter.push(WordTest { field: Field::Kind, any_of: vec!["nps".to_owned()] });
        feed.filter.sort_by_key(|test| test.field);
    }
    rolling(block, feed.map(|feed| (Fold::Nps, feed)), Unit::Number, report)
}

/// A source; one without scores is told of, and is one all the same: what else is said of it can be read.
fn scored(spot: &Spot<'_>, report: &mut Report) -> Option<Source> {
    let has_scores = |source: &Source| source.fields().contains(&Field::Score);
    let source = feed::source(spot, report)?;
    if !has_scores(&source) {
        let known: Vec<&str> = activities().filter(has_scores).map(Source::name).collect();
        let fix = format!("choose from {}", known.join(", "));
        spot.problem(report, format!("{} has no scores", quoted(source.name())), fix);
    }
    Some(source)
}

/// A sum and a number of answers a bucket.
pub(super) const fn bytes(buckets: u64) -> u64 {
    32 + 16 * buckets
}
