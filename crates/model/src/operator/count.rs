//! `count: SOURCE`: how many activities a window holds.

use super::{Draft, own_feed, rolling};
use crate::block::Block;
use crate::plan::{Fold, Unit};
use crate::problem::Report;

pub(super) const KEYS: &[&str] = &["count", "over", "where", "min_base"];

pub(super) fn read<'t>(block: &Block<'t>, report: &mut Report) -> Option<Draft<'t>> {
    let feed = own_feed(block, "count", report);
    rolling(block, feed.map(|feed| (Fold::Count, feed)), Unit::Count, report)
}

/// A number a bucket.
pub(super) const fn bytes(buckets: u64) -> u64 {
    16 + 4 * buckets
}
