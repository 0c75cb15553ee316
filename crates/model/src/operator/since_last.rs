//! `since_last: SOURCE`: for how long nothing has happened.

use super::{Draft, own_feed};
use crate::block::Block;
use crate::plan::{Operator, Unit};
use crate::problem::Report;

pub(super) const KEYS: &[&str] = &["since_last", "where"];

/// The marks are set once all curves and conditions are known.
pub(super) fn read<'t>(block: &Block<'t>, report: &mut Report) -> Option<Draft<'t>> {
    let feed = own_feed(block, "since_last", report)?;
    Some(Draft::Whole(Operator::SinceLast { feed, marks: Vec::new() }, Unit::Span))
}

/// The newest activity, the living time since, the mark it stands at.
pub(super) const BYTES: u64 = 32;
