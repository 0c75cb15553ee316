//! Records in, records out: flat buffers that are filled again and again.

use crate::{Partition, Stamp};
use std::ops::Range;
use std::sync::Arc;

/// Records of one partition, in the order of offsets.
#[derive(Debug)]
pub struct Batch {
    /// Which partition they are of; `None` while the batch is empty.
    pub partition: Option<Partition>,
    /// About how many bytes of records one poll may put in.
    pub limit: usize,
    bytes: Vec<u8>,
    index: Vec<Slot>,
    headers: Vec<(Range<usize>, Range<usize>)>,
}

#[derive(Clone, Debug)]
struct Slot {
    offset: i64,
    stamp: i64,
    stamped_by: Stamp,
    key: Option<Range<usize>>,
    value: Option<Range<usize>>,
    headers: Range<usize>,
}

/// One record of a [`Batch`].
#[derive(Clone, Copy, Debug)]
pub struct Record<'a> {
    /// Its offset.
    pub offset: i64,
    /// Its timestamp, ms since the epoch.
    pub stamp: i64,
    /// Who gave it that: of one topic it may be both, if its rule was changed.
    pub stamped_by: Stamp,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value; `None` removes the key from a compacted topic.
    pub value: Option<&'a [u8]>,
    batch: &'a Batch,
    slot: usize,
}

impl<'a> Record<'a> {
    /// Names and values of its headers.
    pub fn headers(&self) -> impl Iterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let batch = self.batch;
        let range = batch.index[self.slot].headers.clone();
        batch.headers[range]
            .iter()
            .map(|(name, value)| (&batch.bytes[name.clone()], &batch.bytes[value.clone()]))
    }

    /// Bytes of key, value and headers.
    #[must_use]
    pub fn size(&self) -> usize {
        let own = self.key.map_or(0, <[u8]>::len) + self.value.map_or(0, <[u8]>::len);
        own + self.headers().map(|(name, value)| name.len() + value.len()).sum::<usize>()
    }
}

impl Default for Batch {
    fn default() -> Self {
        Self { partition: None, limit: 1 << 20, bytes: Vec::new(), index: Vec::new(), headers: Vec::new() }
    }
}

impl Batch {
    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.partition = None;
        self.bytes.clear();
        self.index.clear();
        self.headers.clear();
    }

    /// Adds a record; offsets must grow.
    pub fn push<'h>(
        &mut self,
        offset: i64,
        stamp: i64,
        stamped_by: Stamp,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: impl IntoIterator<Item = (&'h [u8], &'h [u8])>,
    ) {
        let first = self.headers.len();
        for (name, value) in headers {
            let pair = (put(&mut self.bytes, name), put(&mut self.bytes, value));
            self.headers.push(pair);
        }
        let key = key.map(|key| put(&mut self.bytes, key));
        let value = value.map(|value| put(&mut self.bytes, value));
        self.index.push(Slot { offset, stamp, stamped_by, key, value, headers: first..self.headers.len() });
    }

    /// The records.
    pub fn records(&self) -> impl ExactSizeIterator<Item = Record<'_>> {
        self.index.iter().enumerate().map(|(slot, entry)| self.view(slot, entry))
    }

    /// The record at a place, from 0.
    #[must_use]
    pub fn record(&self, place: usize) -> Option<Record<'_>> {
        self.index.get(place).map(|entry| self.view(place, entry))
    }

    fn view(&self, slot: usize, entry: &Slot) -> Record<'_> {
        Record {
            offset: entry.offset,
            stamp: entry.stamp,
            stamped_by: entry.stamped_by,
            key: entry.key.clone().map(|range| &self.bytes[range]),
            value: entry.value.clone().map(|range| &self.bytes[range]),
            batch: self,
            slot,
        }
    }

    /// How many records it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Bytes of its records.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes.len()
    }
}

fn put(bytes: &mut Vec<u8>, part: &[u8]) -> Range<usize> {
    let start = bytes.len();
    bytes.extend_from_slice(part);
    start..bytes.len()
}

/// Records to append, in order.
#[derive(Clone, Debug, Default)]
pub struct Appends {
    bytes: Vec<u8>,
    index: Vec<AppendSlot>,
    headers: Vec<(Range<usize>, Range<usize>)>,
}

#[derive(Clone, Debug)]
struct AppendSlot {
    topic: Arc<str>,
    partition: u32,
    stamp: Option<i64>,
    key: Option<Range<usize>>,
    value: Option<Range<usize>>,
    headers: Range<usize>,
}

/// One record to append.
#[derive(Clone, Copy, Debug)]
pub struct Append<'a> {
    /// Where to.
    pub topic: &'a Arc<str>,
    /// Which partition.
    pub partition: u32,
    /// Its timestamp, for topics with [`crate::Stamp::Create`]; the append time if `None`.
    pub stamp: Option<i64>,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value.
    pub value: Option<&'a [u8]>,
    headers: &'a [(Range<usize>, Range<usize>)],
    bytes: &'a [u8],
}

impl<'a> Append<'a> {
    /// Names and values of its headers.
    pub fn headers(&self) -> impl ExactSizeIterator<Item = (&'a [u8], &'a [u8])> + use<'a> {
        let bytes = self.bytes;
        self.headers.iter().map(|(name, value)| (&bytes[name.clone()], &bytes[value.clone()]))
    }

    /// Bytes of key, value and headers.
    #[must_use]
    pub fn size(&self) -> usize {
        let own = self.key.map_or(0, <[u8]>::len) + self.value.map_or(0, <[u8]>::len);
        own + self.headers.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
    }
}

impl Appends {
    /// Adds a record that the log stamps.
    pub fn push(
        &mut self,
        topic: &Arc<str>,
        partition: u32,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&str, &[u8])],
    ) {
        self.push_stamped(topic, partition, None, key, value, headers);
    }

    /// Adds a record with a timestamp of its own.
    pub fn push_stamped(
        &mut self,
        topic: &Arc<str>,
        partition: u32,
        stamp: Option<i64>,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        headers: &[(&str, &[u8])],
    ) {
        let first = self.headers.len();
        for (name, value) in headers {
            let pair = (put(&mut self.bytes, name.as_bytes()), put(&mut self.bytes, value));
            self.headers.push(pair);
        }
        let key = key.map(|key| put(&mut self.bytes, key));
        let value = value.map(|value| put(&mut self.bytes, value));
        let headers = first..self.headers.len();
        self.index.push(AppendSlot { topic: Arc::clone(topic), partition, stamp, key, value, headers });
    }

    /// The records.
    pub fn records(&self) -> impl ExactSizeIterator<Item = Append<'_>> {
        self.index.iter().map(|slot| Append {
            topic: &slot.topic,
            partition: slot.partition,
            stamp: slot.stamp,
            key: slot.key.clone().map(|range| &self.bytes[range]),
            value: slot.value.clone().map(|range| &self.bytes[range]),
            headers: &self.headers[slot.headers.clone()],
            bytes: &self.bytes,
        })
    }

    /// How many records it holds.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether it holds none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// Bytes of its records.
    #[must_use]
    pub fn size(&self) -> usize {
        self.bytes.len()
    }

    /// Empties it, keeping its memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.index.clear();
        self.headers.clear();
    }
}
