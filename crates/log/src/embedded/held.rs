//! A transaction that stands open. No worker leaves one: a commit is one call here. But the promises that concern
//! open transactions (committed readers stop before them, offsets are told when all are decided, opening the
//! writer's id decides) are part of the contract, and a worker must cope with them on every log. So a test can leave
//! one open, and the contract suite runs here as a whole.
//!
//! Its records are written at once, with a list of where they lie; the decision is one batch. What is open when the
//! directory is opened is aborted.

use super::commit::{Ends, Placed, admissible};
use super::compaction::Limits;
use super::key::{self, Meta};
use super::prepare::{self, Keep};
use super::state::Shared;
use super::store::Store;
use super::topic::encode_end;
use super::{Embedded, Writer};
use crate::{Cleanup, CommitError, Committed, Error, Result, Transaction};
use fjall::OwnedWriteBatch;
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

/// What the log knows of an open transaction.
#[derive(Debug)]
pub(super) struct Open {
    parts: Vec<Part>,
    /// Its offsets, and whether none was committed over them since.
    offsets: BTreeMap<(u32, String), (Committed, bool)>,
}

#[derive(Debug)]
struct Part {
    pid: u32,
    base: u64,
    stamp: i64,
    keep: Keep,
}

/// A transaction left open under a writer's id, until it is decided or the id is opened anew.
#[derive(Debug)]
pub struct Held {
    writer: Writer,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Decision {
    Commit,
    Abort,
}

impl Open {
    pub(super) fn holds(&self, place: &(u32, String)) -> bool {
        self.offsets.contains_key(place)
    }

    pub(super) fn overtake(&mut self, place: &(u32, String)) {
        if let Some((_, stands)) = self.offsets.get_mut(place) {
            *stands = false;
        }
    }
}

impl Embedded {
    /// Takes over the writer id `id` and leaves `transaction` open under it.
    ///
    /// # Errors
    /// As of a commit; [`CommitError::Unknown`] if the id could not be taken over.
    pub fn hold(&self, id: &str, transaction: &Transaction<'_>) -> std::result::Result<Held, CommitError> {
        let unknown = |error: Error| CommitError::Unknown { reason: error.to_string() };
        let writer = Writer::open(Arc::clone(&self.shared), id).map_err(unknown)?;
        let catalog = Arc::clone(&self.shared.state().catalog);
        let prepared = prepare::prepare(&catalog, transaction)?;
        self.shared.alone(|| {
            let state = self.shared.state();
            admissible(&state, &writer.id, writer.epoch, &prepared)?;
            let mut ends = Ends::new();
            let placed = Placed::new(&state, &mut ends, prepared, super::wall_clock());
            drop(state);
            let open = self.write_open(&writer.id, placed, &ends).map_err(unknown)?;
            let mut state = self.shared.state();
            for part in open.parts.iter().rev() {
                if let Some(slot) = state.slot_mut(part.pid) {
                    // The first part of the partition is the last to be seen, and the one that counts.
                    slot.undecided.retain(|_, writer_id| *writer_id != writer.id);
                    slot.undecided.insert(part.base, Arc::clone(&writer.id));
                }
            }
            set_ends(&mut state.slots, &ends);
            state.held.insert(Arc::clone(&writer.id), open);
            Ok(())
        })?;
        self.shared.wake();
        Ok(Held { writer })
    }

    fn write_open(&self, id: &str, placed: Placed, ends: &Ends) -> Result<Open> {
        let group = placed.prepared.membership.map(|membership| membership.group).unwrap_or_default();
        let offsets = placed.prepared.offsets.into_iter();
        let offsets = offsets.map(|offset| ((offset.pid, group.clone()), (offset.committed, true))).collect();
        let mut open = Open { parts: Vec::new(), offsets };
        let mut places = Vec::new();
        self.shared.write(|store, batch| {
            for ((part, base), stamp) in
                placed.prepared.parts.into_iter().zip(placed.bases).zip(placed.stamps)
            {
                let (place, cleanup) = (key::place(part.pid, base), part.keep.cleanup());
                batch.insert(store.of(cleanup), place, part.chunk.seal(stamp));
                places.push(if cleanup == Cleanup::Compact { 1 } else { 0 });
                places.extend_from_slice(&place);
                open.parts.push(Part { pid: part.pid, base, stamp, keep: part.keep });
            }
            batch.insert(&store.meta, Meta::key(Meta::OPEN, id.as_bytes()), places);
            write_ends(store, batch, ends);
        })?;
        Ok(open)
    }
}

impl Held {
    /// Asks that it be committed. Whether it was: not if its id was opened anew meanwhile.
    ///
    /// # Errors
    /// [`Error::Fatal`].
    pub fn commit(&self) -> Result<bool> {
        decide(&self.writer.shared, &self.writer.id, Some(self.writer.epoch), Decision::Commit)
    }

