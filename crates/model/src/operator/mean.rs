//! `mean: FIELD, from: SOURCE`: the plain mean of a number over a window.

use super::{Draft, field_feed, rolling};
use crate::block::Block;
use crate::plan::{Fold, Unit};
use crate::problem::Report;
use crate::source::{FieldType, Source};

pub(super) const KEYS: &[&str] = &["mean", "from", "over", "where", "min_base"];

pub(super) fn read<'t>(block: &Block<'t>, report: &mut Report) -> Option<Draft<'t>> {
    let taken = field_feed(block, "mean", &[FieldType::Number], Source::Feedback, report);
    rolling(block, taken.map(|(field, feed)| (Fold::Mean(field), feed)), Unit::Number, report)
}

/// A sum and a number of activities a bucket.
pub(super) const fn bytes(buckets: u64) -> u64 {
    24 + 12 * buckets
}
