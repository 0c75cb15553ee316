//! Transactions take turns, and those that wait share one turn: one batch, one sync.
//!
//! The first writer to come leads: it gives offsets to all that wait, writes them as one batch, syncs, and only then
//! makes them visible. Those that come meanwhile wait for the next turn. So a transaction is whole on disk before
//! anybody sees any of it, and an error before that leaves nothing visible. Once bytes may have reached the disk, an
//! error makes the outcome unknown and ends the log: opening it anew tells.

use super::compaction::{self, Limits};
use super::prepare::{Prepared, aborted};
use super::state::{Shared, State};
use super::store::{self, Meta};
use super::{CommitPoint, topic};
use crate::error::AbortCause;
use crate::{CommitError, Committed, Receipt, Stamp};
use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

type Outcome = Result<Receipt, CommitError>;

/// Who waits for a turn.
#[derive(Debug, Default)]
pub(super) struct Queue {
    line: Mutex<Line>,
    turned: Condvar,
}

#[derive(Debug, Default)]
struct Line {
    next: u64,
    waiting: Vec<Request>,
    done: BTreeMap<u64, Outcome>,
    led: bool,
}

/// A transaction that waits for its turn.
#[derive(Debug)]
struct Request {
    ticket: u64,
    writer: Arc<str>,
    epoch: u64,
    prepared: Prepared,
}

/// A transaction whose turn it is: admitted, with its offsets.
#[derive(Debug)]
struct Placed {
    ticket: u64,
    prepared: Prepared,
    /// Offset of each part.
    bases: Vec<u64>,
    /// Stamp of each part.
    stamps: Vec<i64>,
}

/// Where each partition that a turn touches will end.
type Ends = BTreeMap<u32, (u64, i64)>;

