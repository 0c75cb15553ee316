//! What must be so before a worker begins: the log answers, its topics are there, and fit what they are for and each other.
//!
//! A log that does not answer is waited for: a cluster that is down comes back by itself, and so shall we. What does not fit
//! is somebody's to mend.

use crate::store::Store;
use crate::topic::Found;
use anyhow::{Result, bail, ensure};
use log::Log;
use pipeline::topic::{ACCOUNT_HEALTH, ALERTS, HEALTH, JOURNAL, STATE, specs};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// How long to wait before the log is asked again.
const PAUSE: Duration = Duration::from_millis(200);

/// What came of a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Premise {
    /// All is so.
    Holds,
    /// It is not known, and nobody waits any more.
    Open,
}

/// A wait for the log.
#[derive(Debug)]
pub(super) struct Wait {
    pub(super) log: Store,
    /// Where the log is.
    pub(super) place: String,
    /// What is waited for.
    pub(super) tell: watch::Sender<Option<String>>,
    /// Whether to wait no more.
    pub(super) stop: Arc<AtomicBool>,
}

impl Wait {
    /// Waits until all is so. Blocks, about as long as a request may take at a time.
    ///
    /// # Errors
    /// What is not so, and does not become so by waiting.
    pub(super) fn hold(self) -> Result<Premise> {
        let mut told = None;
        while !self.stop.load(Ordering::Relaxed) {
            // One question, so that it is soon known that nobody answers.
            let held = self.log.topic(JOURNAL).map_err(anyhow::Error::new).and_then(|_| check(&self.log));
            let Err(error) = held else {
                self.tell.send_replace(None);
                return Ok(Premise::Holds);
            };
            let reason = match error.downcast_ref() {
                Some(log::Error::Busy(reason)) => reason.clone(),
                Some(_) => return Err(error.context(self.place)),
                None => return Err(error),
            };
            if told.as_ref() != Some(&reason) {
                tracing::warn!(reason, log = self.place, "waiting for the log");
                self.tell.send_replace(Some(format!("waiting for {}: {reason}", self.place)));
            }
            told = Some(reason);
            std::thread::sleep(PAUSE);
        }
        Ok(Premise::Open)
    }
}

/// Finds what is not so.
fn check(log: &Store) -> Result<()> {
    let mut counts = BTreeMap::new();
    let (mut missing, mut differs) = (Vec::new(), Vec::new());
    for spec in specs(1, 1) {
        let mut found = Found::look(log, spec)?;
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
            found.differs_wholly(log)?
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
