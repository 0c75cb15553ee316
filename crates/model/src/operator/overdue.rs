//! `overdue: milestone`: how many planned milestones are past due and not reached.

use super::Draft;
use crate::block::Block;
use crate::plan::{Operator, Unit};
use crate::problem::Report;

pub(super) const KEYS: &[&str] = &["overdue"];

pub(super) fn read<'t>(block: &Block<'t>, report: &mut Report) -> Option<Draft<'t>> {
    super::planned(block, "overdue", report)?;
    Some(Draft::Whole(Operator::Overdue, Unit::Count))
}

/// 10 milestones, which signals share.
pub(super) const BYTES: u64 = 10 * 32;
