//! Partitions that were refused, and when each is tried again: seldom, since all that tells of it is read each time.

use crate::settings::has_passed;
use log::Partition;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long it takes until a partition is tried again; each time twice as long as before.
const FIRST: Duration = Duration::from_secs(10);
/// But at most this long.
const MOST: Duration = Duration::from_mins(10);

/// Whether what a partition was refused for can go away while the process runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cure {
    /// What is missing may be brought back: it is tried again.
    Possible,
    /// The journal asks for another program.
    Restart,
}

/// A partition that was refused.
#[derive(Debug)]
struct Refusal {
    reason: String,
    /// When it was refused last, by the log's clock; `None` while it is tried again.
    at: Option<i64>,
    wait: Duration,
}

/// All that were refused and have not been given up since.
#[derive(Debug, Default)]
pub(crate) struct Refusals {
    by_partition: BTreeMap<Partition, Refusal>,
}

impl Refusals {
    /// Takes note that a partition is refused. Returns whether it is to be tried again now.
    pub(crate) fn is_due(&mut self, partition: &Partition, reason: &str, cure: Cure, now: i64) -> bool {
        let known = self.by_partition.get_mut(partition);
        if known.as_ref().is_none_or(|known| known.reason != reason) {
            tracing::error!(%partition, reason, "the partition is refused");
        }
        if let Some(known) = known
            && let Some(since) = known.at
        {
            let is_due = cure == Cure::Possible && has_passed(now, since, known.wait);
            known.at = known.at.filter(|_| !is_due);
            return is_due;
        }
        let wait = self.by_partition.get(partition).map_or(FIRST, |known| MOST.min(known.wait * 2));
        let refusal = Refusal { reason: reason.to_owned(), at: Some(now), wait };
        self.by_partition.insert(partition.clone(), refusal);
        false
    }

    /// Why a partition was refused last.
    pub(crate) fn reason(&self, partition: &Partition) -> Option<&str> {
        self.by_partition.get(partition).map(|refusal| &*refusal.reason)
    }

    /// Forgets a partition that is given up, or goes on.
    pub(crate) fn forget(&mut self, partition: &Partition) {
        self.by_partition.remove(partition);
    }
}
