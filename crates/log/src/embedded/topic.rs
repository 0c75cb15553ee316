//! What the log knows of topics and partitions, in memory, and how it is written down.

use super::key::Meta;
use super::store::Store;
use crate::{Cleanup, Isolation, Result, Stamp, TopicSpec};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// A topic and the ids of its partitions.
#[derive(Clone, Debug)]
pub(super) struct Topic {
    pub(super) spec: TopicSpec,
    pub(super) pids: Vec<u32>,
}

/// All topics; replaced as a whole, so that a writer can look things up without a lock.
pub(super) type Catalog = HashMap<Arc<str>, Topic>;

/// One partition, by its id.
#[derive(Clone, Debug)]
pub(super) struct Slot {
    pub(super) cleanup: Cleanup,
    pub(super) stamped_by: Stamp,
    pub(super) first: u64,
    /// One more than the greatest offset that is taken.
    pub(super) next: u64,
    pub(super) last_stamp: i64,
    /// First offsets of undecided transactions, each with its writer.
    pub(super) undecided: BTreeMap<u64, Arc<str>>,
}

impl Slot {
    pub(super) fn new(spec: &TopicSpec) -> Self {
        let (cleanup, stamped_by) = (spec.cleanup, spec.stamp);
        Self { cleanup, stamped_by, first: 0, next: 0, last_stamp: i64::MIN, undecided: BTreeMap::new() }
    }

    /// Where a reader stops.
    pub(super) fn visible(&self, isolation: Isolation) -> u64 {
        match (isolation, self.undecided.first_key_value()) {
            (Isolation::Committed, Some((&first, _))) => first,
            (Isolation::Committed, None) | (Isolation::Uncommitted, _) => self.next,
        }
    }
}

pub(super) fn encode_end(next: u64, last_stamp: i64) -> [u8; 16] {
    let mut value = [0; 16];
    value[..8].copy_from_slice(&next.to_be_bytes());
    value[8..].copy_from_slice(&last_stamp.to_be_bytes());
    value
}

/// What [`encode_end`] made; an offset that does not fit the interface is none.
pub(super) fn decode_end(value: &[u8]) -> Option<(u64, i64)> {
    let (next, stamp) = value.split_first_chunk::<8>()?;
    let next = u64::from_be_bytes(*next);
    i64::try_from(next).ok()?;
    Some((next, i64::from_be_bytes(stamp.try_into().ok()?)))
}

pub(super) fn encode(topic: &Topic) -> Vec<u8> {
    let spec = &topic.spec;
    let mut value = vec![
        match spec.stamp {
            Stamp::Append => 0,
            Stamp::Create => 1,
        },
        match spec.cleanup {
            Cleanup::Keep => 0,
            Cleanup::Compact => 1,
        },
    ];
    value.extend_from_slice(&u64::try_from(spec.max_record_bytes).unwrap_or(u64::MAX).to_be_bytes());
    for pid in &topic.pids {
        value.extend_from_slice(&pid.to_be_bytes());
    }
    value
}

/// What [`encode`] made.
pub(super) fn decode(name: &Arc<str>, value: &[u8]) -> Option<Topic> {
    let ([stamp, cleanup], rest) = value.split_first_chunk::<2>()?;
    let (max, pids) = rest.split_first_chunk::<8>()?;
    let (pids, []) = pids.as_chunks::<4>() else { return None };
    let pids: Vec<u32> = pids.iter().map(|pid| u32::from_be_bytes(*pid)).collect();
    let spec = TopicSpec {
        name: Arc::clone(name),
        partitions: u32::try_from(pids.len()).ok()?,
        stamp: match stamp {
            0 => Stamp::Append,
            1 => Stamp::Create,
            _ => return None,
        },
        cleanup: match cleanup {
            0 => Cleanup::Keep,
            1 => Cleanup::Compact,
            _ => return None,
        },
        max_record_bytes: usize::try_from(u64::from_be_bytes(*max)).ok()?,
    };
    Some(Topic { spec, pids })
}

/// Reads what the store holds of topics and partitions.
pub(super) fn load(store: &Store) -> Result<(Catalog, Vec<Slot>)> {
    let mut catalog = Catalog::new();
    let mut slots: BTreeMap<u32, Slot> = BTreeMap::new();
    for entry in store.meta(Meta::TOPIC) {
        let (name, value) = entry?;
        let name: Arc<str> =
            String::from_utf8(name).map_err(|_error| store.damaged("a topic's name"))?.into();
        let topic = decode(&name, &value).ok_or_else(|| store.damaged("a topic"))?;
        slots.extend(topic.pids.iter().map(|pid| (*pid, Slot::new(&topic.spec))));
        catalog.insert(name, topic);
    }
    for entry in store.meta(Meta::END) {
        let (key, value) = entry?;
        let slot = slot(store, &mut slots, &key)?;
        (slot.next, slot.last_stamp) =
            decode_end(&value).ok_or_else(|| store.damaged("a partition's end"))?;
    }
    for entry in store.meta(Meta::FIRST) {
        let (key, value) = entry?;
        let slot = slot(store, &mut slots, &key)?;
        let first = value.as_ref().try_into().map_err(|_error| store.damaged("a partition's start"))?;
        slot.first = u64::from_be_bytes(first);
        if slot.first > slot.next {
            return Err(store.damaged("a partition's start"));
        }
    }
    let dense = (0..).zip(slots.keys()).all(|(at, pid): (u32, _)| at == *pid);
    let apart = catalog.values().map(|topic| topic.pids.len()).sum::<usize>() == slots.len();
    if !dense || !apart {
        return Err(store.damaged("the list of partitions"));
    }
    Ok((catalog, slots.into_values().collect()))
}

fn slot<'s>(store: &Store, slots: &'s mut BTreeMap<u32, Slot>, key: &[u8]) -> Result<&'s mut Slot> {
    let pid = key.try_into().map(u32::from_be_bytes).map_err(|_error| store.damaged("a partition's id"))?;
    slots.get_mut(&pid).ok_or_else(|| store.damaged("a partition without a topic"))
}
