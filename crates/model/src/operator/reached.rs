//! `reached: milestone`: the share of the planned milestones that are reached.

use super::Draft;
use crate::block::Block;
use crate::plan::{Operator, Unit};
use crate::problem::Report;

pub(super) const KEYS: &[&str] = &["reached"];

pub(super) fn read<'t>(block: &Block<'t>, report: &mut Report) -> Option<Draft<'t>> {
    super::planned(block, "reached", report)?;
    Some(Draft::Whole(Operator::Reached, Unit::Percent))
}

/// 10 milestones, which signals share.
pub(super) const BYTES: u64 = 10 * 32;
