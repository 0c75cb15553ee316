//! What the cases are played on: calls that wait for an answer, and what they yield.

use super::Rig;
use crate::{
    AbortCause, Appends, Batch, Cleanup, CommitError, Committed, Ends, Error, Event, Isolation, Log,
    Membership, OffsetCommit, Partition, Reader, Receipt, Result, Stamp, TopicSpec, Transaction, Writer,
};
use std::sync::Arc;
use std::time::Duration;

pub(super) const TICK: Duration = Duration::from_millis(10);
pub(super) const MAX_RECORD_BYTES: usize = 4_096;

pub(super) type MemberOf<R> = <<R as Rig>::Log as Log>::Member;
pub(super) type WriterOf<R> = <<R as Rig>::Log as Log>::Writer;

/// A record that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) partition: Partition,
    pub(super) offset: i64,
    pub(super) stamp: i64,
    pub(super) stamped_by: Stamp,
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Vec<(Vec<u8>, Vec<u8>)>,
}

/// The values of what was read, as text.
pub(super) fn values(seen: &[Seen]) -> Vec<String> {
    let text = |seen: &Seen| String::from_utf8_lossy(seen.value.as_deref().unwrap_or(b"-")).into_owned();
    seen.iter().map(text).collect()
}

pub(super) fn take(batch: &Batch, seen: &mut Vec<Seen>) {
    let partition = batch.partition.clone().expect("a batch with records names its partition");
    assert!(!batch.is_empty(), "records without a record");
    for record in batch.records() {
        seen.push(Seen {
            partition: partition.clone(),
            offset: record.offset,
            stamp: record.stamp,
            stamped_by: record.stamped_by,
            key: record.key.map(<[u8]>::to_vec),
            value: record.value.map(<[u8]>::to_vec),
            headers: record.headers().map(|(name, value)| (name.to_vec(), value.to_vec())).collect(),
        });
    }
}

/// Calls until `attempt` yields something, letting time pass between.
pub(super) fn wait<R: Rig, T>(rig: &mut R, what: &str, mut attempt: impl FnMut(&mut R) -> Option<T>) -> T {
    let mut left = rig.patience();
    loop {
        if let Some(done) = attempt(rig) {
            return done;
        }
        assert!(!left.is_zero(), "waited in vain for {what}");
        left = left.saturating_sub(TICK);
        rig.pass(TICK);
    }
}

/// The answer of a call that may be busy for a while.
pub(super) fn answer<R: Rig, T>(rig: &mut R, mut call: impl FnMut() -> Result<T>) -> Result<T> {
    wait(rig, "an answer", |_| match call() {
        Err(Error::Busy(_)) => None,
        told => Some(told),
    })
}

/// A topic of the usual kind.
pub(super) fn spec(name: &str, partitions: u32) -> TopicSpec {
    let (stamp, cleanup) = (Stamp::Append, Cleanup::Keep);
    TopicSpec { name: name.into(), partitions, stamp, cleanup, max_record_bytes: MAX_RECORD_BYTES }
}

/// Creates a topic of the usual kind.
pub(super) fn topic<R: Rig>(rig: &mut R, log: &R::Log, base: &str, partitions: u32) -> Arc<str> {
    let spec = spec(&rig.name(base), partitions);
    create(rig, log, &spec);
    spec.name
}

pub(super) fn create<R: Rig>(rig: &mut R, log: &R::Log, spec: &TopicSpec) {
    answer(rig, || log.create(spec)).expect("a topic can be created");
}

pub(super) fn writer<R: Rig>(rig: &mut R, log: &R::Log, id: &str) -> WriterOf<R> {
    answer(rig, || log.writer(id)).expect("a writer can be opened")
}

pub(super) fn ends<R: Rig>(rig: &mut R, log: &R::Log, partition: &Partition) -> Ends {
    let round = answer(rig, || log.ends(&[Arc::clone(&partition.topic)])).expect("the ends are told");
    round.topics[0][partition.number as usize]
}

/// Records without key for one partition.
pub(super) fn appends(partition: &Partition, values: &[&str]) -> Appends {
    let mut appends = Appends::default();
    for value in values {
        appends.push(&partition.topic, partition.number, None, Some(value.as_bytes()), &[]);
    }
    appends
}

