//! What must be so before a worker begins: the topics are there, and fit what they are for and each other.

use crate::settings::Settings;
use crate::store::Store;
use crate::topic::Found;
use anyhow::{Context, Result, bail, ensure};
use pipeline::topic::{ACCOUNT_HEALTH, ALERTS, HEALTH, JOURNAL, STATE, specs};
use std::collections::BTreeMap;

/// Finds what is not so.
pub(crate) fn check(log: &Store, settings: &Settings) -> Result<()> {
    let mut counts = BTreeMap::new();
    let (mut missing, mut differs) = (Vec::new(), Vec::new());
    for spec in specs(1, 1) {
        let mut found = Found::look(log, spec).with_context(|| settings.place())?;
        let name = found.spec.name.to_string();
        let Some(is) = &found.is else {
            missing.push(name);
            continue;
        };
        // How many partitions they have and how large their records are was decided when they were made.
        (found.spec.partitions, found.spec.max_record_bytes) = (is.partitions, is.max_record_bytes);
        counts.insert(name.clone(), is.partitions);
        // Of outputs it is for those who read them to say for how long they are kept.
        differs.extend(if [JOURNAL, STATE].contains(&&*name) {
            found.differs_wholly(log).with_context(|| settings.place())?
        } else {
            found.differs()
        });
    }
    ensure!(missing.is_empty(), "topics {} do not exist; `vitals setup` creates them", missing.join(", "));
    ensure!(differs.is_empty(), "{}", differs.join("\n"));
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
