//! What is committed, read from outside of any group: what `verify` and `balance` begin from.

use crate::failure::Failure;
use crate::outside::WHOLE;
use crate::score::kind;
use crate::topic;
use engine::Shard;
use engine::count::Counts;
use engine::entry::Position;
use log::{Batch, Isolation, Log, Partition};

/// Reads a partition to its stable end, and gives each record.
pub(crate) fn read_all<L: Log>(
    log: &L,
    partition: &Partition,
    mut each: impl FnMut(&log::Record<'_>),
) -> Result<(), Failure> {
    let round = WHOLE.ask(|| log.ends(std::slice::from_ref(&partition.topic)))?;
    let ends = round.topics.first().and_then(|ends| ends.get(partition.number as usize));
    let Some(ends) = ends.filter(|ends| ends.end > ends.first) else { return Ok(()) };
    let mut reader = WHOLE.ask(|| log.read(partition, ends.first, Isolation::Committed))?;
    let mut batch = Batch::default();
    // A transaction still open, of ours or upstream, is not waited for.
    while WHOLE.read_on(&mut reader, &mut batch)?.is_none() {
        batch.records().for_each(|record| each(&record));
    }
    Ok(())
}

/// The position and counts of a shard's head.
pub(crate) fn head<L: Log>(log: &L, number: u32) -> Result<Option<(Position, Counts)>, Failure> {
    let partition = Partition::new(topic::STATE, number);
    let mut newest = None;
    read_all(log, &partition, |record| {
        if let (Some([kind::HEAD, ..]), Some([_, value @ ..])) = (record.key, record.value) {
            newest = Shard::peek_head(value).ok();
        }
    })?;
    Ok(newest)
}

/// How many partitions the journal has.
pub(crate) fn partitions<L: Log>(log: &L) -> Result<u32, Failure> {
    let spec = WHOLE.ask(|| log.topic(topic::JOURNAL))?;
    Ok(spec.ok_or_else(|| log::Error::Missing(topic::JOURNAL.to_owned()))?.partitions)
}
