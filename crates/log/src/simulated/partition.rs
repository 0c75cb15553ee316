//! One partition: its records, its undecided transactions, its end.
//!
//! A marker takes an offset and is not kept: offsets have gaps from the first transaction on. Records of an
//! aborted transaction stay until compaction, hidden from committed readers only.

use super::faults::Fault;
use crate::{Batch, Isolation, Stamp};
use std::collections::HashMap;
use std::ops::Range;

/// The number of a transaction; [`PLAIN`] for records of none.
pub(super) type Txn = u64;
pub(super) const PLAIN: Txn = 0;

type Span = Range<usize>;

#[derive(Debug)]
struct Entry {
    offset: i64,
    stamp: i64,
    stamped_by: Stamp,
    txn: Txn,
    aborted: bool,
    key: Option<Span>,
    value: Option<Span>,
    headers: Box<[(Span, Span)]>,
}

/// A transaction that has records here and no marker yet.
#[derive(Debug)]
struct Open {
    txn: Txn,
    first: i64,
    /// The fault that keeps it open, if one does.
    cause: Option<Fault>,
}

/// A record as the oracle tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Its offset.
    pub offset: i64,
    /// Its timestamp, ms.
    pub stamp: i64,
    /// Its key.
    pub key: Option<Vec<u8>>,
    /// Its value.
    pub value: Option<Vec<u8>>,
    /// Names and values of its headers.
    pub headers: Vec<(Vec<u8>, Vec<u8>)>,
}

/// A record on its way in.
#[derive(Debug)]
pub(super) struct Incoming<'a> {
    pub(super) stamp: i64,
    pub(super) stamped_by: Stamp,
    pub(super) txn: Txn,
    pub(super) key: Option<&'a [u8]>,
    pub(super) value: Option<&'a [u8]>,
    pub(super) headers: &'a [(&'a [u8], &'a [u8])],
}

/// Where a reader stands.
#[derive(Clone, Debug)]
pub(super) struct Cursor {
    pub(super) position: i64,
    pub(super) isolation: Isolation,
    /// The end reported last.
    pub(super) reported: Option<i64>,
}

impl Cursor {
    pub(super) fn new(position: i64, isolation: Isolation) -> Self {
        Self { position, isolation, reported: None }
    }
}

/// What a fetch found.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fetched {
    Nothing,
    Records,
    End(i64),
    OutOfRange,
}

/// The records of one partition.
#[derive(Debug, Default)]
pub(super) struct Store {
    bytes: Vec<u8>,
    entries: Vec<Entry>,
    open: Vec<Open>,
    /// Offsets after which a fault left a gap that no reader has passed yet.
    gaps: Vec<i64>,
    pub(super) first: i64,
    pub(super) end: i64,
    /// Until when nothing is delivered, and whether a fault wanted that.
    pub(super) stalled_until: i64,
    pub(super) stalled_by_fault: bool,
}

impl Store {
    pub(super) fn append(&mut self, record: &Incoming<'_>) -> i64 {
        let offset = self.end;
        if record.txn != PLAIN && !self.open.iter().any(|open| open.txn == record.txn) {
            self.open.push(Open { txn: record.txn, first: offset, cause: None });
        }
        let headers = record.headers.iter().map(|(name, value)| (self.put(name), self.put(value))).collect();
        let key = record.key.map(|key| self.put(key));
        let value = record.value.map(|value| self.put(value));
        let entry = Entry {
            offset,
            stamp: record.stamp,
            stamped_by: record.stamped_by,
            txn: record.txn,
            aborted: false,
            key,
            value,
            headers,
        };
        self.entries.push(entry);
        self.end += 1;
        offset
    }

    fn put(&mut self, part: &[u8]) -> Span {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(part);
        start..self.bytes.len()
    }

    /// Leaves `width` offsets unused.
    pub(super) fn skip(&mut self, width: i64) {
        self.gaps.push(self.end);
        self.end += width;
    }

    /// Decides `txn` here: its marker takes an offset.
    pub(super) fn mark(&mut self, txn: Txn, committed: bool) {
        let Some(index) = self.open.iter().position(|open| open.txn == txn) else { return };
        let open = self.open.swap_remove(index);
        self.end += 1;
        if !committed {
            let from = self.entries.partition_point(|entry| entry.offset < open.first);
            for entry in self.entries[from..].iter_mut().filter(|entry| entry.txn == txn) {
                entry.aborted = true;
            }
        }
    }

    /// Remembers which fault keeps `txn` open.
    pub(super) fn blame(&mut self, txn: Txn, fault: Fault) {
        for open in self.open.iter_mut().filter(|open| open.txn == txn) {
            open.cause = Some(fault);
        }
    }

    fn stable_end(&self) -> (i64, Option<Fault>) {
        match self.open.iter().min_by_key(|open| open.first) {
            Some(open) => (open.first, open.cause),
            None => (self.end, None),
        }
    }

