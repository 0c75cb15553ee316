//! `nps: SOURCE`: the Net Promoter Score of the answers in a window.

use super::{Draft, own_feed, rolling};
use crate::block::Block;
use crate::feed::activities;
use crate::plan::{Fold, Unit, WordTest};
use crate::problem::{Report, quoted};
use crate::source::{Field, Source};

pub(super) const KEYS: &[&str] = &["nps", "over", "where", "min_base"];

pub(super) fn read<'t>(block: &Block<'t>, report: &mut Report) -> Option<Draft<'t>> {
    let mut feed = own_feed(block, "nps", report);
    if let Some(feed) = &mut feed {
        if !feed.source.fields().contains(&Field::Score) {
            let known: Vec<&str> = activities()
                .filter(|source| source.fields().contains(&Field::Score))
                .map(Source::name)
                .collect();
            let fix = format!("choose from {}", known.join(", "));
            block.get("nps")?.problem(report, format!("{} has no scores", quoted(feed.source.name())), fix);
            return None;
        }
        // Other surveys ask for other scores.
        if feed.source == Source::Feedback && feed.filter.iter().all(|test| test.field != Field::Kind) {
            feed.filter.push(WordTest { field: Field::Kind, any_of: vec!["nps".to_owned()] });
            feed.filter.sort_by_key(|test| test.field);
        }
    }
    rolling(block, feed.map(|feed| (Fold::Nps, feed)), Unit::Number, report)
}

/// A sum and a number of answers a bucket.
pub(super) const fn bytes(buckets: u64) -> u64 {
    32 + 16 * buckets
}
