//! `open: support`: how many tickets are open.

use super::Draft;
use crate::block::{Block, Keys};
use crate::feed;
use crate::plan::{Operator, Unit};
use crate::problem::{Report, quoted};
use crate::source::{Field, Source};

pub(super) const KEYS: &[&str] = &["open", "where"];

const TESTS: Keys = Keys { known: &["priority"], later: &[] };

pub(super) fn read<'t>(block: &Block<'t>, report: &mut Report) -> Option<Draft<'t>> {
    let spot = block.get("open")?;
    let source = feed::source(&spot, report)?;
    if source != Source::Support {
        let message = format!("{} has no tickets", quoted(source.name()));
        spot.problem(report, message, "write `open: support`");
        return None;
    }
    let priority = match block.get("where") {
        Some(spot) => {
            let tests = Block::with(&spot, &TESTS, report)?;
            let priority = tests.need("priority", "[high, urgent]", report)?;
            feed::words(&priority, source, Field::Priority, report)?
        }
        None => Vec::new(),
    };
    Some(Draft::Whole(Operator::Open { priority }, Unit::Count))
}

/// 10 tickets.
pub(super) const BYTES: u64 = 10 * 32;