    /// Where a reader of `isolation` must stop, and the fault that makes it stop short.
    pub(super) fn limit(&self, isolation: Isolation) -> (i64, Option<Fault>) {
        match isolation {
            Isolation::Committed => self.stable_end(),
            Isolation::Uncommitted => (self.end, None),
        }
    }

    /// Takes up to `most` records of about `batch.limit` bytes.
    pub(super) fn fetch(
        &mut self,
        cursor: &mut Cursor,
        batch: &mut Batch,
        most: usize,
    ) -> (Fetched, Option<Fault>) {
        if cursor.position < self.first || cursor.position > self.end {
            return (Fetched::OutOfRange, None);
        }
        let (limit, short) = self.limit(cursor.isolation);
        if cursor.position >= limit {
            if cursor.reported == Some(cursor.position) {
                return (Fetched::Nothing, short);
            }
            cursor.reported = Some(cursor.position);
            return (Fetched::End(cursor.position), short);
        }
        let before = cursor.position;
        let from = self.entries.partition_point(|entry| entry.offset < cursor.position);
        let hides = cursor.isolation == Isolation::Committed;
        let mut reached = limit;
        for entry in &self.entries[from..] {
            if entry.offset >= limit {
                break;
            }
            if batch.len() >= most || batch.size() >= batch.limit {
                reached = entry.offset;
                break;
            }
            if !(hides && entry.aborted) {
                self.deliver(entry, batch);
            }
        }
        cursor.position = reached;
        let passed = self.pass_gaps(before, reached);
        if batch.is_empty() {
            cursor.reported = Some(reached);
            return (Fetched::End(reached), passed.or(short));
        }
        (Fetched::Records, passed)
    }

    fn pass_gaps(&mut self, from: i64, to: i64) -> Option<Fault> {
        let before = self.gaps.len();
        self.gaps.retain(|gap| !(from <= *gap && *gap < to));
        (self.gaps.len() < before).then_some(Fault::Gap)
    }

    fn part(&self, span: &Span) -> &[u8] {
        &self.bytes[span.clone()]
    }

    fn deliver(&self, entry: &Entry, batch: &mut Batch) {
        let headers = entry.headers.iter().map(|(name, value)| (self.part(name), self.part(value)));
        let key = entry.key.as_ref().map(|span| self.part(span));
        let value = entry.value.as_ref().map(|span| self.part(span));
        batch.push(entry.offset, entry.stamp, entry.stamped_by, key, value, headers);
    }

    /// Below the last stable offset: the latest record of each key stays; tombstones, what they remove and
    /// aborted records go. Returns how many went.
    pub(super) fn compact(&mut self) -> usize {
        let before = self.entries.len();
        let (limit, _) = self.stable_end();
        let Self { bytes, entries, .. } = self;
        let mut latest: HashMap<&[u8], i64> = HashMap::new();
        for entry in entries.iter().filter(|entry| entry.offset < limit && !entry.aborted) {
            if let Some(key) = &entry.key {
                latest.insert(&bytes[key.clone()], entry.offset);
            }
        }
        entries.retain(|entry| {
            entry.offset >= limit
                || (!entry.aborted
                    && entry.value.is_some()
                    && entry
                        .key
                        .as_ref()
                        .is_some_and(|key| latest.get(&bytes[key.clone()]) == Some(&entry.offset)))
        });
        self.give_back();
        before - self.entries.len()
    }

    pub(super) fn truncate_before(&mut self, offset: i64) {
        self.first = self.first.max(offset.min(self.end));
        let first = self.first;
        self.entries.retain(|entry| entry.offset >= first);
        self.give_back();
    }

    /// Nothing was ever written.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    /// Gives back the memory of what is gone.
    fn give_back(&mut self) {
        let bytes = std::mem::take(&mut self.bytes);
        let mut entries = std::mem::take(&mut self.entries);
        for entry in &mut entries {
            let parts = entry.headers.iter_mut().flat_map(|(name, value)| [name, value]);
            for span in parts.chain(&mut entry.key).chain(&mut entry.value) {
                *span = self.put(&bytes[span.clone()]);
            }
        }
        self.entries = entries;
    }

    /// All records that are committed in truth: those whose marker is late too, as `late` knows.
    pub(super) fn committed(&self, late: impl Fn(Txn) -> bool) -> Vec<Stored> {
        let undecided = |txn| self.open.iter().any(|open| open.txn == txn);
        let seen = |entry: &&Entry| !entry.aborted && (!undecided(entry.txn) || late(entry.txn));
        let own = |span: &Span| self.part(span).to_vec();
        let told = self.entries.iter().filter(seen).map(|entry| Stored {
            offset: entry.offset,
            stamp: entry.stamp,
            key: entry.key.as_ref().map(own),
            value: entry.value.as_ref().map(own),
            headers: entry.headers.iter().map(|(name, value)| (own(name), own(value))).collect(),
        });
        told.collect()
    }
}
