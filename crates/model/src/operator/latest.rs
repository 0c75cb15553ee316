//! `latest: FIELD, from: SOURCE`: the newest value of a number.

use super::{Draft, field_feed};
use crate::block::Block;
use crate::plan::{Operator, Unit};
use crate::problem::Report;
use crate::source::{FieldType, Source};

pub(super) const KEYS: &[&str] = &["latest", "from", "where"];

pub(super) fn read<'t>(block: &Block<'t>, report: &mut Report) -> Option<Draft<'t>> {
    let (field, feed) = field_feed(block, "latest", &[FieldType::Number], Source::Subscription, report)?;
    Some(Draft::Whole(Operator::Latest { feed, field }, Unit::Number))
}

/// The value and what orders it.
pub(super) const BYTES: u64 = 32;
