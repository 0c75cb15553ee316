//! What must be so before a worker begins: the topics are there, and fit what they are for and each other.

use crate::access::direct::patiently;
use crate::settings::Settings;
use crate::store::Store;
use anyhow::{Context, Result, bail, ensure};
use log::Log;
use pipeline::topic::{ACCOUNT_HEALTH, ALERTS, HEALTH, JOURNAL, STATE, source_of, specs};
use std::collections::BTreeMap;

/// Finds what is not so.
pub(crate) fn check(log: &Store, settings: &Settings) -> Result<()> {
    let mut counts = BTreeMap::new();
    let mut missing = Vec::new();
    for spec in specs(1, 1) {
        match patiently(|| log.topic(&spec.name)).with_context(|| settings.place())? {
            Some(found) => {
                // Those of the sources are whatever feeds them made them, as long as nothing is lost.
                let is_ours = source_of(&spec.name).is_none();
                ensure!(
                    found.cleanup == spec.cleanup && (!is_ours || found.stamp == spec.stamp),
                    "topic {} is not what it must be; `vitals setup --dry-run` says what differs and what mends it",
                    spec.name
                );
                counts.insert(found.name.to_string(), found.partitions);
            }
            None => missing.push(spec.name.to_string()),
        }
    }
    ensure!(missing.is_empty(), "topics {} do not exist; `vitals setup` creates them", missing.join(", "));
    alike(&counts)
}

/// What is partitioned by account has as many partitions as the journal.
fn alike(counts: &BTreeMap<String, u32>) -> Result<()> {
    let count = |name: &str| counts.get(name).copied().unwrap_or_default();
    let journal = count(JOURNAL);
    let others = [STATE, HEALTH, ALERTS, ACCOUNT_HEALTH].map(|name| (name, count(name)));
    let differ: Vec<_> = others.iter().filter(|(_, count)| *count != journal).collect();
    let Some((_, other)) = differ.first() else { return Ok(()) };
    let list: Vec<_> = differ.iter().map(|(name, count)| format!("{name} {count}")).collect();
    let rule = format!(
        "topic {JOURNAL} has {journal} partitions, but {}; they must have as many, since an account is in the same \
         partition of each",
        list.join(", ")
    );
    if others.iter().all(|(_, count)| count == other) {
        bail!(
            "{rule}: {JOURNAL} was made anew, or given more, which moves accounts; bring it back from a backup, or begin \
             anew with `vitals setup` in an empty place"
        );
    }
    bail!(
        "{rule}: delete what differs, let `vitals setup --set topics.partitions={journal}` make it anew, and start once with \
         `vitals run --rebuild`, which fills {STATE} again; what was published elsewhere is not published again"
    );
}
