//! The log of this process: what the commands do by themselves, and the admin server for others.

use super::{Octets, Page, Record, Topic};
use crate::admin::view::{Balance, Verified};
use crate::line::Entry;
use anyhow::{Context, Result, anyhow, bail};
use log::{
    AbortCause, Appends, Batch, CommitError, Error, Event, Isolation, Log, Partition, Reader, Transaction,
    Writer,
};
use pipeline::Patience;
use std::collections::BTreeMap;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// About how many bytes of records a page holds.
const PAGE_BYTES: usize = 1 << 20;
/// The most records of a page.
pub(crate) const PAGE_RECORDS: usize = 10_000;
/// For how long something is tried that cannot be done now; a read that gives nothing, for longer than a request and some
/// tries of it.
const PATIENCE: Patience = Patience {
    busy: Duration::from_secs(5),
    nothing: Duration::from_secs(20),
    pause: Duration::from_millis(25),
};

/// A log that this process has open.
#[derive(Debug)]
pub(crate) struct Direct<L: Log> {
    log: L,
    instance: String,
    /// Like that of nobody else: nothing of this writer needs to be found again, and process ids are the same on many hosts.
    writer_id: String,
    writer: Option<L::Writer>,
    /// Partitions of each source topic, as far as they were asked for.
    counts: BTreeMap<Arc<str>, u32>,
    /// For records without key: the next partition.
    turn: u32,
    /// Where the last pages ended, for the next ones, the latest last: a new consumer costs more than a page.
    cursors: Mutex<Vec<Cursor<L>>>,
    /// How many of them are kept.
    kept: usize,
}

/// A reader, and where it goes on.
#[derive(Debug)]
struct Cursor<L: Log> {
    partition: Partition,
    next: i64,
    /// Whether it has told that there is no more: what it was told once, it does not tell again.
    at_end: bool,
    reader: L::Reader,
}

/// The most readers that are kept, each of which may be a consumer with a connection: enough for who reads the
/// partitions of a topic in turn.
const CURSORS: usize = 16;
/// For how long a reader that was at the end is asked for what has come since, before a new one is.
const SINCE: Duration = Duration::from_millis(250);

impl<L: Log> Direct<L> {
    pub(crate) fn new(log: L, instance: &str) -> Self {
        Self {
            log,
            instance: instance.to_owned(),
            writer_id: format!("{instance}-produce-{:016x}", random()),
            writer: None,
            counts: BTreeMap::new(),
            turn: 0,
            cursors: Mutex::default(),
            kept: CURSORS,
        }
    }

    /// That of a process that lives on when nobody reads any more: it keeps the reader of one page, unless that is at
    /// the end, where a consumer would go on asking for more.
    pub(crate) fn sparing(self) -> Self {
        Self { kept: 1, ..self }
    }

    pub(crate) fn topics(&self) -> Result<Vec<Topic>> {
        let mut names = Vec::new();
        for spec in pipeline::topic::specs(1, 1) {
            if patiently(|| self.log.topic(&spec.name))?.is_some() {
                names.push(spec.name);
            }
        }
        let round = patiently(|| self.log.ends(&names))?;
        let topics = names.iter().zip(round.topics).map(|(name, partitions)| Topic {
            name: name.to_string(),
            partitions: partitions.into_iter().map(|ends| (ends.first, ends.end)).collect(),
        });
        Ok(topics.collect())
    }

    pub(crate) fn page(&self, topic: &str, partition: u32, offset: i64, limit: usize) -> Result<Page> {
        let partition = Partition::new(topic, partition);
        let mut batch = batch();
        let (mut cursor, end) = self.read_on(partition, offset, &mut batch)?;
        let mut page = Page { records: Vec::new(), next: end.unwrap_or(offset), at_end: end.is_some() };
        for record in batch.records().take(limit.min(PAGE_RECORDS)) {
            page.next = record.offset + 1;
            page.records.push(copy(&record));
        }
        // A reader does not go back to what it has given.
        let is_wanted = !page.at_end || self.kept > 1;
        if is_wanted && page.records.len() == batch.len() {
            (cursor.next, cursor.at_end) = (page.next, page.at_end);
            let mut cursors = self.cursors();
            if cursors.len() == self.kept {
                cursors.remove(0);
            }
            cursors.push(cursor);
        }
        Ok(page)
    }

