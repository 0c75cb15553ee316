//! `latest: FIELD, from: SOURCE`: the newest value of a number, for ever or until it expires.

use super::{Draft, field_feed};
use crate::block::Block;
use crate::plan::{Operator, Unit};
use crate::problem::Report;
use crate::quantity::LONGEST;
use crate::source::{FieldType, Source};
use crate::time::HOUR;

pub(super) const KEYS: &[&str] = &["latest", "from", "where", "expires"];

pub(super) fn read<'t>(block: &Block<'t>, report: &mut Report) -> Option<Draft<'t>> {
    let taken = field_feed(block, "latest", &[FieldType::Number], Source::Subscription, report);
    let expires = match block.get("expires") {
        Some(spot) => Some(spot.span(HOUR, LONGEST, report)?),
        None => None,
    };
    let (field, feed) = taken?;
    Some(Draft::Whole(Operator::Latest { feed, field, expires }, Unit::Number))
}

/// The value and what orders it.
pub(super) const BYTES: u64 = 32;
