//! What happens in a turn: the transactions that have it become one batch and one sync.
//!
//! Each gets its offsets, all are written as one batch, the batch is synced, and only then is it made visible. So a
//! transaction is whole on disk before anybody sees any of it, and an error before that leaves nothing visible. Once
//! bytes may have reached the disk, an error makes the outcome unknown and ends the log: opening it anew tells.

use super::compaction::{self, Limits};
use super::key::{self, Meta};
use super::prepare::{Prepared, aborted};
use super::state::{Shared, State};
use super::turn::{Outcome, Request};
use super::{CommitPoint, topic};
use crate::error::AbortCause;
use crate::{CommitError, Committed, Receipt, Stamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;
use std::time::Duration;

/// A transaction whose turn it is: admitted, with its offsets.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) prepared: Prepared,
    /// Offset of each part.
    pub(super) bases: Vec<u64>,
    /// Stamp of each part.
    pub(super) stamps: Vec<i64>,
}

/// Where each partition that a turn touches will end.
pub(super) type Ends = BTreeMap<u32, (u64, i64)>;

impl Shared {
    /// One turn: all of `requests`, in one batch.
    pub(super) fn decide(&self, requests: Vec<Request>) -> Vec<(u64, Outcome)> {
        if let Err(reason) = self.room(&requests) {
            let refuse = |request: Request| {
                let reason = reason.clone();
                let after = Duration::from_secs(1);
                (request.ticket, Err(CommitError::Aborted { reason, cause: AbortCause::Log, after }))
            };
            return requests.into_iter().map(refuse).collect();
        }
        let mut outcomes = Vec::with_capacity(requests.len());
        let (placed, ends, limits) = self.admit(requests, &mut outcomes);
        if placed.is_empty() {
            return outcomes;
        }
        let receipts: Vec<(u64, Receipt)> =
            placed.iter().map(|(ticket, placed)| (*ticket, Receipt { stamp: placed.stamp() })).collect();
        match self.write_turn(placed, &ends, &limits) {
            Ok(offsets) => {
                self.publish(ends, offsets);
                outcomes.extend(receipts.into_iter().map(|(ticket, receipt)| (ticket, Ok(receipt))));
            }
            Err(reason) => {
                let unknown = |(ticket, _)| (ticket, Err(CommitError::Unknown { reason: reason.clone() }));
                outcomes.extend(receipts.into_iter().map(unknown));
            }
        }
        outcomes
    }

    /// Refuses a turn that could fill the disk: while the store itself meets no full disk, nothing is lost and
    /// everything goes on once there is room.
    fn room(&self, requests: &[Request]) -> Result<(), String> {
        if self.state().fatal.is_some() {
            return Ok(());
        }
        let bytes: u64 = requests.iter().map(|request| request.prepared.bytes).sum();
        let needed = self.options.reserve_bytes.saturating_add(bytes.saturating_mul(2));
        match self.store.free() {
            Some(free) if self.options.reserve_bytes > 0 && free < needed => Err(format!(
                "directory {} has {free} bytes free, {needed} are to be kept free; make room, it goes on by itself",
                self.store.dir.display()
            )),
            Some(_) | None => Ok(()),
        }
    }

    /// Checks who may commit, and gives offsets and stamps to those.
    fn admit(
        &self,
        requests: Vec<Request>,
        outcomes: &mut Vec<(u64, Outcome)>,
    ) -> (Vec<(u64, Placed)>, Ends, Limits) {
        let now = super::wall_clock();
        let mut state = self.state();
        let mut ends = Ends::new();
        let mut placed = Vec::with_capacity(requests.len());
        for request in requests {
            let Request { ticket, writer, epoch, prepared } = request;
            match admissible(&state, &writer, epoch, &prepared) {
                Ok(()) => {
                    let placed_now = Placed::new(&state, &mut ends, prepared, now);
                    placed_now.mark(&mut ends);
                    state.undecided(&placed_now.prepared, writer);
                    placed.push((ticket, placed_now));
                }
                Err(error) => outcomes.push((ticket, Err(error))),
            }
        }
        (placed, ends, Limits::of(&state.slots))
    }

