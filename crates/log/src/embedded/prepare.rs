//! A transaction made ready by the thread that wants it: checked against the topics, and its records encoded. What
//! is left for its turn is to give offsets and stamps, so turns are short.

use super::record::Builder;
use super::topic::Catalog;
use crate::batch::Append;
use crate::error::AbortCause;
use crate::{Cleanup, CommitError, MAX_METADATA_BYTES, Membership, Partition, Stamp, Transaction};
use crate::{Committed, OffsetCommit};
use std::collections::HashMap;
use std::time::Duration;

/// A chunk is closed once it has this many bytes. Small enough to be read whole, large enough to be cheap.
const CHUNK_BYTES: usize = 64 << 10;
/// The store's keys have a length of two bytes; ours stand in front.
const MAX_KEY_BYTES: usize = 60_000;

/// A transaction whose bytes are ready.
#[derive(Debug)]
pub(super) struct Prepared {
    /// In the order in which they stand in each partition.
    pub(super) parts: Vec<Part>,
    pub(super) offsets: Vec<Offset>,
    pub(super) membership: Option<Membership>,
    pub(super) bytes: u64,
}

/// A committed offset of the transaction.
#[derive(Debug)]
pub(super) struct Offset {
    pub(super) pid: u32,
    pub(super) partition: Partition,
    pub(super) committed: Committed,
}

/// Records of one partition that stand together.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) pid: u32,
    pub(super) chunk: Builder,
    pub(super) stamp: Stamp,
    pub(super) keep: Keep,
}

/// How long the records of a part are kept.
#[derive(Debug)]
pub(super) enum Keep {
    /// For ever.
    Always,
    /// One record, until a later one of this key.
    UntilNext {
        /// Without a key, as good as for ever.
        key: Option<Vec<u8>>,
        /// It has no value: it goes once nobody can need it.
        tombstone: bool,
    },
}

impl Keep {
    pub(super) fn cleanup(&self) -> Cleanup {
        match self {
            Self::Always => Cleanup::Keep,
            Self::UntilNext { .. } => Cleanup::Compact,
        }
    }
}

pub(super) fn aborted(cause: AbortCause, reason: String) -> CommitError {
    CommitError::Aborted { reason, cause, after: Duration::ZERO }
}

/// Checks and encodes.
pub(super) fn prepare(catalog: &Catalog, transaction: &Transaction<'_>) -> Result<Prepared, CommitError> {
    let mut prepared = Prepared { parts: Vec::new(), offsets: Vec::new(), membership: None, bytes: 0 };
    let mut open: HashMap<u32, usize> = HashMap::new();
    for appends in transaction.appends {
        for record in appends.records() {
            add(catalog, &mut prepared, &mut open, &record)?;
        }
    }
    for offset in transaction.offsets {
        prepared.offsets.push(consumed(catalog, offset)?);
    }
    match transaction.membership {
        Some(membership) => prepared.membership = Some(membership.clone()),
        None if transaction.offsets.is_empty() => {}
        None => {
            let reason = "offsets without a membership".to_owned();
            return Err(aborted(AbortCause::StaleMembership, reason));
        }
    }
    prepared.bytes =
        prepared.parts.iter().map(|part| u64::try_from(part.chunk.len()).unwrap_or(u64::MAX)).sum();
    Ok(prepared)
}

fn add(
    catalog: &Catalog,
    prepared: &mut Prepared,
    open: &mut HashMap<u32, usize>,
    record: &Append<'_>,
) -> Result<(), CommitError> {
    let missing = || {
        let reason = format!("partition {}/{} does not exist", record.topic, record.partition);
        aborted(AbortCause::UnknownPartition, reason)
    };
    let topic = catalog.get(record.topic).ok_or_else(missing)?;
    let number = usize::try_from(record.partition).unwrap_or(usize::MAX);
    let pid = *topic.pids.get(number).ok_or_else(missing)?;
    let size = record.size();
    if size > topic.spec.max_record_bytes {
        let limit = topic.spec.max_record_bytes;
        let reason = format!("a record of {size} bytes for topic {}, whose limit is {limit}", record.topic);
        return Err(aborted(AbortCause::RecordTooLarge, reason));
    }
    let own = match topic.spec.stamp {
        Stamp::Append => None,
        Stamp::Create => record.stamp,
    };
    let keep = match topic.spec.cleanup {
        Cleanup::Keep => {
            if let Some(part) = open.get(&pid).and_then(|at| prepared.parts.get_mut(*at))
                && part.chunk.len() + size <= CHUNK_BYTES
            {
                part.chunk.push(record, own);
                return Ok(());
            }
            open.insert(pid, prepared.parts.len());
            Keep::Always
        }
        Cleanup::Compact => {
            let key = record.key.map(<[u8]>::to_vec);
            if key.as_ref().is_some_and(|key| key.len() > MAX_KEY_BYTES) {
                let reason = format!("a key above {MAX_KEY_BYTES} bytes for topic {}", record.topic);
                return Err(aborted(AbortCause::RecordTooLarge, reason));
            }
            Keep::UntilNext { key, tombstone: record.value.is_none() }
        }
    };
    let mut chunk = Builder::with_capacity(size + 32);
    chunk.push(record, own);
    prepared.parts.push(Part { pid, chunk, stamp: topic.spec.stamp, keep });
    Ok(())
}

fn consumed(catalog: &Catalog, offset: &OffsetCommit) -> Result<Offset, CommitError> {
    let partition = &offset.partition;
    if offset.metadata.len() > MAX_METADATA_BYTES || offset.offset < 0 {
        let size = offset.metadata.len();
        let reason = format!(
            "offset {} of {partition} with {size} bytes of metadata: offsets are at least 0, metadata at most \
             {MAX_METADATA_BYTES} bytes",
            offset.offset
        );
        return Err(aborted(AbortCause::RecordTooLarge, reason));
    }
    let number = usize::try_from(partition.number).unwrap_or(usize::MAX);
    let pid = catalog.get(&partition.topic).and_then(|topic| topic.pids.get(number)).ok_or_else(|| {
        aborted(AbortCause::UnknownPartition, format!("partition {partition} does not exist"))
    })?;
    let committed = Committed { offset: offset.offset, metadata: offset.metadata.clone() };
    Ok(Offset { pid: *pid, partition: partition.clone(), committed })
}
