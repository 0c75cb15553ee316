//! `until: FIELD, from: SOURCE`: how long until an instant, such as the renewal.

use super::{Draft, field_feed};
use crate::block::Block;
use crate::plan::{Operator, Unit};
use crate::problem::Report;
use crate::source::{FieldType, Source};

pub(super) const KEYS: &[&str] = &["until", "from", "where"];

/// The marks are set once all curves and conditions are known.
pub(super) fn read<'t>(block: &Block<'t>, report: &mut Report) -> Option<Draft<'t>> {
    let (field, feed) = field_feed(block, "until", &[FieldType::Time], Source::Subscription, report)?;
    Some(Draft::Whole(Operator::Until { feed, field, marks: Vec::new() }, Unit::Span))
}

/// The instant, what orders it, the mark it stands at.
pub(super) const BYTES: u64 = 40;
