//! Outcomes: labels for back-tests and benchmarks, never part of the live score. Checked, not compiled.

use crate::block::{Block, Keys, Spot};
use crate::feed;
use crate::nearest::suggestion;
use crate::problem::{Report, quoted};
use crate::source::Source;

pub(crate) const KEYS: Keys = Keys { known: &["good", "bad"], later: &[] };

/// Checks the block `outcomes`.
pub(crate) fn check(spot: &Spot<'_>, report: &mut Report) {
    let Some(block) = Block::with(spot, &KEYS, report) else { return };
    for outcome in KEYS.known.iter().filter_map(|key| block.get(key)) {
        let Some(block) = Block::open(&outcome, report) else { continue };
        if block.first().is_none() {
            outcome.problem(
                report,
                "the outcome is empty",
                "write it like `{ subscription: { kind: ended } }`",
            );
        }
        for (key, spot) in block.iter() {
            match feed::source_of(&key.text) {
                // Only whether they can be read: nothing is made of them yet.
                Some(source) => drop(feed::tests(&spot, source, report)),
                None if report.is_full() => break,
                None => {
                    let fix = suggestion(&key.text, feed::activities().map(Source::name));
                    let message = format!("unknown source {}", quoted(&key.text));
                    report.problem(key.mark, &spot.path, message, fix);
                }
            }
        }
    }
}
