//! `distinct: FIELD, from: SOURCE`: how many different values of a word or an identity a window holds.

use super::{Draft, field_feed, rolling};
use crate::block::Block;
use crate::plan::{Fold, Unit};
use crate::problem::Report;
use crate::source::{FieldType, Source};

pub(super) const KEYS: &[&str] = &["distinct", "from", "over", "where", "min_base"];

pub(super) fn read<'t>(block: &Block<'t>, report: &mut Report) -> Option<Draft<'t>> {
    let types = [FieldType::Key, FieldType::Word];
    let taken = field_feed(block, "distinct", &types, Source::FeatureUsage, report);
    rolling(block, taken.map(|(field, feed)| (Fold::Distinct(field), feed)), Unit::Count, report)
}

/// 20 values with the newest bucket of each, and a number of activities a bucket.
pub(super) const fn bytes(buckets: u64) -> u64 {
    16 + 20 * 12 + 4 * buckets
}
