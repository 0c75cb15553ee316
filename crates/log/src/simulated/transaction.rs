//! The transaction coordinator: one writer per id, an epoch that fences the others, decisions and their markers.
//!
//! A decision is made once ([`State::decide`]) and reaches each partition, and the offsets, by a marker of its
//! own, at once or late. Until all have arrived the id can neither begin anew nor be taken over.

use super::faults::Fault;
use super::partition::{Incoming, Txn};
use super::state::{Place, ProcessId, State, Timed};
use crate::batch::Append;
use crate::{AbortCause, Error, MAX_METADATA_BYTES, Membership, OffsetCommit, Partition, Result, Stamp};
use std::sync::Arc;

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// All of it becomes visible.
    Commit,
    /// None of it does.
    Abort,
}

/// What a transaction has touched, and what gets a marker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Records(Place),
    /// The index of a group.
    Offsets(usize),
}

#[derive(Debug)]
pub(super) struct Current {
    pub(super) txn: Txn,
    /// Touched and without a marker.
    pub(super) targets: Vec<Target>,
    /// `None` while it is undecided.
    pub(super) decided: Option<Outcome>,
}

#[derive(Debug, Default)]
pub(super) struct Coordinator {
    pub(super) epoch: u32,
    pub(super) current: Option<Current>,
}

impl Coordinator {
    fn is_undecided(&self) -> bool {
        self.current.as_ref().is_some_and(|current| current.decided.is_none())
    }
}

/// What the log has against a step of a transaction.
#[derive(Debug)]
pub(super) struct Objection {
    pub(super) reason: String,
    pub(super) cause: AbortCause,
}

impl Objection {
    fn new<T>(cause: AbortCause, reason: String) -> std::result::Result<T, Self> {
        Err(Self { reason, cause })
    }
}

impl State {
    /// Takes over `id`: decides what its earlier writer left, fences that writer.
    pub(super) fn take_over(&mut self, id: &str) -> Result<u32> {
        let late = self.late_end_under_way(id);
        let undecided = self.coordinators.entry(id.to_owned()).or_default().is_undecided();
        if undecided {
            // A request to commit that is still on its way may arrive just before this one does.
            let outcome = if late && self.rng.coin() { Outcome::Commit } else { Outcome::Abort };
            self.fence(id);
            self.decide(id, outcome);
        }
        let coordinator = self.coordinators.entry(id.to_owned()).or_default();
        if coordinator.current.is_some() {
            self.tally.change(Fault::MarkerDelay);
            return Err(Error::Busy(format!("the earlier transaction of {id} is being decided")));
        }
        coordinator.epoch += 1;
        Ok(coordinator.epoch)
    }

    pub(super) fn epoch(&self, id: &str) -> u32 {
        self.coordinators.get(id).map_or(0, |coordinator| coordinator.epoch)
    }

    pub(super) fn fence(&mut self, id: &str) {
        if let Some(coordinator) = self.coordinators.get_mut(id) {
            coordinator.epoch += 1;
        }
    }

    /// Begins a transaction. The client waits for the markers of the one before, so they arrive now.
    pub(super) fn begin(&mut self, id: &str) -> Txn {
        let coordinator = self.coordinators.entry(id.to_owned()).or_default();
        if let Some(Current { txn, targets, decided: Some(_) }) = &coordinator.current {
            let (txn, targets) = (*txn, targets.clone());
            for target in &targets {
                self.mark(id, txn, target);
            }
        }
        let txn = self.number();
        if let Some(coordinator) = self.coordinators.get_mut(id) {
            coordinator.current = Some(Current { txn, targets: Vec::new(), decided: None });
        }
        txn
    }

    fn touch(&mut self, id: &str, target: Target) {
        let current = self.coordinators.get_mut(id).and_then(|coordinator| coordinator.current.as_mut());
        if let Some(current) = current
            && !current.targets.contains(&target)
        {
            current.targets.push(target);
        }
    }

    /// Appends one record; the stamp, where the log gave it.
    pub(super) fn append(
        &mut self,
        process: ProcessId,
        id: &str,
        txn: Txn,
        append: &Append<'_>,
    ) -> std::result::Result<Option<i64>, Objection> {
        let partition = Partition { topic: Arc::clone(append.topic), number: append.partition };
        let Some(place) = self.place(&partition) else {
            return Objection::new(AbortCause::UnknownPartition, format!("{partition} does not exist"));
        };
        let (most, stamped_by) = {
            let spec = &self.topics[place.topic].spec;
            (spec.max_record_bytes, spec.stamp)
        };
        let size = append.size();
        if size > most {
            let reason = format!("a record of {size} bytes for {partition}, which takes {most}");
            return Objection::new(AbortCause::RecordTooLarge, reason);
        }
        if self.chance(Fault::Gap) {
            self.tally.fire(Fault::Gap);
            let width = self.rng.span_ms(5);
            self.store(place).skip(width);
        }
        let (stamp, told) = match stamped_by {
            Stamp::Append => (self.now, Some(self.now)),
            Stamp::Create => (append.stamp.unwrap_or(self.now + self.processes[process].clock_ms), None),
        };
        self.touch(id, Target::Records(place));
        let headers: Vec<_> = append.headers().collect();
        let headers = &headers;
        self.store(place).append(&Incoming {
            stamp,
            stamped_by,
            txn,
            key: append.key,
            value: append.value,
            headers,
        });
        Ok(told)
    }