    /// Reads what stands at `offset` into `batch`, or finds that the end was reached, by a reader that stands there
    /// if there is one.
    fn read_on(
        &self,
        partition: Partition,
        offset: i64,
        batch: &mut Batch,
    ) -> Result<(Cursor<L>, Option<i64>)> {
        let known = {
            let mut cursors = self.cursors();
            let stands = |cursor: &Cursor<L>| cursor.partition == partition && cursor.next == offset;
            cursors.iter().position(stands).map(|place| cursors.remove(place))
        };
        if let Some(mut cursor) = known {
            if !cursor.at_end {
                let end = next(&mut cursor.reader, batch, &partition)?;
                return Ok((cursor, end));
            }
            if self.ends(&partition)?.end == offset {
                return Ok((cursor, Some(offset)));
            }
            match patiently(|| cursor.reader.poll(batch, SINCE)) {
                Ok(Event::Records) => return Ok((cursor, None)),
                Ok(Event::End { offset, .. }) => return Ok((cursor, Some(offset))),
                // What has come may be undecided, or the topic may be another by now; a new reader tells it.
                Ok(Event::Idle | Event::Assigned(_) | Event::Revoked(_) | Event::Lost(_)) | Err(_) => {
                    batch.clear();
                }
            }
        }
        let reader = self.reader(&partition, offset)?;
        let mut cursor = Cursor { partition, next: offset, at_end: false, reader };
        let end = next(&mut cursor.reader, batch, &cursor.partition)?;
        Ok((cursor, end))
    }

    fn cursors(&self) -> MutexGuard<'_, Vec<Cursor<L>>> {
        self.cursors.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn latest(&self, topic: &str, key: &str) -> Result<Option<Record>> {
        let name: Arc<str> = topic.into();
        let count = self.partitions(&name)?;
        let partition = Partition::new(name, wire::partition_of(key, count));
        let first = self.first(&partition)?;
        let mut reader = self.reader(&partition, first)?;
        let mut batch = batch();
        let mut latest = None;
        while next(&mut reader, &mut batch, &partition)?.is_none() {
            let own = batch.records().filter(|record| record.key == Some(key.as_bytes()));
            latest = own.last().map(|record| copy(&record)).or(latest);
        }
        Ok(latest.filter(|record: &Record| record.value.is_some()))
    }

    /// Appends records to source topics in one transaction.
    pub(crate) fn append(&mut self, entries: &[Entry]) -> Result<()> {
        let mut appends = Appends::default();
        for entry in entries {
            entry.check()?;
            let topic = pipeline::topic::of_source(entry.source);
            let count = match self.counts.get(&topic) {
                Some(count) => *count,
                None => {
                    let count = self.partitions(&topic)?;
                    self.counts.insert(Arc::clone(&topic), count);
                    count
                }
            };
            let partition = match &entry.key {
                Some(key) => wire::partition_of(key, count),
                None => {
                    self.turn = self.turn.wrapping_add(1);
                    self.turn % count.max(1)
                }
            };
            let key = entry.key.as_ref().map(String::as_bytes);
            appends.push_stamped(&topic, partition, entry.stamp, key, entry.value.as_deref(), &[]);
        }
        self.commit(&appends)
    }

