//! What all handles of one log share: the store, and what is known in memory.
//!
//! Lock order: the turn (see `turn`) before [`State`]; no lock is held while waiting for the disk except the turn
//! and `admin`.

use super::Options;
use super::compaction::Compaction;
use super::group::Group;
use super::held::{self, Open};
use super::key::Meta;
use super::lock::Holding;
use super::prepare::Prepared;
use super::store::Store;
use super::topic::{self, Catalog, Slot};
use super::turn::Queue;
use crate::{Committed, Error, Partition, Result};
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// The log, behind its handles.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) store: Store,
    pub(super) options: Options,
    state: Mutex<State>,
    /// Something that a poll may wait for has happened.
    arrived: Condvar,
    pub(super) queue: Queue,
    pub(super) compaction: Mutex<Compaction>,
    /// Held by whoever changes topics or starts of partitions.
    pub(super) admin: Mutex<()>,
    // Last, so that the directory is given back when all else is gone.
    _holding: Holding,
}

/// What is known in memory.
#[derive(Debug)]
pub(super) struct State {
    pub(super) catalog: Arc<Catalog>,
    pub(super) slots: Vec<Slot>,
    pub(super) offsets: HashMap<u32, HashMap<String, Committed>>,
    pub(super) groups: HashMap<String, Group>,
    pub(super) epochs: HashMap<Arc<str>, u64>,
    /// Offsets and writers of the transactions whose turn it is.
    pub(super) undecided_offsets: HashSet<(u32, String)>,
    pub(super) undecided_writers: HashSet<Arc<str>>,
    /// Transactions that were left open, by writer.
    pub(super) held: HashMap<Arc<str>, Open>,
    /// Why this log is of no use any more.
    pub(super) fatal: Option<String>,
}

impl Shared {
    pub(super) fn open(holding: Holding, options: Options) -> Result<Self> {
        let store = Store::open(&holding.dir, &options)?;
        let (catalog, slots) = topic::load(&store)?;
        let mut offsets: HashMap<u32, HashMap<String, Committed>> = HashMap::new();
        for entry in store.meta(Meta::OFFSET) {
            let (key, value) = entry?;
            let (pid, group, committed) =
                decode_offset(&key, &value).ok_or_else(|| store.damaged("a committed offset"))?;
            offsets.entry(pid).or_default().insert(group, committed);
        }
        let mut epochs = HashMap::new();
        for entry in store.meta(Meta::WRITER) {
            let (id, value) = entry?;
            let id = String::from_utf8(id).map_err(|_error| store.damaged("a writer's id"))?;
            let epoch = decode_epoch(&value).ok_or_else(|| store.damaged("a writer's epoch"))?;
            epochs.insert(id.into(), epoch);
        }
        held::drop_open(&store)?;
        let compaction = Compaction::load(&store)?;
        let state = State {
            catalog: Arc::new(catalog),
            slots,
            offsets,
            groups: HashMap::new(),
            epochs,
            undecided_offsets: HashSet::new(),
            undecided_writers: HashSet::new(),
            held: HashMap::new(),
            fatal: None,
        };
        Ok(Self {
            store,
            options,
            state: Mutex::new(state),
            arrived: Condvar::new(),
            queue: Queue::default(),
            compaction: Mutex::new(compaction),
            admin: Mutex::new(()),
            _holding: holding,
        })
    }

