//! What is committed, read from outside of any group: what `verify` and `balance` begin from.

use crate::failure::Failure;
use crate::outside::WHOLE;
use crate::score::{REBUILD, Records, kind};
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

/// The position and counts of a shard's head; `None` where nothing was committed yet.
///
/// # Errors
/// [`Failure::Refused`] if there is state, but no head that can be read: then nothing says up to where all is out.
pub(crate) fn head<L: Log>(log: &L, number: u32) -> Result<Option<(Position, Counts)>, Failure> {
    let partition = Partition::new(topic::STATE, number);
    let (mut records, mut is_empty) = (Records::default(), true);
    read_all(log, &partition, |record| {
        is_empty = false;
        if let Some(key @ [kind::HEAD, ..]) = record.key {
            records.put(key, record.value);
        }
    })?;
    let refuse = |reason: String| Err(Failure::refused(&partition, reason, REBUILD));
    match records.value(kind::HEAD, &[]) {
        None if is_empty => Ok(None),
        None => refuse("there is state, but the head is missing".to_owned()),
        Some(head) => match Shard::peek_head(&head) {
            Ok(head) => Ok(Some(head)),
            Err(error) => refuse(format!("the head cannot be read: {error}")),
        },
    }
}

/// How many partitions the journal has.
pub(crate) fn partitions<L: Log>(log: &L) -> Result<u32, Failure> {
    let spec = WHOLE.ask(|| log.topic(topic::JOURNAL))?;
    Ok(spec.ok_or_else(|| log::Error::Missing(topic::JOURNAL.to_owned()))?.partitions)
}
