//! The accounting of promise 2, from outside: what stands in the source topics against what the shards say became of
//! it.

use crate::committed::{head, partitions, read_all};
use crate::failure::Failure;
use crate::outside::WHOLE;
use crate::topic;
use log::{Log, Partition};
use model::source::Source;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The accounting of promise 2 for one source partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Records that stand in the topic.
    pub records: u64,
    /// Activities applied.
    pub applied: u64,
    /// Activities seen before.
    pub duplicate: u64,
    /// Activities too late for every window.
    pub late: u64,
    /// Records rejected.
    pub rejected: u64,
    /// Records skipped: without a value, or used by no signal.
    pub skipped: u64,
    /// Offsets whose records were deleted before they were read, and accepted as lost: at most so many records. None of
    /// them stands in the topic, so none is among those that became anything.
    pub lost: u64,
    /// Activities whose offset was not above all before it.
    pub backwards: u64,
}

impl Account {
    /// Records of which it is not said what became of them; negative if of more than there are.
    #[must_use]
    pub const fn unaccounted(&self) -> i64 {
        let said = self.applied + self.duplicate + self.late + self.rejected + self.skipped;
        self.records.cast_signed() - said.cast_signed()
    }
}

/// Counts the records of every source topic and compares with what the shards say became of them.
///
/// Exact once everything is folded; while a run goes on, what is under way is unaccounted.
///
/// # Errors
/// [`Failure`] if the log fails.
pub fn balance<L: Log>(log: &L) -> Result<BTreeMap<(Source, u32), Account>, Failure> {
    let mut accounts: BTreeMap<(Source, u32), Account> = BTreeMap::new();
    for source in Source::ALL {
        let topic = topic::of_source(source);
        let Some(spec) = WHOLE.ask(|| log.topic(&topic))? else { continue };
        for number in 0..spec.partitions {
            let mut records = 0;
            read_all(log, &Partition::new(Arc::clone(&topic), number), |_| records += 1)?;
            accounts.entry((source, number)).or_default().records = records;
        }
    }
    // Every shard is told the same of what ingest did; the one told last knows most.
    let mut skipped: BTreeMap<(Source, u32), u64> = BTreeMap::new();
    for number in 0..partitions(log)? {
        let Some((_, counts)) = head(log, number)? else { continue };
        for (source, partition, count) in counts.iter() {
            let account = accounts.entry((source, partition)).or_default();
            account.applied += count.applied;
            account.duplicate += count.duplicate;
            account.late += count.late;
            account.skipped += count.unused;
            account.backwards += count.backwards;
            account.rejected = account.rejected.max(count.rejected);
            account.lost = account.lost.max(count.lost);
            let most = skipped.entry((source, partition)).or_default();
            *most = (*most).max(count.skipped);
        }
    }
    for (place, count) in skipped {
        accounts.entry(place).or_default().skipped += count;
    }
    Ok(accounts)
}
