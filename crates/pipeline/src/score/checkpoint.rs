//! Checkpoints: which state records go into which transaction.
//!
//! A sweep begins by taking the marker as of now, then stores every account that had changed until then; once
//! all of these are in, the marker is stored too. So the marker's position lies strictly before the oldest
//! change that is not stored. What was taken for a transaction that aborts stays with its shard's content and
//! goes with the next one.
//!
//! A model is stored before anything that names it, and removed with the first marker after which nothing does.
//!
//! A marker says, beside, at which offset the state topic began when its shard came: if that moves, records of the
//! state were deleted by somebody, and accounts may be among them. And it says how many partitions the journal has: an
//! account is where its id and that number put it.

use crate::settings::{self, millis};
use crate::topic::MAX_RECORD_BYTES;
use crate::variant::Variant;
use engine::entry::Position;
use engine::{Restoring, Shard};
use log::Appends;
use model::plan::ModelId;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The greatest value of a state record; a longer one is split.
pub(crate) const CHUNK: usize = 256 << 10;

/// What kind of state a record holds; the first byte of its key. The second is the number of the chunk.
pub(crate) mod kind {
    pub(crate) const ACCOUNT: u8 = b'a';
    pub(crate) const HEAD: u8 = b'h';
    pub(crate) const MARKER: u8 = b'k';
    pub(crate) const MODEL: u8 = b'm';
}

/// Into how many chunks a value of so many bytes is split.
pub(super) fn chunks(len: usize) -> usize {
    len.div_ceil(CHUNK - 1).max(1)
}

/// Appends that a state record of so many chunks is no more.
fn remove(to: &mut Appends, topic: &Arc<str>, partition: u32, kind: u8, key: &[u8], chunks: usize) {
    for number in 0..chunks {
        let mut name = vec![kind, u8::try_from(number).unwrap_or(u8::MAX)];
        name.extend_from_slice(key);
        to.push(topic, partition, Some(&name), None, &[]);
    }
}

/// Appends a state record, split if need be. A chunk's value begins with how many there are.
pub(crate) fn put(to: &mut Appends, topic: &Arc<str>, partition: u32, kind: u8, key: &[u8], value: &[u8]) {
    const { assert!(CHUNK < MAX_RECORD_BYTES) };
    let chunks = chunks(value.len());
    let count = u8::try_from(chunks).unwrap_or(u8::MAX);
    let mut name = vec![kind, 0];
    name.extend_from_slice(key);
    let mut chunk = Vec::with_capacity(value.len().min(CHUNK) + 1);
    for number in 0..chunks {
        let start = number * (CHUNK - 1);
        let end = value.len().min(start + CHUNK - 1);
        chunk.clear();
        chunk.push(count);
        chunk.extend_from_slice(&value[start..end]);
        name[1] = u8::try_from(number).unwrap_or(u8::MAX);
        to.push(topic, partition, Some(&name), Some(&chunk), &[]);
    }
}

/// What a marker says of topics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ground {
    /// The offset at which the state begins.
    pub(crate) since: i64,
    /// How many partitions the journal has.
    pub(crate) journal: u32,
}

/// The bytes of a marker record: its ground, then what the shard says.
fn mark(shard: &Shard, ground: Ground) -> Vec<u8> {
    let mut marker = ground.since.to_le_bytes().to_vec();
    marker.extend(ground.journal.to_le_bytes());
    shard.write_marker(&mut marker);
    marker
}

/// What [`mark`] made.
pub(super) fn read_mark(record: &[u8]) -> Option<(Ground, &[u8])> {
    let (since, rest) = record.split_first_chunk::<8>()?;
    let (journal, marker) = rest.split_first_chunk::<4>()?;
    Some((Ground { since: i64::from_le_bytes(*since), journal: u32::from_le_bytes(*journal) }, marker))
}

/// The checkpoints of one shard.
#[derive(Debug, Default)]
pub(crate) struct Checkpoint {
    sweep: Option<Sweep>,
    /// Models whose text is stored, each with the number of its chunks.
    models: BTreeMap<ModelId, usize>,
    /// Whether a marker is stored: without one there is nothing to restore.
    marked: bool,
    ground: Ground,
    /// The position as of which something was added last.
    added: Option<Position>,
    /// When accounts were stored last.
    at: i64,
    /// How many bytes of accounts may be stored; less than nothing after one that was larger.
    room: i64,
    /// The journal offset of the marker that is stored, or of which the shard was restored.
    stands_at: i64,
}

