//! The group coordinator: who is in a group, under which generation, with which partitions and offsets.
//!
//! Cooperative and sticky: a rebalance takes away only what must move, and what moves is given to its new owner
//! after its old one has released it, in a further rebalance. A member that comes back under its instance's name
//! gets its place again, and the one that held it is fenced.

use super::faults::Fault;
use super::partition::Txn;
use super::rng::Rng;
use crate::{Committed, Membership, OffsetCommit, Partition};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// A member as the coordinator knows it.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) instance: String,
    /// Its id; a new one each time that it joins.
    pub(super) member: String,
    pub(super) process: usize,
    pub(super) topics: Vec<Arc<str>>,
    /// What it may have: what was granted, and what it has not released yet.
    pub(super) owned: BTreeSet<Partition>,
    /// What it was given by the last rebalance.
    pub(super) granted: BTreeSet<Partition>,
    /// Whether it has joined the rebalance under way.
    pub(super) joined: bool,
    /// Whether it knows of the last rebalance.
    pub(super) synced: bool,
    /// When it polled last.
    pub(super) seen: i64,
}

#[derive(Debug)]
struct Kept {
    committed: Committed,
    number: u64,
}

#[derive(Debug)]
struct Pending {
    txn: Txn,
    number: u64,
    partition: Partition,
    committed: Committed,
    cause: Option<Fault>,
}

#[derive(Debug)]
pub(super) struct Group {
    pub(super) name: String,
    pub(super) generation: i32,
    pub(super) seats: Vec<Seat>,
    /// Since when a rebalance is under way.
    pub(super) rebalancing: Option<i64>,
    /// The fault behind the last rebalance.
    pub(super) cause: Option<Fault>,
    /// Members whom a fault made the group forget.
    pub(super) forgotten: Vec<String>,
    offsets: BTreeMap<Partition, Kept>,
    pending: Vec<Pending>,
}

