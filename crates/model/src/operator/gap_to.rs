//! `gap_to: BENCHMARK`: how far an account is from what the cohort of a benchmark does; not yet computed.

use super::Draft;
use crate::block::Block;
use crate::plan::{Operator, Unit};
use crate::problem::Report;

pub(super) const KEYS: &[&str] = &["gap_to"];

/// That the benchmark is there is looked at where benchmarks are read.
pub(super) fn read<'t>(block: &Block<'t>, report: &mut Report) -> Option<Draft<'t>> {
    block.get("gap_to")?.text(report)?;
    Some(Draft::Whole(Operator::GapTo, Unit::Percent))
}

/// It is unknown, and keeps nothing.
pub(super) const BYTES: u64 = 0;
