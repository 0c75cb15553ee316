//! Compaction: of each key the latest record stays, and a record without value goes once it has been readable for
//! the retention.
//!
//! A record that was superseded is deleted by the batch *after* the one that supersedes it. By then the later record
//! is readable, so a reader that finds the earlier one gone finds the later one before it finds the end. What is to
//! be deleted is written with the batch that supersedes it, so a crash in between leaves nothing behind. Nothing is
//! deleted in favour of a record above an undecided transaction.

use super::key::{self, Meta};
use super::prepare::Keep;
use super::store::Store;
use super::topic::Slot;
use crate::Result;
use fjall::OwnedWriteBatch;
use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

/// A tombstone goes in small steps, so that no commit waits long for it.
const TOMBSTONES_AT_ONCE: usize = 1_000;

/// What is to be deleted, sooner or later.
#[derive(Debug, Default)]
pub(super) struct Compaction {
    superseded: Vec<Superseded>,
    /// Records without value that are the latest of their key.
    tombstones: BTreeMap<(u32, u64), Tombstone>,
}

#[derive(Clone, Copy, Debug)]
struct Superseded {
    pid: u32,
    offset: u64,
    by: u64,
}

#[derive(Debug)]
struct Tombstone {
    stamp: i64,
    key: Vec<u8>,
}

/// How far each partition may be compacted: up to its first undecided transaction.
pub(super) struct Limits(HashMap<u32, u64>);

impl Limits {
    pub(super) fn of(slots: &[Slot]) -> Self {
        let undecided = (0..)
            .zip(slots)
            .filter_map(|(pid, slot)| slot.undecided.first_key_value().map(|(first, _)| (pid, *first)));
        Self(undecided.collect())
    }

    fn allow(&self, pid: u32, offset: u64) -> bool {
        self.0.get(&pid).is_none_or(|limit| offset < *limit)
    }
}

/// The compaction that goes with one batch. A batch must name no key twice, so what it changes is gathered first.
pub(super) struct Step<'c> {
    compaction: &'c mut Compaction,
    store: &'c Store,
    /// Of keys that this batch touches: the latest offset from now on.
    latest: HashMap<Vec<u8>, Option<u64>>,
    /// Tombstones that this batch adds (with their stamp and key) or removes.
    marks: BTreeMap<(u32, u64), Option<Vec<u8>>>,
    superseded: Vec<Superseded>,
    idle: bool,
}

impl Compaction {
    pub(super) fn load(store: &Store) -> Result<Self> {
        let mut compaction = Self::default();
        for entry in store.meta(Meta::SUPERSEDED) {
            let (_, value) = entry?;
            for place in value.chunks(12) {
                let (pid, offset) = key::placed(place).ok_or_else(|| store.damaged("a superseded record"))?;
                compaction.superseded.push(Superseded { pid, offset, by: 0 });
            }
        }
        for entry in store.meta(Meta::TOMBSTONE) {
            let (key, value) = entry?;
            let decoded = key::placed(&key).zip(value.split_first_chunk::<8>());
            let (place, (stamp, key)) = decoded.ok_or_else(|| store.damaged("a tombstone"))?;
            let tombstone = Tombstone { stamp: i64::from_be_bytes(*stamp), key: key.to_vec() };
            compaction.tombstones.insert(place, tombstone);
        }
        Ok(compaction)
    }

    /// Begins the compaction of one batch: deletes what earlier ones have left.
    pub(super) fn step<'c>(
        &'c mut self,
        store: &'c Store,
        batch: &mut OwnedWriteBatch,
        limits: &Limits,
    ) -> Step<'c> {
        let before = std::mem::take(&mut self.superseded);
        let idle = before.is_empty();
        let mut superseded = Vec::new();
        for record in before {
            if limits.allow(record.pid, record.by) {
                batch.remove(&store.compacted, key::place(record.pid, record.offset));
            } else {
                superseded.push(record);
            }
        }
        Step { compaction: self, store, latest: HashMap::new(), marks: BTreeMap::new(), superseded, idle }
    }

    /// Whether there is anything to do before `now`.
    pub(super) fn pending(&self) -> usize {
        self.superseded.len() + self.tombstones.len()
    }
}

impl Step<'_> {
    /// A record of a compacted topic is written at `offset`.
    pub(super) fn written(&mut self, (pid, offset): (u32, u64), stamp: i64, keep: &Keep) -> Result<()> {
        let Keep::UntilNext { key: Some(key), tombstone } = keep else { return Ok(()) };
        let place = key::keyed(pid, key);
        let earlier = match self.latest.get(&place) {
            Some(earlier) => *earlier,
            None => self.store.latest(&place)?,
        };
        match earlier {
            Some(later) if later > offset => {
                self.superseded.push(Superseded { pid, offset, by: later });
                return Ok(());
            }
            Some(earlier) => {
                self.superseded.push(Superseded { pid, offset: earlier, by: offset });
                if self.compaction.tombstones.remove(&(pid, earlier)).is_some() {
                    self.marks.insert((pid, earlier), None);
                }
            }
            None => {}
        }
        if *tombstone {
            let mut value = stamp.to_be_bytes().to_vec();
            value.extend_from_slice(key);
            self.marks.insert((pid, offset), Some(value));
            self.compaction.tombstones.insert((pid, offset), Tombstone { stamp, key: key.clone() });
        }
        self.latest.insert(place, Some(offset));
        Ok(())
    }

    /// Deletes tombstones of a partition that were readable before `before`. To be called ahead of
    /// [`Step::written`], so that what this batch writes is not among them.
    pub(super) fn expire(&mut self, batch: &mut OwnedWriteBatch, pid: u32, before: i64, limits: &Limits) {
        let due: Vec<(u32, u64)> = self
            .compaction
            .tombstones
            .range((pid, 0)..=(pid, u64::MAX))
            .take_while(|((_, offset), tombstone)| tombstone.stamp <= before && limits.allow(pid, *offset))
            .take(TOMBSTONES_AT_ONCE)
            .map(|(place, _)| *place)
            .collect();
        for (pid, offset) in due {
            let Some(tombstone) = self.compaction.tombstones.remove(&(pid, offset)) else { continue };
            self.marks.insert((pid, offset), None);
            batch.remove(&self.store.compacted, key::place(pid, offset));
            self.latest.insert(key::keyed(pid, &tombstone.key), None);
        }
    }

    /// Writes down what has changed, and what the next batch is to delete.
    pub(super) fn finish(self, batch: &mut OwnedWriteBatch) {
        for (place, offset) in self.latest {
            match offset {
                Some(offset) => batch.insert(&self.store.latest, place, offset.to_be_bytes()),
                None => batch.remove(&self.store.latest, place),
            }
        }
        for ((pid, offset), mark) in self.marks {
            match mark {
                Some(mark) => batch.insert(&self.store.meta, Meta::tombstone(pid, offset), mark),
                None => batch.remove(&self.store.meta, Meta::tombstone(pid, offset)),
            }
        }
        if !(self.idle && self.superseded.is_empty()) {
            let places = self.superseded.iter().flat_map(|record| key::place(record.pid, record.offset));
            batch.insert(&self.store.meta, [Meta::SUPERSEDED], places.collect::<Vec<u8>>());
        }
        self.compaction.superseded = self.superseded;
    }
}

/// The stamp below which a tombstone has been readable for `retention`.
pub(super) fn horizon(now: i64, retention: Duration) -> i64 {
    now.saturating_sub(i64::try_from(retention.as_millis()).unwrap_or(i64::MAX))
}
