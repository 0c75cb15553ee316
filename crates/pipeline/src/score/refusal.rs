//! Shards that were refused, and when each is tried again: seldom, since all of its state is read each time.

use super::owned::Cure;
use crate::settings::has_passed;
use log::Partition;
use std::collections::BTreeMap;
use std::time::Duration;

/// How long it takes until a shard is tried again; each time twice as long as before.
const FIRST: Duration = Duration::from_secs(10);
/// But at most this long.
const MOST: Duration = Duration::from_mins(10);

/// A shard that was refused.
#[derive(Debug)]
struct Refusal {
    reason: String,
    /// When it was refused last, by the log's clock; `None` while it is tried again.
    at: Option<i64>,
    wait: Duration,
}

/// All that were refused and have not been given up since.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    by_partition: BTreeMap<Partition, Refusal>,
}

impl Refusals {
    /// Takes note that a shard is refused. Returns whether it is to be tried again now.
    pub(super) fn is_due(&mut self, partition: &Partition, reason: &str, cure: Cure, now: i64) -> bool {
        let known = self.by_partition.get_mut(partition);
        if known.as_ref().is_none_or(|known| known.reason != reason) {
            tracing::error!(%partition, reason, "the shard does not go live");
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

    /// Why a shard was refused last.
    pub(super) fn reason(&self, partition: &Partition) -> Option<&str> {
        self.by_partition.get(partition).map(|refusal| &*refusal.reason)
    }

    /// Forgets a shard that is given up.
    pub(super) fn forget(&mut self, partition: &Partition) {
        self.by_partition.remove(partition);
    }
}
