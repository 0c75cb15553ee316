//! `count_days: SOURCE`: on how many UTC days of a window something happened.

use super::{Draft, own_feed, rolling};
use crate::block::Block;
use crate::plan::{Bucket, Fold, Operator, Unit};
use crate::problem::Report;

pub(super) const KEYS: &[&str] = &["count_days", "over", "where", "min_base"];

pub(super) fn read<'t>(block: &Block<'t>, report: &mut Report) -> Option<Draft<'t>> {
    let feed = own_feed(block, "count_days", report);
    let draft = rolling(block, feed.map(|feed| (Fold::CountDays, feed)), Unit::Days, report)?;
    if let Draft::Whole(Operator::Rolling { window, .. }, _) = &draft {
        // Below that the buckets are hours, and hours would be counted.
        if window.bucket == Bucket::Hour {
            let spot = block.get("over")?;
            spot.problem(report, "days are counted over a window of at least 3d", "write it like `7d`");
            return None;
        }
    }
    Some(draft)
}

/// A bit a day, in stretches of 32 days, of which a window begins and ends within one.
pub(super) const fn bytes(buckets: u64) -> u64 {
    12 + 8 * (buckets / 32 + 2)
}