impl Queue {
    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    /// Commits, alone or together with others.
    pub(super) fn commit(&self, writer: &Arc<str>, epoch: u64, prepared: Prepared) -> Outcome {
        let mut line = self.queue.line();
        let ticket = line.next;
        line.next += 1;
        line.waiting.push(Request { ticket, writer: Arc::clone(writer), epoch, prepared });
        loop {
            if let Some(outcome) = line.done.remove(&ticket) {
                return outcome;
            }
            if line.led {
                line = self.queue.turned.wait(line).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            line.led = true;
            let requests = std::mem::take(&mut line.waiting);
            drop(line);
            let outcomes = self.turn(requests);
            line = self.queue.line();
            line.led = false;
            line.done.extend(outcomes);
            self.queue.turned.notify_all();
        }
    }

    /// One turn: all of `requests`, in one batch.
    fn turn(&self, requests: Vec<Request>) -> Vec<(u64, Outcome)> {
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
            placed.iter().map(|placed| (placed.ticket, Receipt { stamp: placed.stamp() })).collect();
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
    fn admit(&self, requests: Vec<Request>, outcomes: &mut Vec<(u64, Outcome)>) -> (Vec<Placed>, Ends, Limits) {
        let now = super::wall_clock();
        let mut state = self.state();
        let mut ends = Ends::new();
        let mut placed = Vec::with_capacity(requests.len());
        for request in requests {
            match admissible(&state, &request) {
                Ok(()) => placed.push(place(&mut state, &mut ends, request, now)),
                Err(error) => outcomes.push((request.ticket, Err(error))),
            }
        }
        (placed, ends, Limits::of(&state))
    }

    /// Writes a turn and syncs it. Returns the offsets that it committed.
    fn write_turn(
        &self,
        placed: Vec<Placed>,
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
        for placed in placed {
            let group = placed.prepared.membership.as_ref().map(|membership| membership.group.clone());
            for ((part, base), stamp) in placed.prepared.parts.into_iter().zip(placed.bases).zip(placed.stamps) {
                step.written((part.pid, base), stamp, &part.keep).map_err(fatal)?;
                let keyspace = self.store.of(part.keep.cleanup());
                batch.insert(keyspace, store::place(part.pid, base), part.chunk.seal(stamp));
            }
            for offset in placed.prepared.offsets {
                offsets.insert((offset.pid, group.clone().unwrap_or_default()), offset.committed);
            }
        }
        step.finish(&mut batch);
        drop(compaction);
        for (pid, (next, stamp)) in ends {
            batch.insert(&self.store.meta, Meta::key(Meta::END, &pid.to_be_bytes()), topic::encode_end(*next, *stamp));
        }
        for ((pid, group), committed) in &offsets {
            batch.insert(&self.store.meta, Meta::offset(group, *pid), Meta::committed(committed));
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
            state.offsets.entry(pid).or_default().insert(group, committed);
        }
        state.undecided_offsets.clear();
        state.undecided_writers.clear();
        drop(state);
        self.wake();
    }
}

impl Placed {
    /// The greatest stamp that the log itself gave.
    fn stamp(&self) -> Option<i64> {
        let stamps = self.prepared.parts.iter().zip(&self.stamps);
        stamps.filter(|(part, _)| part.stamp == Stamp::Append).map(|(_, stamp)| *stamp).max()
    }
}

fn admissible(state: &State, request: &Request) -> Result<(), CommitError> {
    if let Some(reason) = &state.fatal {
        return Err(CommitError::Unknown { reason: reason.clone() });
    }
    let epoch = state.epochs.get(&request.writer).copied().unwrap_or(0);
    if epoch != request.epoch {
        let reason =
            format!("writer {} has epoch {}, a later one of this id has {epoch}", request.writer, request.epoch);
        return Err(CommitError::Fenced { reason });
    }
    let Some(membership) = &request.prepared.membership else { return Ok(()) };
    let stale = |reason: String| Err(aborted(AbortCause::StaleMembership, reason));
    let (name, member, generation) = (&membership.group, &membership.member, membership.generation);
    let Some(group) = state.groups.get(name).filter(|group| group.contains(member)) else {
        return stale(format!("{member:?} is not a member of group {name}"));
    };
    if generation != group.generation() {
        return stale(format!("generation {generation} of group {name}, which is at {}", group.generation()));
    }
    for offset in &request.prepared.offsets {
        if let Some(owner) = group.owner(&offset.partition).filter(|owner| owner != member) {
            return stale(format!("partition {} belongs to {owner}, not to {member}", offset.partition));
        }
    }
    Ok(())
}

fn place(state: &mut State, ends: &mut Ends, request: Request, now: i64) -> Placed {
    let Request { ticket, writer, prepared, .. } = request;
    let mut bases = Vec::with_capacity(prepared.parts.len());
    let mut stamps = Vec::with_capacity(prepared.parts.len());
    let mut touched: Vec<u32> = prepared.parts.iter().map(|part| part.pid).collect();
    touched.sort_unstable();
    touched.dedup();
    for pid in &touched {
        let (next, last) = state.slot(*pid).map_or((0, now), |slot| (slot.next, slot.last_stamp));
        let end = ends.entry(*pid).or_insert((next, last));
        end.1 = end.1.max(now);
    }
    for part in &prepared.parts {
        if let Some((next, stamp)) = ends.get_mut(&part.pid) {
            bases.push(*next);
            stamps.push(*stamp);
            *next += u64::from(part.chunk.count());
        }
    }
    // The commit marker: offsets have gaps, as they have in Kafka.
    for pid in &touched {
        if let Some((next, _)) = ends.get_mut(pid) {
            *next += 1;
        }
    }
    let group = prepared.membership.as_ref().map(|membership| membership.group.as_str()).unwrap_or_default();
    for offset in &prepared.offsets {
        state.undecided_offsets.insert((offset.pid, group.to_owned()));
    }
    state.undecided_writers.insert(writer);
    Placed { ticket, prepared, bases, stamps }
}