#[derive(Debug)]
struct Sweep {
    marker: Vec<u8>,
    /// The journal offset at which it was taken.
    offset: i64,
    began: i64,
    /// Accounts that are still to be stored.
    left: usize,
    all: usize,
}

impl Checkpoint {
    /// Those of a shard that was restored at `position`: these models are stored already, and perhaps a marker.
    pub(crate) fn restored(
        models: BTreeMap<ModelId, usize>,
        marked: bool,
        ground: Ground,
        position: Position,
    ) -> Self {
        Self { models, marked, ground, stands_at: position.offset, ..Self::default() }
    }

    /// How many offsets of the journal a restart would fold again of a shard that stands at `position`.
    pub(crate) fn lag(&self, position: Position) -> u64 {
        position.offset.saturating_sub(self.stands_at).max(0).unsigned_abs()
    }

    /// Adds what is due to a transaction, whose position is the shard's. To one that is sent again, nothing.
    pub(crate) fn add<V: Variant>(
        &mut self,
        shard: &mut Shard,
        to: &mut Appends,
        topic: &Arc<str>,
        partition: u32,
        now: i64,
        settings: &settings::Score,
    ) {
        if self.added.replace(shard.position()) == Some(shard.position()) {
            return;
        }
        let mut bytes = Vec::new();
        if !self.marked {
            // Until the first sweep is complete, all begins at the journal's beginning.
            put(to, topic, partition, kind::MARKER, &[], &mark(&Shard::new(), self.ground));
            self.marked = true;
        }
        for (id, text) in shard.models() {
            if self.models.insert(id, chunks(text.len())).is_none() {
                put(to, topic, partition, kind::MODEL, &id.0, text.as_bytes());
            }
        }
        let interval = millis(settings.checkpoint_interval).max(1);
        let sweep = self.sweep.get_or_insert_with(|| {
            let (left, offset) = (shard.dirty(), shard.position().offset);
            Sweep { marker: mark(shard, self.ground), offset, began: now, left, all: left }
        });
        // As many as keep pace with the interval, at least a few, at most what the ceiling allows.
        let since = (now - self.at).max(0);
        let passed = since.min(interval);
        self.at = now;
        let ceiling = i64::try_from(settings.checkpoint_bytes).unwrap_or(i64::MAX);
        let more = ceiling.saturating_mul(since.min(1_000)) / 1_000;
        self.room = self.room.saturating_add(more).min(ceiling);
        let pace = i64::try_from(sweep.all).unwrap_or(i64::MAX).saturating_mul(passed) / interval;
        let mut quota = usize::try_from(pace).unwrap_or(0).saturating_add(1).min(sweep.left);
        if quota > 0 && self.room > 0 {
            let room = &mut self.room;
            shard.take_dirty(|id, account| {
                put(to, topic, partition, kind::ACCOUNT, id.as_bytes(), account);
                *room = room.saturating_sub_unsigned(account.len() as u64);
                quota -= 1;
                sweep.left -= 1;
                quota > 0 && *room > 0
            });
        }
        if sweep.left == 0 {
            if V::MARKER_AT_END {
                sweep.marker = mark(shard, self.ground);
            }
            put(to, topic, partition, kind::MARKER, &[], &sweep.marker);
            // What neither it nor an account that was stored since names is named by nothing any more.
            let mut named: BTreeSet<ModelId> = shard.models().map(|(id, _)| id).collect();
            let of_marker = read_mark(&sweep.marker).and_then(|(_, marker)| Restoring::models(marker).ok());
            named.extend(of_marker.into_iter().flatten());
            for (id, chunks) in self.models.extract_if(.., |id, _| !named.contains(id)) {
                remove(to, topic, partition, kind::MODEL, &id.0, chunks);
            }
            let began = sweep.began;
            self.stands_at = sweep.offset;
            self.sweep = None;
            tracing::debug!(partition, took_ms = now - began, "checkpoint complete");
        }
        shard.write_head(&mut bytes);
        put(to, topic, partition, kind::HEAD, &[], &bytes);
    }
}

#[cfg(test)]
mod tests;
