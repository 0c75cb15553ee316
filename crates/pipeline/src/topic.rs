//! The topics of vitals: their names and what each must be.

use log::{Cleanup, Stamp, TopicSpec};
use model::source::Source;
use std::sync::Arc;

/// The one ordered log of everything that can change a score.
pub const JOURNAL: &str = "vitals.journal";
/// Checkpoints of the fold.
pub const STATE: &str = "vitals.state";
/// The models that were published, the newest under [`CURRENT_MODEL`].
pub const MODEL: &str = "vitals.model";
/// What could not be used, with the reason.
pub const DEAD_LETTER: &str = "vitals.dead-letter";
/// Every published change of a score or band.
pub const HEALTH: &str = "vitals.health";
/// Every transition of an alert.
pub const ALERTS: &str = "vitals.alerts";
/// The latest health and open alerts of each account.
pub const ACCOUNT_HEALTH: &str = "vitals.account-health";

/// The key of the model in force in [`MODEL`].
pub const CURRENT_MODEL: &[u8] = b"current";

/// The key of the record in [`MODEL`] that says how many partitions the journal has, in digits.
pub const JOURNAL_PARTITIONS: &[u8] = b"journal-partitions";

/// How many partitions the journal has unless told otherwise.
pub const PARTITIONS: u32 = 16;

/// The greatest record of the topics that vitals writes.
pub const MAX_RECORD_BYTES: usize = 4 << 20;

/// The topic of a source.
#[must_use]
pub fn of_source(source: Source) -> Arc<str> {
    format!("vitals.{}", source.name()).into()
}

/// The source of a topic.
#[must_use]
pub fn source_of(topic: &str) -> Option<Source> {
    topic.strip_prefix("vitals.").and_then(Source::parse)
}

/// What every topic must be: the journal and all that is partitioned like it with `journal` partitions, each
/// source topic with `source`.
#[must_use]
pub fn specs(journal: u32, source: u32) -> Vec<TopicSpec> {
    let spec = |name: &str, partitions, stamp, cleanup| TopicSpec {
        name: name.into(),
        partitions,
        stamp,
        cleanup,
        max_record_bytes: MAX_RECORD_BYTES,
    };
    let mut specs = vec![
        spec(JOURNAL, journal, Stamp::Append, Cleanup::Keep),
        spec(STATE, journal, Stamp::Append, Cleanup::Compact),
        spec(MODEL, 1, Stamp::Append, Cleanup::Compact),
        spec(DEAD_LETTER, 1, Stamp::Append, Cleanup::Keep),
        spec(HEALTH, journal, Stamp::Append, Cleanup::Keep),
        spec(ALERTS, journal, Stamp::Append, Cleanup::Keep),
        spec(ACCOUNT_HEALTH, journal, Stamp::Append, Cleanup::Compact),
    ];
    specs.extend(Source::ALL.map(|kind| spec(&of_source(kind), source, Stamp::Create, Cleanup::Keep)));
    specs
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::golden::golden;

    #[test]
    fn topics_are_what_they_were() {
        let line = |spec: TopicSpec| {
            let TopicSpec { name, partitions, stamp, cleanup, max_record_bytes } = spec;
            format!("{name}: {partitions} partitions, {stamp:?}, {cleanup:?}, {max_record_bytes} bytes\n")
        };
        golden("topics-v1.txt", &specs(PARTITIONS, 4).into_iter().map(line).collect::<String>());
    }
}