    /// Asks that it be aborted. Whether it was: not if its id was opened anew meanwhile.
    ///
    /// # Errors
    /// [`Error::Fatal`].
    pub fn abort(&self) -> Result<bool> {
        decide(&self.writer.shared, &self.writer.id, Some(self.writer.epoch), Decision::Abort)
    }
}

/// Aborts what is open under `id`, because somebody opens it anew.
pub(super) fn abort_of(shared: &Shared, id: &str) -> Result<bool> {
    decide(shared, id, None, Decision::Abort)
}

fn decide(shared: &Shared, id: &str, epoch: Option<u64>, decision: Decision) -> Result<bool> {
    if !shared.live()?.held.contains_key(id) {
        return Ok(false);
    }
    let decided = shared.alone(|| {
        let mut state = shared.live()?;
        if epoch.is_some_and(|epoch| state.epochs.get(id) != Some(&epoch)) {
            return Ok(false);
        }
        let Some(open) = state.held.get(id) else { return Ok(false) };
        let pids: Vec<u32> = open.parts.iter().map(|part| part.pid).collect();
        let mut ends = Ends::new();
        for pid in pids {
            // The marker takes an offset.
            let end = state.slot(pid).map(|slot| (slot.next + 1, slot.last_stamp));
            ends.extend(end.map(|end| (pid, end)));
        }
        let Some(open) = state.held.remove(id) else { return Ok(false) };
        state.undecided_offsets.extend(open.offsets.keys().cloned());
        // Readers still stop before it: nothing may go in favour of what they do not see yet.
        let limits = Limits::of(&state.slots);
        drop(state);
        write_decision(shared, id, &open, &ends, &limits, decision)?;
        let mut state = shared.live()?;
        state.slots.iter_mut().for_each(|slot| slot.undecided.retain(|_, writer| &**writer != id));
        set_ends(&mut state.slots, &ends);
        state.undecided_offsets.clear();
        if decision == Decision::Commit {
            for ((pid, group), (committed, stands)) in open.offsets {
                if stands {
                    state.set_offset(pid, group, committed);
                }
            }
        }
        Ok(true)
    });
    shared.wake();
    decided
}

fn write_decision(
    shared: &Shared,
    id: &str,
    open: &Open,
    ends: &Ends,
    limits: &Limits,
    decision: Decision,
) -> Result<()> {
    let mut compaction = shared.compaction.lock().unwrap_or_else(PoisonError::into_inner);
    let mut failed = None;
    shared.write(|store, batch| {
        let mut step = compaction.step(store, batch, limits);
        for part in &open.parts {
            match decision {
                Decision::Commit => {
                    let written = step.written((part.pid, part.base), part.stamp, &part.keep);
                    failed = failed.take().or_else(|| written.err());
                }
                Decision::Abort => {
                    batch.remove(store.of(part.keep.cleanup()), key::place(part.pid, part.base))
                }
            }
        }
        step.finish(batch);
        if decision == Decision::Commit {
            for ((pid, group), (committed, _)) in open.offsets.iter().filter(|(_, (_, stands))| *stands) {
                batch.insert(&store.meta, Meta::offset(group, *pid), Meta::committed(committed));
            }
        }
        batch.remove(&store.meta, Meta::key(Meta::OPEN, id.as_bytes()));
        write_ends(store, batch, ends);
    })?;
    failed.map_or(Ok(()), Err)
}

fn write_ends(store: &Store, batch: &mut OwnedWriteBatch, ends: &Ends) {
    for (pid, (next, stamp)) in ends {
        batch.insert(&store.meta, Meta::key(Meta::END, &pid.to_be_bytes()), encode_end(*next, *stamp));
    }
}

fn set_ends(slots: &mut [super::topic::Slot], ends: &Ends) {
    for (pid, (next, stamp)) in ends {
        if let Some(slot) = usize::try_from(*pid).ok().and_then(|pid| slots.get_mut(pid)) {
            slot.next = *next;
            slot.last_stamp = *stamp;
        }
    }
}

/// Aborts what was open when the process ended.
pub(super) fn drop_open(store: &Store) -> Result<()> {
    let open: Vec<_> = store.meta(Meta::OPEN).collect::<Result<_>>()?;
    if open.is_empty() {
        return Ok(());
    }
    let mut batch = store.batch();
    for (id, places) in open {
        for place in places.chunks(13) {
            let (kind, place) =
                place.split_at_checked(1).ok_or_else(|| store.damaged("an open transaction"))?;
            let cleanup = if kind == [1] { Cleanup::Compact } else { Cleanup::Keep };
            batch.remove(store.of(cleanup), place);
        }
        batch.remove(&store.meta, Meta::key(Meta::OPEN, &id));
    }
    batch.commit().and_then(|()| store.persist()).map_err(|error| store.failed(&error))
}
