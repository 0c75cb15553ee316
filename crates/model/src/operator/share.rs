//! `share: FILTER, among: FILTER, from: SOURCE`: the activities that pass one filter in per cent of those that pass
//! another.

use super::{Draft, min_base};
use crate::block::{Block, Spot};
use crate::feed::{self, held, is_of_what_was_held};
use crate::plan::{Feed, Operator, Unit, WordTest};
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
    let whole = whole?;
    let among = feed::tests(&whole, source, report);
    let (mut common, mut counted, mut among) = (common?, counted?, among?);
    // Whoever tests the state in one of them knows of it, and may want all in the other.
    if [&common, &counted, &among].into_iter().all(|tests| is_of_what_was_held(source, tests)) {
        counted.push(held());
        among.push(held());
    }
    for tests in [&mut common, &mut counted, &mut among] {
        tests.sort_by_key(|test| test.field);
    }
    let narrowed = [(&mut counted, &part), (&mut among, &whole)]
        .map(|(tests, spot)| narrow(tests, &common, spot, report));
    if narrowed.contains(&false) {
        return None;
    }
    if all_of(&common, &counted) == all_of(&common, &among) {
        let fix = "test something else under `share`, or leave the signal out";
        part.problem(report, "both filters are the same, so the share is always 100%", fix);
        return None;
    }
    let feed = Feed { source, filter: common };
    let operator =
        Operator::Share { feed, part: counted, whole: among, window: window?, min_base: min_base? };
    Some(Draft::Whole(operator, Unit::Percent))
}

/// Leaves of each test what passes that of the same field under `where` too; says whether something passes each.
fn narrow(tests: &mut [WordTest], common: &[WordTest], filter: &Spot<'_>, report: &mut Report) -> bool {
    let mut good = true;
    for test in tests {
        let Some(before) = common.iter().find(|before| before.field == test.field) else { continue };
        test.any_of.retain(|word| before.any_of.contains(word));
        if test.any_of.is_empty() {
            let name = test.field.name();
            let spot = Block::open(filter, report).and_then(|block| block.get(name));
            let message = format!("nothing passes this test and that of `{name}` under `where`");
            let fix = format!("choose from {}", before.any_of.join(", "));
            spot.as_ref().unwrap_or(filter).problem(report, message, fix);
            good = false;
        }
    }
    good
}

/// What is tested by `where` and a filter that was narrowed by it.
fn all_of(common: &[WordTest], tests: &[WordTest]) -> Vec<WordTest> {
    let is_tested = |before: &&WordTest| tests.iter().any(|test| test.field == before.field);
    let mut all: Vec<WordTest> =
        common.iter().filter(|before| !is_tested(before)).chain(tests).cloned().collect();
    all.sort_by_key(|test| test.field);
    all
}

/// Two numbers of activities a bucket.
pub(super) const fn bytes(buckets: u64) -> u64 {
    32 + 16 * buckets
}
