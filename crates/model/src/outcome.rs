//! Outcomes: what a back-test looks for after a score. Never part of the live score, nor of what the fold reads.

use crate::block::{Block, Keys, Spot};
use crate::feed;
use crate::nearest::suggestion;
use crate::plan::Feed;
use crate::problem::{Report, quoted};
use crate::source::Source;

pub(crate) const KEYS: Keys = Keys { known: &["good", "bad"], later: &[] };

/// The outcomes of a model. One happens with each activity that any of its feeds takes in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// What is hoped for; none where the model names none.
    pub good: Vec<Feed>,
    /// What is feared; none where the model names none.
    pub bad: Vec<Feed>,
}

/// Reads the block `outcomes`.
pub(crate) fn read(spot: &Spot<'_>, report: &mut Report) -> Outcomes {
    let mut outcomes = Outcomes::default();
    let Some(block) = Block::with(spot, &KEYS, report) else { return outcomes };
    for (key, feeds) in [("good", &mut outcomes.good), ("bad", &mut outcomes.bad)] {
        if let Some(spot) = block.get(key) {
            *feeds = feeds_of(&spot, report);
        }
    }
    outcomes
}

fn feeds_of(spot: &Spot<'_>, report: &mut Report) -> Vec<Feed> {
    let mut feeds = Vec::new();
    let Some(block) = Block::open(spot, report) else { return feeds };
    if block.first().is_none() {
        spot.problem(report, "the outcome is empty", "write it like `{ subscription: { kind: ended } }`");
    }
    for (key, spot) in block.iter() {
        match feed::source_of(&key.text) {
            Some(source) => {
                let Some(mut filter) = feed::tests(&spot, source, report) else { continue };
                if feed::is_of_what_was_held(source, &filter) {
                    filter.push(feed::held());
                }
                feeds.push(Feed { source, filter });
            }
            None if report.is_full() => break,
            None => {
                let fix = suggestion(&key.text, feed::activities().map(Source::name));
                let message = format!("unknown source {}", quoted(&key.text));
                report.problem(key.mark, &spot.path, message, fix);
            }
        }
    }
    feeds
}
