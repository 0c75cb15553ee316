//! `cadence: SOURCE, every: SPAN`: for how long something that is due again and again is overdue.

use super::{Draft, own_feed};
use crate::block::Block;
use crate::plan::{Operator, Unit};
use crate::problem::Report;
use crate::quantity::LONGEST;
use crate::time::HOUR;

pub(super) const KEYS: &[&str] = &["cadence", "every", "where"];

/// The marks are set once all curves and conditions are known.
pub(super) fn read<'t>(block: &Block<'t>, report: &mut Report) -> Option<Draft<'t>> {
    let feed = own_feed(block, "cadence", report);
    let every = block.need("every", "90d", report).and_then(|spot| spot.span(HOUR, LONGEST, report));
    let operator = Operator::Cadence { feed: feed?, every: every?, marks: Vec::new() };
    Some(Draft::Whole(operator, Unit::Span))
}

/// The newest activity, the living time since, the mark it stands at.
pub(super) const BYTES: u64 = 32;
