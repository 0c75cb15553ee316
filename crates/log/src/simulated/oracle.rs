//! The cluster from outside: what a test may do to it and know of it that no process can.

use super::faults::{Faults, Tally};
use super::partition::Stored;
use super::process::Simulated;
use super::state::{Process, ProcessId, State};
use super::transaction::Outcome;
use super::writer::Producer;
use crate::{CommitError, Committed, Partition, Result, TopicSpec, Transaction};
use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

/// Midnight of 1 January 2026, UTC.
const START_MS: i64 = 1_767_225_600_000;

/// The process in whose name foreign producers write.
const OUTSIDE: ProcessId = 0;

/// A simulated cluster.
#[derive(Clone)]
pub struct Cluster {
    state: Rc<RefCell<State>>,
}

/// An open transaction of an application that is none of ours.
#[derive(Clone, Debug)]
pub struct Foreign(String);

/// A transaction held before its request to commit.
#[derive(Clone, Debug)]
pub struct Held {
    id: String,
    epoch: u32,
    process: ProcessId,
    txn: u64,
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cluster").field("now", &self.now()).finish_non_exhaustive()
    }
}

impl Cluster {
    /// A cluster without topics; its clock begins with the year 2026.
    #[must_use]
    pub fn new(seed: u64, faults: Faults) -> Self {
        Self::starting_at(seed, faults, START_MS)
    }

    /// A cluster whose clock begins at `now`, ms since the epoch.
    #[must_use]
    pub fn starting_at(seed: u64, faults: Faults, now: i64) -> Self {
        let mut state = State::new(seed, faults, now);
        state.processes.push(Process::new("outside"));
        Self { state: Rc::new(RefCell::new(state)) }
    }

    /// A new incarnation of the process `name`; earlier ones live on unless they were killed.
    #[must_use]
    pub fn process(&self, name: &str) -> Simulated {
        let mut state = self.state.borrow_mut();
        state.processes.push(Process::new(name));
        Simulated { state: Rc::clone(&self.state), process: state.processes.len() - 1 }
    }

    /// Kills a process: all its handles are of no use, its members stay in their groups until the session
    /// times out or the instance comes back, its undecided transaction until somebody decides it.
    pub fn kill(&self, process: &Simulated) {
        self.state.borrow_mut().kill(process.process);
    }

    /// Whether a process is dead, by [`Cluster::kill`] or by a fault.
    #[must_use]
    pub fn is_dead(&self, process: &Simulated) -> bool {
        self.state.borrow().processes[process.process].died_at.is_some()
    }

    /// Puts the wall clock of a process wrong by `ms`.
    pub fn set_clock(&self, process: &Simulated, ms: i64) {
        self.state.borrow_mut().processes[process.process].clock_ms = ms;
    }

    /// Lets time pass.
    pub fn advance(&self, ms: i64) {
        self.state.borrow_mut().advance(ms);
    }

    /// The true time, ms since the epoch.
    #[must_use]
    pub fn now(&self) -> i64 {
        self.state.borrow().now
    }

    /// Replaces the faults from now on.
    pub fn set_faults(&self, faults: Faults) {
        self.state.borrow_mut().faults = faults;
    }

    /// What fired and what it changed, so far.
    #[must_use]
    pub fn tally(&self) -> Tally {
        self.state.borrow().tally.clone()
    }

    /// Creates a topic.
    ///
    /// # Errors
    /// [`crate::Error::Refused`] if it exists and is another.
    pub fn create(&self, spec: &TopicSpec) -> Result<()> {
        self.state.borrow_mut().create(spec)
    }

    /// Appends as a plain producer; the offset, or `None` if there is no such partition. The stamp is used
    /// where the topic takes it.
    pub fn append_raw(
        &self,
        partition: &Partition,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        stamp: Option<i64>,
    ) -> Option<i64> {
        self.state.borrow_mut().append_plain(partition, key, value, stamp)
    }

    /// Opens a foreign transaction that never times out. It holds a partition back from its first record on.
    #[must_use]
    pub fn open_foreign(&self) -> Foreign {
        Foreign(self.state.borrow_mut().open_foreign())
    }

    /// Appends to a foreign transaction; false if it is decided or there is no such partition.
    pub fn append_foreign(
        &self,
        foreign: &Foreign,
        partition: &Partition,
        key: Option<&[u8]>,
        value: Option<&[u8]>,
        stamp: Option<i64>,
    ) -> bool {
        self.state.borrow_mut().append_foreign(OUTSIDE, &foreign.0, partition, key, value, stamp)
    }

    /// Decides a foreign transaction.
    pub fn close_foreign(&self, foreign: Foreign, outcome: Outcome) {
        let Foreign(id) = foreign;
        self.state.borrow_mut().decide(&id, outcome);
    }

    /// Takes over the writer id `id` for `process` and leaves `transaction` open under it, complete but for the
    /// request to commit.
    ///
    /// # Errors
    /// As [`crate::Writer::commit`]; what takes over is busy until an earlier transaction is decided, which
    /// counts as unknown here.
    pub fn hold(
        &self,
        process: &Simulated,
        id: &str,
        transaction: &Transaction<'_>,
    ) -> std::result::Result<Held, CommitError> {
        let mut state = self.state.borrow_mut();
        let epoch =
            state.take_over(id).map_err(|error| CommitError::Unknown { reason: error.to_string() })?;
        let producer = Producer { process: process.process, id, epoch };
        let txn = state.hold(&producer, transaction)?;
        Ok(Held { id: id.to_owned(), epoch, process: process.process, txn })
    }