    /// Adds offsets: checked for the member and its generation, not for whose the partitions are.
    pub(super) fn add_offsets(
        &mut self,
        id: &str,
        txn: Txn,
        membership: Option<&Membership>,
        offsets: &[OffsetCommit],
    ) -> std::result::Result<(), Objection> {
        if let Some(large) = offsets.iter().find(|offset| offset.metadata.len() > MAX_METADATA_BYTES) {
            let reason = format!("metadata of {} bytes for {}", large.metadata.len(), large.partition);
            return Objection::new(AbortCause::RecordTooLarge, reason);
        }
        if let Some(unknown) = offsets.iter().find(|offset| self.place(&offset.partition).is_none()) {
            return Objection::new(
                AbortCause::UnknownPartition,
                format!("{} does not exist", unknown.partition),
            );
        }
        let Some(membership) = membership.filter(|own| own.generation >= 0 && !own.member.is_empty()) else {
            return Objection::new(AbortCause::StaleMembership, "offsets without a membership".to_owned());
        };
        let Some(index) = self.groups.iter().position(|group| *group.name == *membership.group) else {
            return Objection::new(AbortCause::StaleMembership, format!("no group {}", membership.group));
        };
        if let Err((reason, fault)) = self.groups[index].check(membership) {
            if let Some(fault) = fault {
                self.tally.change(fault);
            }
            return Objection::new(AbortCause::StaleMembership, reason);
        }
        self.touch(id, Target::Offsets(index));
        for offset in offsets {
            let number = self.number();
            self.groups[index].add_pending(txn, number, offset);
        }
        Ok(())
    }

    /// Decides the current transaction of `id`, if it is undecided, and sends the markers.
    pub(super) fn decide(&mut self, id: &str, outcome: Outcome) {
        let current = self.coordinators.get_mut(id).and_then(|coordinator| coordinator.current.as_mut());
        let Some(current) = current.filter(|current| current.decided.is_none()) else { return };
        current.decided = Some(outcome);
        let (txn, targets) = (current.txn, current.targets.clone());
        if targets.is_empty() {
            self.forget(id);
        }
        for target in targets {
            if self.chance(Fault::MarkerDelay) {
                self.tally.fire(Fault::MarkerDelay);
                self.blame(&target, txn, Fault::MarkerDelay);
                let most = self.faults.marker_delay_ms;
                let moment = self.now + self.rng.span_ms(most);
                self.at(moment, Timed::Marker { id: id.to_owned(), txn, target });
            } else {
                self.mark(id, txn, &target);
            }
        }
    }

    fn forget(&mut self, id: &str) {
        if let Some(coordinator) = self.coordinators.get_mut(id) {
            coordinator.current = None;
        }
    }

    pub(super) fn blame(&mut self, target: &Target, txn: Txn, fault: Fault) {
        match target {
            Target::Records(place) => self.store(*place).blame(txn, fault),
            Target::Offsets(group) => self.groups[*group].blame(txn, fault),
        }
    }

    /// A marker arrives; one that is there already does not come again.
    pub(super) fn mark(&mut self, id: &str, txn: Txn, target: &Target) {
        let current = self.coordinators.get_mut(id).and_then(|coordinator| coordinator.current.as_mut());
        let Some(current) = current.filter(|current| current.txn == txn) else { return };
        let Some(index) = current.targets.iter().position(|touched| touched == target) else { return };
        let Some(outcome) = current.decided else { return };
        current.targets.swap_remove(index);
        let done = current.targets.is_empty();
        match target {
            Target::Records(place) => self.store(*place).mark(txn, outcome == Outcome::Commit),
            Target::Offsets(group) => self.groups[*group].decide(txn, outcome == Outcome::Commit),
        }
        if done {
            self.forget(id);
        }
    }

    /// Remembers that a transaction is left undecided: the coordinator gives up on it in time.
    pub(super) fn leave_undecided(&mut self, id: &str, txn: Txn) {
        let moment = self.now + self.faults.transaction_timeout_ms;
        self.at(moment, Timed::Timeout { id: id.to_owned(), txn });
    }

    /// The coordinator gives up on a transaction, unless it is decided. Returns whether it did.
    pub(super) fn time_out(&mut self, id: &str, txn: Txn) -> bool {
        let coordinator = self.coordinators.get(id);
        let current = coordinator.and_then(|coordinator| coordinator.current.as_ref());
        let undecided = current.is_some_and(|current| current.txn == txn && current.decided.is_none());
        if undecided {
            self.fence(id);
            self.decide(id, Outcome::Abort);
        }
        undecided
    }

    /// A delayed request to commit arrives: it is judged by the writer's epoch alone.
    pub(super) fn late_end(&mut self, id: &str, epoch: u32) {
        if self.epoch(id) == epoch {
            self.decide(id, Outcome::Commit);
        }
    }

    /// Whether `txn` is committed in truth though a marker of it is late.
    pub(super) fn committed_in_truth(&self, txn: Txn) -> bool {
        let decided = |current: &Current| current.txn == txn && current.decided == Some(Outcome::Commit);
        self.coordinators.values().any(|coordinator| coordinator.current.as_ref().is_some_and(decided))
    }
}