    /// The state. (A thread that panicked while it had the state is no reason for the others to: every change under
    /// the lock is whole.)
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The state, if the log is still of use.
    pub(super) fn live(&self) -> Result<MutexGuard<'_, State>> {
        let state = self.state();
        match &state.fatal {
            Some(reason) => Err(Error::Fatal(reason.clone())),
            None => Ok(state),
        }
    }

    /// Waits for something to arrive; `None` once `deadline` has passed.
    pub(super) fn wait<'s>(
        &self,
        state: MutexGuard<'s, State>,
        deadline: Instant,
    ) -> Option<MutexGuard<'s, State>> {
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return None;
        }
        Some(self.arrived.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0)
    }

    /// Wakes whoever polls.
    pub(super) fn wake(&self) {
        self.arrived.notify_all();
    }

    /// The end of this log: nothing is known for certain of the last write.
    pub(super) fn fail(&self, error: &fjall::Error) -> String {
        let reason = self.store.explain(error);
        tracing::error!(error = %reason, "the log stops");
        let reason = self.state().fatal.get_or_insert(reason).clone();
        self.wake();
        reason
    }

    /// Writes and syncs a batch outside of any transaction.
    pub(super) fn write(&self, fill: impl FnOnce(&Store, &mut fjall::OwnedWriteBatch)) -> Result<()> {
        let mut batch = self.store.batch();
        fill(&self.store, &mut batch);
        let written =
            self.store.wait_for_room().and_then(|()| batch.commit()).and_then(|()| self.store.persist());
        written.map_err(|error| Error::Fatal(self.fail(&error)))
    }
}

impl State {
    /// The offsets and the writer of a transaction are undecided from now on.
    pub(super) fn undecided(&mut self, prepared: &Prepared, writer: Arc<str>) {
        let group =
            prepared.membership.as_ref().map(|membership| membership.group.as_str()).unwrap_or_default();
        for offset in &prepared.offsets {
            self.undecided_offsets.insert((offset.pid, group.to_owned()));
        }
        self.undecided_writers.insert(writer);
    }

    /// Whether an offset that this group has committed is undecided.
    pub(super) fn is_undecided(&self, pid: u32, group: &str) -> bool {
        let place = (pid, group.to_owned());
        self.undecided_offsets.contains(&place) || self.held.values().any(|open| open.holds(&place))
    }

    /// An offset is committed: it stands against those that were added before it.
    pub(super) fn set_offset(&mut self, pid: u32, group: String, committed: Committed) {
        let place = (pid, group);
        for open in self.held.values_mut() {
            open.overtake(&place);
        }
        self.offsets.entry(place.0).or_default().insert(place.1, committed);
    }

    pub(super) fn pid(&self, partition: &Partition) -> Option<u32> {
        let number = usize::try_from(partition.number).ok()?;
        self.catalog.get(&partition.topic)?.pids.get(number).copied()
    }

    pub(super) fn slot(&self, pid: u32) -> Option<&Slot> {
        self.slots.get(usize::try_from(pid).ok()?)
    }

    pub(super) fn slot_mut(&mut self, pid: u32) -> Option<&mut Slot> {
        self.slots.get_mut(usize::try_from(pid).ok()?)
    }

    /// Begins a generation of `group`.
    pub(super) fn rebalance(&mut self, group: &str) {
        let catalog = Arc::clone(&self.catalog);
        if let Some(group) = self.groups.get_mut(group) {
            group.rebalance(|topic| catalog.get(topic).map_or(0, |topic| topic.spec.partitions));
        }
    }
}

/// The epoch of a writer; one after which there is none is damage.
pub(super) fn decode_epoch(value: &[u8]) -> Option<u64> {
    let epoch = u64::from_be_bytes(value.try_into().ok()?);
    epoch.checked_add(1)?;
    Some(epoch)
}

pub(super) fn decode_offset(key: &[u8], value: &[u8]) -> Option<(u32, String, Committed)> {
    let (pid, group) = key.split_first_chunk::<4>()?;
    let (offset, metadata) = value.split_first_chunk::<8>()?;
    let committed = Committed {
        offset: i64::from_be_bytes(*offset),
        metadata: String::from_utf8(metadata.to_vec()).ok()?,
    };
    Some((u32::from_be_bytes(*pid), String::from_utf8(group.to_vec()).ok()?, committed))
}

/// As an offset of the interface.
pub(super) fn signed(offset: u64) -> i64 {
    i64::try_from(offset).unwrap_or(i64::MAX)
}

/// The topic's partition, as the error for one that does not exist.
pub(super) fn missing(partition: &Partition) -> Error {
    Error::Missing(partition.to_string())
}