    /// The writer that holds a transaction asks now that it be decided so, dead or not.
    ///
    /// # Errors
    /// [`CommitError::Fenced`] if it is decided already or the id has been taken over.
    pub fn finish(&self, held: &Held, outcome: Outcome) -> std::result::Result<(), CommitError> {
        let mut state = self.state.borrow_mut();
        let open = state.coordinators.get(&held.id).and_then(|coordinator| coordinator.current.as_ref());
        let same = open.is_some_and(|current| current.txn == held.txn && current.decided.is_none());
        if !same || state.epoch(&held.id) != held.epoch {
            let reason = format!("the transaction of process {} under {} is over", held.process, held.id);
            return Err(CommitError::Fenced { reason });
        }
        state.decide(&held.id, outcome);
        Ok(())
    }

    /// Lets the coordinator give up on every undecided transaction, foreign ones too. Returns how many there were.
    pub fn expire_transactions(&self) -> usize {
        self.state.borrow_mut().expire_transactions()
    }

    /// Lets `group` forget the member that joined as `instance`. Returns whether there was one.
    pub fn lose(&self, group: &str, instance: &str) -> bool {
        let mut state = self.state.borrow_mut();
        let group = state.group(group);
        let seat = state.groups[group].seats.iter().find(|seat| seat.instance == instance);
        let Some(member) = seat.map(|seat| seat.member.clone()) else { return false };
        state.lose(group, &member, None);
        true
    }

    /// Lets `group` forget its offsets, as when they expire.
    pub fn forget_offsets(&self, group: &str) {
        let mut state = self.state.borrow_mut();
        let group = state.group(group);
        state.groups[group].forget_offsets();
    }

    /// Replaces what `group` has committed for a partition, or deletes it, as an operator may, or a backup that is
    /// restored.
    pub fn put_offset(&self, group: &str, partition: &Partition, committed: Option<Committed>) {
        let mut state = self.state.borrow_mut();
        let (group, number) = (state.group(group), state.number());
        state.groups[group].put(partition, committed, number);
    }

    /// Begins a rebalance of `group` in which nothing has to move, unless one is under way. Returns whether it did.
    pub fn rebalance(&self, group: &str) -> bool {
        let mut state = self.state.borrow_mut();
        let (group, now) = (state.group(group), state.now);
        state.groups[group].rebalance(now, None)
    }

    /// Compacts a topic now, tombstones included. Returns how many records went.
    pub fn compact(&self, topic: &str) -> usize {
        let mut state = self.state.borrow_mut();
        let Ok(topic) = state.topic(topic) else { return 0 };
        state.topics[topic].partitions.iter_mut().map(super::partition::Store::compact).sum()
    }

    /// Deletes what stands before `offset`.
    pub fn truncate_before(&self, partition: &Partition, offset: i64) {
        let mut state = self.state.borrow_mut();
        if let Some(place) = state.place(partition) {
            state.store(place).truncate_before(offset);
        }
    }

    /// The first offset that a partition still has, and the end.
    #[must_use]
    pub fn span(&self, partition: &Partition) -> (i64, i64) {
        let mut state = self.state.borrow_mut();
        let Some(place) = state.place(partition) else { return (0, 0) };
        let store = state.store(place);
        (store.first, store.end)
    }

    /// A partition is as if its topic had been deleted and created again.
    pub fn recreate(&self, partition: &Partition) {
        let mut state = self.state.borrow_mut();
        if let Some(place) = state.place(partition) {
            state.store(place).clear();
        }
    }

    /// A topic has `count` partitions from now on.
    pub fn add_partitions(&self, topic: &str, count: u32) {
        self.state.borrow_mut().add_partitions(topic, count);
    }

    /// Lets a partition deliver nothing before `until` (ms since the epoch); its end goes on.
    pub fn stall(&self, partition: &Partition, until: i64) {
        let mut state = self.state.borrow_mut();
        if let Some(place) = state.place(partition) {
            state.store(place).stalled_until = until;
        }
    }

    /// All committed records that a partition still holds, also those that no reader can see yet because a
    /// marker is late or a transaction before them is open.
    #[must_use]
    pub fn committed_records(&self, partition: &Partition) -> Vec<Stored> {
        let mut state = self.state.borrow_mut();
        let Some(place) = state.place(partition) else { return Vec::new() };
        let state = &mut *state;
        let store = &state.topics[place.topic].partitions[place.number];
        store.committed(|txn| state.committed_in_truth(txn))
    }

    /// What `group` has committed for a partition, also if its marker is late.
    #[must_use]
    pub fn committed_offset(&self, group: &str, partition: &Partition) -> Option<Committed> {
        let state = self.state.borrow();
        let group = state.groups.iter().find(|known| known.name == group)?;
        group.committed_in_truth(partition, |txn| state.committed_in_truth(txn))
    }
}