/// A record with key; without value a tombstone.
pub(super) fn keyed(partition: &Partition, records: &[(&str, Option<&str>)]) -> Appends {
    let mut appends = Appends::default();
    for (key, value) in records {
        let value = value.map(str::as_bytes);
        appends.push(&partition.topic, partition.number, Some(key.as_bytes()), value, &[]);
    }
    appends
}

pub(super) fn offset(partition: &Partition, offset: i64, metadata: &str) -> OffsetCommit {
    OffsetCommit { partition: partition.clone(), offset, metadata: metadata.to_owned() }
}

/// Commits, again where the log was not well.
pub(super) fn commit<R: Rig>(
    rig: &mut R,
    writer: &mut WriterOf<R>,
    appends: &[&Appends],
    offsets: &[OffsetCommit],
    membership: Option<&Membership>,
) -> std::result::Result<Receipt, CommitError> {
    let transaction = Transaction { appends, offsets, membership };
    wait(rig, "a commit", |_| match writer.commit(&transaction) {
        Err(CommitError::Aborted { cause: AbortCause::Log, .. }) => None,
        told => Some(told),
    })
}

/// Commits records without offsets, which must go through.
pub(super) fn put<R: Rig>(rig: &mut R, writer: &mut WriterOf<R>, records: &Appends) -> Receipt {
    commit(rig, writer, &[records], &[], None).expect("a plain commit goes through")
}

/// The cause of an abort; anything else fails.
pub(super) fn aborted(result: std::result::Result<Receipt, CommitError>) -> AbortCause {
    match result {
        Err(CommitError::Aborted { cause, .. }) => cause,
        other => panic!("should have been aborted: {other:?}"),
    }
}

pub(super) fn assert_fenced(result: &std::result::Result<Receipt, CommitError>) {
    assert!(matches!(result, Err(CommitError::Fenced { .. })), "should have been fenced: {result:?}");
}

pub(super) fn read<R: Rig>(
    rig: &mut R,
    log: &R::Log,
    partition: &Partition,
    from: i64,
    isolation: Isolation,
) -> <R::Log as Log>::Reader {
    answer(rig, || log.read(partition, from, isolation)).expect("a partition can be read")
}

/// Reads on until the reader has reported an end of at least `end`; what it read, and that end.
pub(super) fn read_on<R: Rig>(rig: &mut R, reader: &mut impl Reader, end: i64) -> (Vec<Seen>, i64) {
    let mut batch = Batch::default();
    let mut seen = Vec::new();
    let reached = wait(rig, "the end of a partition", |_| {
        loop {
            match reader.poll(&mut batch, TICK) {
                Ok(Event::Records) => take(&batch, &mut seen),
                Ok(Event::End { offset, .. }) if offset >= end => return Some(offset),
                Ok(Event::End { .. } | Event::Idle) | Err(Error::Busy(_)) => return None,
                other => panic!("unexpected of a reader: {other:?}"),
            }
        }
    });
    assert!(
        seen.iter().all(|seen| seen.offset < reached),
        "a record at or above the end {reached}: {seen:?}"
    );
    assert!(seen.windows(2).all(|pair| pair[0].offset < pair[1].offset), "offsets do not grow: {seen:?}");
    (seen, reached)
}

/// All that is committed in a partition none of whose transactions is undecided.
pub(super) fn committed_records<R: Rig>(rig: &mut R, log: &R::Log, partition: &Partition) -> Vec<Seen> {
    let Ends { first, end } = ends(rig, log, partition);
    let mut reader = read(rig, log, partition, first, Isolation::Committed);
    read_on(rig, &mut reader, end).0
}

/// Asserts that committed readers of a partition are held back: they pass `stable` at least, see just
/// `expected`, and do not come to the high watermark.
pub(super) fn assert_held_back<R: Rig>(
    rig: &mut R,
    log: &R::Log,
    partition: &Partition,
    stable: i64,
    expected: &[&str],
) {
    let mut reader = read(rig, log, partition, 0, Isolation::Committed);
    let (seen, reached) = read_on(rig, &mut reader, stable);
    assert_eq!(values(&seen), expected);
    let Ends { end, .. } = ends(rig, log, partition);
    assert!(reached < end, "a committed reader reached {reached} of {end} past an undecided transaction");
}

pub(super) fn at(offset: i64, metadata: &str) -> Option<Committed> {
    Some(Committed { offset, metadata: metadata.to_owned() })
}
