//! How each feed behaves: the block `sources`.

use crate::block::{Block, Keys, Spot};
use crate::nearest::suggestion;
use crate::plan::SourceRules;
use crate::problem::{Report, quoted};
use crate::source::{SOURCES, Source};
use crate::time::{DAY, SECOND};

pub(crate) const KEYS: Keys =
    Keys { known: &["max_delay", "max_skew", "silent_at_most", "stale_after", "dedup"], later: &[] };

/// Reads the block; what it leaves out has its default.
pub(crate) fn read(spot: Option<&Spot<'_>>, report: &mut Report) -> [SourceRules; SOURCES] {
    let mut all = [SourceRules::default(); SOURCES];
    let Some(block) = spot.and_then(|spot| Block::open(spot, report)) else { return all };
    for (key, spot) in block.iter() {
        match Source::parse(&key.text) {
            Some(source) => {
                if let Some(rules) = all.get_mut(source.index()) {
                    one(&spot, rules, report);
                }
            }
            None if report.is_full() => break,
            None => {
                let fix = suggestion(&key.text, Source::ALL.map(Source::name));
                report.problem(key.mark, &spot.path, format!("unknown source {}", quoted(&key.text)), fix);
            }
        }
    }
    all
}

fn one(spot: &Spot<'_>, rules: &mut SourceRules, report: &mut Report) {
    let Some(block) = Block::with(spot, &KEYS, report) else { return };
    let mut span = |key: &str, least: i64, most: i64| block.get(key)?.span(least, most, report);
    rules.max_delay = span("max_delay", 0, 30 * DAY).unwrap_or(rules.max_delay);
    rules.max_skew = span("max_skew", 0, DAY).unwrap_or(rules.max_skew);
    rules.silent_at_most = span("silent_at_most", SECOND, 400 * DAY);
    rules.stale_after = span("stale_after", SECOND, 400 * DAY).unwrap_or(rules.stale_after);
    rules.dedup = span("dedup", 0, 30 * DAY).unwrap_or(rules.dedup);
}
