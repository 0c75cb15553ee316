//! `share: FILTER, among: FILTER, from: SOURCE`: the activities that pass one filter in per cent of those that pass
//! another.

use super::{Draft, min_base};
use crate::block::Block;
use crate::feed::{self, held_unless_tested};
use crate::plan::{Feed, Operator, Unit};
use crate::problem::Report;
use crate::window;

pub(super) const KEYS: &[&str] = &["share", "among", "from", "over", "where", "min_base"];

pub(super) fn read<'t>(block: &Block<'t>, report: &mut Report) -> Option<Draft<'t>> {
    let part = block.get("share")?;
    let whole = block.need("among", "{ kind: solved }", report);
    let from = block.need("from", "support", report);
    let window = window::over(block, report);
    let min_base = min_base(block, report);
    let source = feed::source(&from?, report)?;
    let common = match block.get("where") {
        Some(spot) => feed::tests(&spot, source, report),
        None => Some(Vec::new()),
    };
    let counted = feed::tests(&part, source, report);
    let among = feed::tests(&whole?, source, report);
    let (mut common, mut counted, mut among) = (common?, counted?, among?);
    for tests in [&mut counted, &mut among] {
        held_unless_tested(source, &common, tests);
        tests.sort_by_key(|test| test.field);
    }
    common.sort_by_key(|test| test.field);
    if counted == among {
        let fix = "test something else under `share`, or leave the signal out";
        part.problem(report, "both filters are the same, so the share is always 100%", fix);
        return None;
    }
    let feed = Feed { source, filter: common };
    let operator =
        Operator::Share { feed, part: counted, whole: among, window: window?, min_base: min_base? };
    Some(Draft::Whole(operator, Unit::Percent))
}

/// Two numbers of activities a bucket.
pub(super) const fn bytes(buckets: u64) -> u64 {
    32 + 16 * buckets
}
