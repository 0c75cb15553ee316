//! Topics and starts of partitions: what an operator does, seldom and one at a time.

use super::Embedded;
use super::compaction::{self, Limits};
use super::key::{Meta, place};
use super::state::{missing, signed};
use super::topic::{self, Slot, Topic};
use crate::{Ends, Error, Partition, Result, Round, TopicSpec};
use std::sync::{Arc, MutexGuard, PoisonError};

/// The longest name: the store's keys are short.
const MAX_NAME_BYTES: usize = 249;

impl Embedded {
    fn admin(&self) -> MutexGuard<'_, ()> {
        self.shared.admin.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn create_topic(&self, spec: &TopicSpec) -> Result<()> {
        let _admin = self.admin();
        let state = self.shared.live()?;
        if let Some(there) = state.catalog.get(&spec.name) {
            return if there.spec == *spec {
                Ok(())
            } else {
                Err(Error::Refused(format!(
                    "topic {} exists as {:?}, not as {spec:?}",
                    spec.name, there.spec
                )))
            };
        }
        if spec.partitions == 0 || spec.name.is_empty() || spec.name.len() > MAX_NAME_BYTES {
            return Err(Error::Refused(format!(
                "topic {:?} with {} partitions: a name has 1 to {MAX_NAME_BYTES} bytes, a topic at least 1 partition",
                spec.name, spec.partitions
            )));
        }
        drop(state);
        self.grow(
            Topic { spec: TopicSpec { partitions: 0, ..spec.clone() }, pids: Vec::new() },
            spec.partitions,
        )
    }

    /// Adds `count` partitions to a topic; groups that read it share them out.
    ///
    /// # Errors
    /// [`Error::Missing`] or [`Error::Fatal`].
    pub fn add_partitions(&self, topic: &str, count: u32) -> Result<()> {
        let _admin = self.admin();
        let topic = self
            .shared
            .live()?
            .catalog
            .get(topic)
            .cloned()
            .ok_or_else(|| Error::Missing(topic.to_owned()))?;
        self.grow(topic, count)
    }

    /// Writes a topic with `count` more partitions, then makes it known.
    fn grow(&self, mut topic: Topic, count: u32) -> Result<()> {
        let mut state = self.shared.live()?;
        let taken = u32::try_from(state.slots.len()).unwrap_or(u32::MAX);
        drop(state);
        topic.pids.extend(taken..taken + count);
        topic.spec.partitions += count;
        self.shared.write(|store, batch| {
            let key = Meta::key(Meta::TOPIC, topic.spec.name.as_bytes());
            batch.insert(&store.meta, key, topic::encode(&topic));
        })?;
        state = self.shared.live()?;
        state.slots.extend((0..count).map(|_| Slot::new(&topic.spec)));
        let name = Arc::clone(&topic.spec.name);
        Arc::make_mut(&mut state.catalog).insert(Arc::clone(&name), topic);
        let readers = state.groups.iter().filter(|(_, group)| group.subscribes(&name));
        for group in readers.map(|(group, _)| group.clone()).collect::<Vec<_>>() {
            state.rebalance(&group);
        }
        drop(state);
        self.shared.wake();
        Ok(())
    }

    /// All topics, by name.
    ///
    /// # Errors
    /// [`Error::Fatal`].
    pub fn topics(&self) -> Result<Vec<TopicSpec>> {
        let state = self.shared.live()?;
        let mut topics: Vec<_> = state.catalog.values().map(|topic| topic.spec.clone()).collect();
        topics.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(topics)
    }

    pub(super) fn round(&self, topics: &[Arc<str>]) -> Result<Round> {
        let sent_at = super::wall_clock();
        let state = self.shared.live()?;
        let ends = |topic: &Arc<str>| {
            let topic = state.catalog.get(topic).ok_or_else(|| Error::Missing(topic.to_string()))?;
            let slots = topic.pids.iter().filter_map(|pid| state.slot(*pid));
            Ok(slots.map(|slot| Ends { first: signed(slot.first), end: signed(slot.next) }).collect())
        };
        Ok(Round { sent_at, topics: topics.iter().map(ends).collect::<Result<_>>()? })
    }

    /// Deletes what stands below `offset` in a partition.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::OutOfRange`] or [`Error::Fatal`].
    pub fn truncate_before(&self, partition: &Partition, offset: i64) -> Result<()> {
        let _admin = self.admin();
        let mut state = self.shared.live()?;
        let pid = state.pid(partition).ok_or_else(|| missing(partition))?;
        let slot = state.slot_mut(pid).ok_or_else(|| missing(partition))?;
        let first = u64::try_from(offset).ok().filter(|offset| (slot.first..=slot.next).contains(offset));
        let Some(first) = first else {
            let (first, end) = (signed(slot.first), signed(slot.next));
            return Err(Error::OutOfRange { partition: partition.clone(), offset, first, end });
        };
        let cleanup = slot.cleanup;
        // Readers must see that the records are out of range before the records are gone.
        slot.first = first;
        drop(state);
        let store = &self.shared.store;
        let keyspace = store.of(cleanup);
        let kept = store.seek(keyspace, pid, first)?;
        let gone = store.chunks(keyspace, pid, 0, kept).map(|chunk| chunk.map(|(base, _)| base));
        let gone = gone.collect::<Result<Vec<_>>>()?;
        self.shared.write(|store, batch| {
            batch.insert(&store.meta, Meta::key(Meta::FIRST, &pid.to_be_bytes()), first.to_be_bytes());
            for base in gone {
                batch.remove(keyspace, place(pid, base));
            }
        })?;
        self.shared.wake();
        Ok(())
    }

    /// Does at once what compaction has still to do: superseded records, and tombstones older than the retention.
    ///
    /// # Errors
    /// [`Error::Fatal`].
    pub fn compact(&self) -> Result<()> {
        // A turn of its own: what a turn supersedes may go once that turn is visible, not before.
        self.shared.alone(|| {
            let state = self.shared.live()?;
            let limits = Limits::of(&state.slots);
            let pids = 0..u32::try_from(state.slots.len()).unwrap_or(u32::MAX);
            drop(state);
            let horizon = compaction::horizon(super::wall_clock(), self.shared.options.tombstone_retention);
            let mut compaction = self.shared.compaction.lock().unwrap_or_else(PoisonError::into_inner);
            loop {
                let before = compaction.pending();
                self.shared.write(|store, batch| {
                    let mut step = compaction.step(store, batch, &limits);
                    for pid in pids.clone() {
                        step.expire(batch, pid, horizon, &limits);
                    }
                    step.finish(batch);
                })?;
                if compaction.pending() == before {
                    return Ok(());
                }
            }
        })
    }

    /// Takes the seat of the member that joined `group` as `instance`, as a broker does with one that fell silent. The
    /// member learns that its partitions are lost, and joins anew if it polls on. Whether there was one.
    ///
    /// # Errors
    /// [`Error::Fatal`].
    pub fn expel(&self, group: &str, instance: &str) -> Result<bool> {
        let mut state = self.shared.live()?;
        let there = state.groups.get_mut(group).is_some_and(|group| group.expel(instance));
        if there {
            state.rebalance(group);
        }
        drop(state);
        self.shared.wake();
        Ok(there)
    }

    /// Bytes that the log takes on disk, about.
    ///
    /// # Errors
    /// [`Error::Fatal`].
    pub fn disk_bytes(&self) -> Result<u64> {
        self.shared.store.disk_bytes().map_err(|error| self.shared.store.failed(&error))
    }
}
