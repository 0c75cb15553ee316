//! Rolling windows: `over: 28d`.

use crate::block::Block;
use crate::plan::{Bucket, Window};
use crate::problem::Report;
use crate::quantity::shown;
use crate::time::{DAY, HOUR};

/// The widest window.
pub(crate) const WIDEST: i64 = 400 * DAY;
/// From this width on the buckets are days.
pub(crate) const DAILY: i64 = 3 * DAY;

/// Reads the window of a rolling signal.
pub(crate) fn over(block: &Block<'_>, report: &mut Report) -> Option<Window> {
    let spot = block.need("over", "28d", report)?;
    let width = spot.span(HOUR, WIDEST, report)?;
    let bucket = if width < DAILY { Bucket::Hour } else { Bucket::Day };
    if width % bucket.width() != 0 {
        let whole = width / bucket.width() * bucket.width();
        let (message, fix) = match bucket {
            Bucket::Hour => ("a window below 3d is a whole number of hours", whole),
            Bucket::Day => ("a window of 3d or more is a whole number of days", whole),
        };
        spot.problem(report, message, format!("write it like `{}`", shown(crate::plan::Unit::Span, fix)));
        return None;
    }
    Some(Window { width, bucket })
}