impl Group {
    pub(super) fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            generation: 0,
            seats: Vec::new(),
            rebalancing: None,
            cause: None,
            forgotten: Vec::new(),
            offsets: BTreeMap::new(),
            pending: Vec::new(),
        }
    }

    pub(super) fn consumes(&self, topic: &Arc<str>) -> bool {
        self.seats.iter().any(|seat| seat.topics.contains(topic))
    }

    pub(super) fn seat(&mut self, member: &str) -> Option<&mut Seat> {
        self.seats.iter_mut().find(|seat| seat.member == member)
    }

    // Offsets.

    /// Judges the standing under which offsets come, with the fault that spoiled it.
    pub(super) fn check(&self, membership: &Membership) -> Result<(), (String, Option<Fault>)> {
        if !self.seats.iter().any(|seat| seat.member == membership.member) {
            let forgotten = self.forgotten.contains(&membership.member).then_some(Fault::Loss);
            return Err((format!("group {} does not know {}", self.name, membership.member), forgotten));
        }
        if membership.generation != self.generation {
            let reason = format!("generation {}, now {}", membership.generation, self.generation);
            return Err((reason, self.cause));
        }
        Ok(())
    }

    pub(super) fn add_pending(&mut self, txn: Txn, number: u64, offset: &OffsetCommit) {
        let committed = Committed { offset: offset.offset, metadata: offset.metadata.clone() };
        self.pending.push(Pending {
            txn,
            number,
            partition: offset.partition.clone(),
            committed,
            cause: None,
        });
    }

    pub(super) fn blame(&mut self, txn: Txn, fault: Fault) {
        for pending in self.pending.iter_mut().filter(|pending| pending.txn == txn) {
            pending.cause = Some(fault);
        }
    }

    /// Decides the offsets of a transaction. Of two, those that came later stay, whichever is decided first.
    pub(super) fn decide(&mut self, txn: Txn, commit: bool) {
        for pending in self.pending.extract_if(.., |pending| pending.txn == txn) {
            let Pending { partition, committed, number, .. } = pending;
            let newer = self.offsets.get(&partition).is_none_or(|kept| kept.number < number);
            if commit && newer {
                self.offsets.insert(partition, Kept { committed, number });
            }
        }
    }

    /// Whether an offset of `partition` is undecided, and the fault that keeps it so.
    pub(super) fn undecided(&self, partition: &Partition) -> Option<Option<Fault>> {
        self.pending.iter().find(|pending| pending.partition == *partition).map(|pending| pending.cause)
    }

    pub(super) fn committed(&self, partition: &Partition) -> Option<&Committed> {
        self.offsets.get(partition).map(|kept| &kept.committed)
    }

    /// What is committed in truth: with the offsets whose marker is late, as `late` knows.
    pub(super) fn committed_in_truth(
        &self,
        partition: &Partition,
        late: impl Fn(Txn) -> bool,
    ) -> Option<Committed> {
        let decided =
            self.pending.iter().filter(|pending| pending.partition == *partition && late(pending.txn));
        let newest = decided.max_by_key(|pending| pending.number);
        match (self.offsets.get(partition), newest) {
            (Some(kept), Some(pending)) if kept.number > pending.number => Some(kept.committed.clone()),
            (_, Some(pending)) => Some(pending.committed.clone()),
            (kept, None) => kept.map(|kept| kept.committed.clone()),
        }
    }

    pub(super) fn forget_offsets(&mut self) {
        self.offsets.clear();
    }

    /// Replaces an offset, or deletes it. What comes after it stays, whatever is decided later of what came before.
    pub(super) fn put(&mut self, partition: &Partition, committed: Option<Committed>, number: u64) {
        match committed {
            Some(committed) => drop(self.offsets.insert(partition.clone(), Kept { committed, number })),
            None => drop(self.offsets.remove(partition)),
        }
    }

    // Rebalances.

    /// Begins a rebalance, unless one is under way. Returns whether it did.
    pub(super) fn rebalance(&mut self, now: i64, cause: Option<Fault>) -> bool {
        if self.rebalancing.is_some() {
            return false;
        }
        self.rebalancing = Some(now);
        self.cause = cause;
        for seat in &mut self.seats {
            seat.joined = false;
        }
        true
    }

    /// The generation moves on, and everybody but the members knows.
    pub(super) fn move_on(&mut self, cause: Fault) {
        self.generation += 1;
        self.cause = Some(cause);
        for seat in &mut self.seats {
            seat.synced = false;
        }
    }

    /// Takes in a member under its instance's name.
    pub(super) fn enter(
        &mut self,
        instance: &str,
        member: &str,
        process: usize,
        topics: &[Arc<str>],
        now: i64,
    ) {
        let rebalancing = self.rebalancing.is_some();
        if let Some(seat) = self.seats.iter_mut().find(|seat| seat.instance == instance) {
            let unreleased = seat.owned != seat.granted;
            let same = seat.topics == topics;
            member.clone_into(&mut seat.member);
            (seat.process, seat.topics, seat.seen) = (process, topics.to_vec(), now);
            (seat.joined, seat.synced) = (false, rebalancing);
            if rebalancing {
                seat.granted.clear();
            }
            seat.owned.clone_from(&seat.granted);
            if unreleased || !same {
                self.rebalance(now, None);
            }
            return;
        }
        self.seats.push(Seat {
            instance: instance.to_owned(),
            member: member.to_owned(),
            process,
            topics: topics.to_vec(),
            owned: BTreeSet::new(),
            granted: BTreeSet::new(),
            joined: false,
            synced: true,
            seen: now,
        });
        self.rebalance(now, None);
    }

    pub(super) fn remove(&mut self, member: &str, now: i64, cause: Option<Fault>) {
        self.seats.retain(|seat| seat.member != member);
        self.rebalance(now, cause);
        if self.seats.is_empty() {
            self.rebalancing = None;
        }
    }

    /// Ends the rebalance if all have joined. `partitions` are those of all its topics.
    pub(super) fn try_complete(&mut self, partitions: &[Partition], rng: &mut Rng) {
        if self.rebalancing.is_none() || self.seats.is_empty() || !self.seats.iter().all(|seat| seat.joined) {
            return;
        }
        self.rebalancing = None;
        self.generation += 1;
        let owners: Vec<Option<usize>> = partitions
            .iter()
            .map(|each| self.seats.iter().position(|seat| seat.owned.contains(each)))
            .collect();
        let wanted = self.distribute(partitions, &owners, rng);
        for (index, seat) in self.seats.iter_mut().enumerate() {
            seat.granted.clear();
            for ((partition, owner), wanted) in partitions.iter().zip(&owners).zip(&wanted) {
                if *wanted == Some(index) && owner.is_none_or(|owner| owner == index) {
                    seat.granted.insert(partition.clone());
                }
            }
            seat.owned.extend(seat.granted.iter().cloned());
            seat.synced = false;
        }
    }

    /// Who should have what: evenly, and everybody what they had as far as that goes.
    fn distribute(
        &self,
        partitions: &[Partition],
        owners: &[Option<usize>],
        rng: &mut Rng,
    ) -> Vec<Option<usize>> {
        let seats = &self.seats;
        let quota = partitions.len().div_ceil(seats.len().max(1));
        let mut counts = vec![0_usize; seats.len()];
        let mut wanted = vec![None; partitions.len()];
        for (slot, owner) in wanted.iter_mut().zip(owners) {
            if let Some(owner) = *owner
                && counts[owner] < quota
            {
                counts[owner] += 1;
                *slot = Some(owner);
            }
        }
        for (slot, partition) in wanted.iter_mut().zip(partitions).filter(|(slot, _)| slot.is_none()) {
            let turn = rng.below(seats.len());
            let order = (0..seats.len()).map(|index| (index + turn) % seats.len());
            *slot = order
                .filter(|index| seats[*index].topics.contains(&partition.topic))
                .min_by_key(|i| counts[*i]);
            if let Some(index) = *slot {
                counts[index] += 1;
            }
        }
        self.even_out(partitions, &mut wanted, &mut counts);
        if self.cause == Some(Fault::Rebalance) && partitions.len() > 1 {
            let one = rng.below(partitions.len());
            let other = (one + 1 + rng.below(partitions.len() - 1)) % partitions.len();
            if partitions[one].topic == partitions[other].topic {
                wanted.swap(one, other);
            }
        }
        wanted
    }

    fn even_out(&self, partitions: &[Partition], wanted: &mut [Option<usize>], counts: &mut [usize]) {
        loop {
            let most = (0..counts.len()).max_by_key(|index| counts[*index]);
            let least = (0..counts.len()).min_by_key(|index| counts[*index]);
            let (Some(most), Some(least)) = (most, least) else { return };
            if counts[most] <= counts[least] + 1 {
                return;
            }
            let fits = |index: usize| self.seats[least].topics.contains(&partitions[index].topic);
            let moved = (0..wanted.len()).rev().find(|index| wanted[*index] == Some(most) && fits(*index));
            let Some(moved) = moved else { return };
            wanted[moved] = Some(least);
            counts[most] -= 1;
            counts[least] += 1;
        }
    }
}