    /// Writes a turn and syncs it. Returns the offsets that it committed.
    fn write_turn(
        &self,
        placed: Vec<(u64, Placed)>,
        ends: &Ends,
        limits: &Limits,
    ) -> Result<BTreeMap<(u32, String), Committed>, String> {
        let fatal = |error: crate::Error| {
            let reason = error.to_string();
            let reason = self.state().fatal.get_or_insert(reason).clone();
            self.wake();
            reason
        };
        let mut batch = self.store.batch();
        let mut compaction = self.compaction.lock().unwrap_or_else(PoisonError::into_inner);
        let mut step = compaction.step(&self.store, &mut batch, limits);
        let horizon = compaction::horizon(super::wall_clock(), self.options.tombstone_retention);
        for pid in ends.keys() {
            step.expire(&mut batch, *pid, horizon, limits);
        }
        let mut offsets = BTreeMap::new();
        for (_, placed) in placed {
            let group = placed.prepared.membership.as_ref().map(|membership| membership.group.clone());
            for ((part, base), stamp) in
                placed.prepared.parts.into_iter().zip(placed.bases).zip(placed.stamps)
            {
                step.written((part.pid, base), stamp, &part.keep).map_err(fatal)?;
                let keyspace = self.store.of(part.keep.cleanup());
                batch.insert(keyspace, key::place(part.pid, base), part.chunk.seal(stamp));
            }
            for offset in placed.prepared.offsets {
                offsets.insert((offset.pid, group.clone().unwrap_or_default()), offset.committed);
            }
        }
        step.finish(&mut batch);
        drop(compaction);
        for (pid, (next, stamp)) in ends {
            batch.insert(
                &self.store.meta,
                Meta::key(Meta::END, &pid.to_be_bytes()),
                topic::encode_end(*next, *stamp),
            );
        }
        for ((pid, group), committed) in &offsets {
            batch.insert(&self.store.meta, Meta::offset(group, *pid), Meta::committed(committed));
        }
        if batch.is_empty() {
            return Ok(offsets);
        }
        let failed = |error: fjall::Error| self.fail(&error);
        self.store.wait_for_room().map_err(failed)?;
        batch.commit().map_err(failed)?;
        self.options.reached(CommitPoint::Written);
        self.store.persist().map_err(failed)?;
        self.options.reached(CommitPoint::Synced);
        Ok(offsets)
    }

    /// Makes a turn visible.
    fn publish(&self, ends: Ends, offsets: BTreeMap<(u32, String), Committed>) {
        let mut state = self.state();
        for (pid, (next, stamp)) in ends {
            if let Some(slot) = state.slot_mut(pid) {
                slot.next = next;
                slot.last_stamp = stamp;
            }
        }
        for ((pid, group), committed) in offsets {
            state.set_offset(pid, group, committed);
        }
        state.undecided_offsets.clear();
        state.undecided_writers.clear();
        drop(state);
        self.wake();
    }
}

impl Placed {
    /// Gives offsets and stamps, behind those of `ends`.
    pub(super) fn new(state: &State, ends: &mut Ends, prepared: Prepared, now: i64) -> Self {
        let mut bases = Vec::with_capacity(prepared.parts.len());
        let mut stamps = Vec::with_capacity(prepared.parts.len());
        for part in &prepared.parts {
            let end = ends.entry(part.pid).or_insert_with(|| {
                state.slot(part.pid).map_or((0, now), |slot| (slot.next, slot.last_stamp))
            });
            end.1 = end.1.max(now);
            bases.push(end.0);
            stamps.push(end.1);
            end.0 += u64::from(part.chunk.count());
        }
        Self { prepared, bases, stamps }
    }

    /// Takes an offset for the commit marker of each partition: offsets have gaps, as they have in Kafka.
    pub(super) fn mark(&self, ends: &mut Ends) {
        let touched: BTreeSet<u32> = self.prepared.parts.iter().map(|part| part.pid).collect();
        for pid in touched {
            if let Some((next, _)) = ends.get_mut(&pid) {
                *next += 1;
            }
        }
    }

    /// The greatest stamp that the log itself gave.
    fn stamp(&self) -> Option<i64> {
        let stamps = self.prepared.parts.iter().zip(&self.stamps);
        stamps.filter(|(part, _)| part.stamp == Stamp::Append).map(|(_, stamp)| *stamp).max()
    }
}

/// Whether this writer may commit this now.
pub(super) fn admissible(
    state: &State,
    writer: &str,
    epoch: u64,
    prepared: &Prepared,
) -> Result<(), CommitError> {
    if let Some(reason) = &state.fatal {
        return Err(CommitError::Unknown { reason: reason.clone() });
    }
    let latest = state.epochs.get(writer).copied().unwrap_or(0);
    if latest != epoch {
        let reason = format!("writer {writer} has epoch {epoch}, a later one of this id has {latest}");
        return Err(CommitError::Fenced { reason });
    }
    let Some(membership) = &prepared.membership else { return Ok(()) };
    let stale = |reason: String| Err(aborted(AbortCause::StaleMembership, reason));
    let (name, member, generation) = (&membership.group, &membership.member, membership.generation);
    let Some(group) = state.groups.get(name).filter(|group| group.contains(member)) else {
        return stale(format!("{member:?} is not a member of group {name}"));
    };
    if generation != group.generation() {
        return stale(format!("generation {generation} of group {name}, which is at {}", group.generation()));
    }
    for offset in &prepared.offsets {
        if let Some(owner) = group.owner(&offset.partition).filter(|owner| owner != member) {
            return stale(format!("partition {} belongs to {owner}, not to {member}", offset.partition));
        }
    }
    Ok(())
}