    fn commit(&mut self, appends: &Appends) -> Result<()> {
        let transaction = Transaction { appends: &[appends], offsets: &[], membership: None };
        let begun = Instant::now();
        let mut why = String::new();
        while begun.elapsed() < PATIENCE.busy {
            let mut writer = match self.writer.take() {
                Some(writer) => writer,
                None => patiently(|| self.log.writer(&self.writer_id))?,
            };
            match writer.commit(&transaction) {
                Ok(_) => {
                    self.writer = Some(writer);
                    return Ok(());
                }
                Err(CommitError::Aborted { reason, cause, after }) => match cause {
                    AbortCause::Log | AbortCause::StaleMembership => {
                        tracing::warn!(reason, "an append was aborted and is tried again");
                        std::thread::sleep(after.max(PATIENCE.pause));
                        self.writer = Some(writer);
                        why = reason;
                    }
                    AbortCause::RecordTooLarge | AbortCause::UnknownPartition => {
                        bail!("nothing was appended: {reason}")
                    }
                },
                Err(CommitError::Fenced { reason }) => {
                    tracing::warn!(reason, "an append was fenced and is tried again");
                    std::thread::sleep(PATIENCE.pause);
                    why = reason;
                }
                Err(CommitError::Unknown { reason }) => {
                    bail!(
                        "the records may or may not have been appended: {reason}; look with `vitals status`"
                    )
                }
            }
        }
        Err(anyhow!("nothing was appended: {why}"))
    }

    pub(crate) fn publish(&self, text: &str) -> Result<String> {
        let epoch = pipeline::settings::Identity::default().epoch;
        Ok(pipeline::publish(&self.log, text, epoch)?.to_string())
    }

    pub(crate) fn verify(&self, progress: &mut dyn FnMut(u64)) -> Result<Verified> {
        Ok(Verified::from(pipeline::verify(&self.log, &self.instance, progress)?))
    }

    pub(crate) fn balance(&self) -> Result<Vec<Balance>> {
        Ok(pipeline::balance(&self.log)?
            .iter()
            .map(|(place, account)| Balance::of(*place, account))
            .collect())
    }

    fn reader(&self, partition: &Partition, offset: i64) -> Result<L::Reader> {
        Ok(patiently(|| self.log.read(partition, offset, Isolation::Committed))?)
    }

    fn partitions(&self, topic: &Arc<str>) -> Result<u32> {
        let spec = patiently(|| self.log.topic(topic))?;
        Ok(spec.ok_or_else(|| Error::Missing(topic.to_string()))?.partitions)
    }

    fn first(&self, partition: &Partition) -> Result<i64> {
        Ok(self.ends(partition)?.first)
    }

    fn ends(&self, partition: &Partition) -> Result<log::Ends> {
        let round = patiently(|| self.log.ends(std::slice::from_ref(&partition.topic)))?;
        let ends = round.topics.first().and_then(|ends| ends.get(partition.number as usize));
        ends.copied().with_context(|| format!("{partition} does not exist"))
    }
}

/// A number that no other process has chosen.
fn random() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// Asks again while the log says "not now".
pub(crate) fn patiently<T>(ask: impl FnMut() -> log::Result<T>) -> log::Result<T> {
    PATIENCE.ask(ask)
}

/// Reads on: `None` with records in `batch`, or the end that was reached.
fn next(reader: &mut impl Reader, batch: &mut Batch, partition: &Partition) -> Result<Option<i64>> {
    PATIENCE.read_on(reader, batch).with_context(|| partition.to_string())
}

fn batch() -> Batch {
    let mut batch = Batch::default();
    batch.limit = PAGE_BYTES;
    batch
}

fn copy(record: &log::Record<'_>) -> Record {
    let octets = |bytes: &[u8]| Octets(bytes.to_vec());
    let header = |(name, value): (&[u8], &[u8])| (String::from_utf8_lossy(name).into_owned(), octets(value));
    Record {
        offset: record.offset,
        stamp: record.stamp,
        key: record.key.map(octets),
        value: record.value.map(octets),
        headers: record.headers().map(header).collect(),
    }
}
