//! Reading a partition: a cursor, and the reader without a group.

use super::record;
use super::state::{Shared, State, missing, signed};
use crate::{Batch, Cleanup, Error, Event, Isolation, Partition, Result, Stamp};
use fjall::Slice;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A place in a partition from which to read on.
pub(super) struct Cursor {
    pub(super) partition: Partition,
    pid: u32,
    cleanup: Cleanup,
    stamped_by: Stamp,
    isolation: Isolation,
    /// The offset of the next record to deliver.
    position: u64,
    /// The chunk that `position` lies in, if it is known.
    chunk: Option<Chunk>,
    /// Whether `position` may lie within a chunk that is not open.
    unaligned: bool,
    /// The end that was last reported.
    reported: Option<u64>,
}

struct Chunk {
    bytes: Slice,
    at: usize,
    stamp: i64,
    /// Offset of the record at `at`, and that behind the last.
    next: u64,
    end: u64,
}

/// What there is for a cursor.
pub(super) enum Ahead {
    /// Records below this offset, perhaps.
    Until(u64),
    /// The end, not yet reported.
    End,
    /// Nothing new.
    Nothing,
}

impl fmt::Debug for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}", self.partition, self.position)
    }
}

impl Cursor {
    /// At `offset`, which must lie within what the partition holds.
    pub(super) fn new(
        state: &State,
        partition: &Partition,
        offset: i64,
        isolation: Isolation,
    ) -> Result<Self> {
        let pid = state.pid(partition).ok_or_else(|| missing(partition))?;
        let slot = state.slot(pid).ok_or_else(|| missing(partition))?;
        let position = u64::try_from(offset).ok().filter(|offset| (slot.first..=slot.next).contains(offset));
        let position = position.ok_or_else(|| Error::OutOfRange {
            partition: partition.clone(),
            offset,
            first: signed(slot.first),
            end: signed(slot.next),
        })?;
        let (partition, cleanup, stamped_by) = (partition.clone(), slot.cleanup, slot.stamped_by);
        Ok(Self {
            partition,
            pid,
            cleanup,
            stamped_by,
            isolation,
            position,
            chunk: None,
            unaligned: true,
            reported: None,
        })
    }

    /// Looks ahead.
    pub(super) fn look(&self, state: &State) -> Result<Ahead> {
        let slot = state.slot(self.pid).ok_or_else(|| missing(&self.partition))?;
        if self.position < slot.first {
            return Err(Error::OutOfRange {
                partition: self.partition.clone(),
                offset: signed(self.position),
                first: signed(slot.first),
                end: signed(slot.next),
            });
        }
        let end = slot.visible(self.isolation);
        if self.position < end {
            return Ok(Ahead::Until(end));
        }
        Ok(if self.position == end && self.reported != Some(end) { Ahead::End } else { Ahead::Nothing })
    }

    /// Reports the end that [`Cursor::look`] has found.
    pub(super) fn report(&mut self) -> Event {
        self.reported = Some(self.position);
        Event::End { partition: self.partition.clone(), offset: signed(self.position) }
    }

    /// Delivers records below `end` until the batch is full. With nothing delivered there was nothing below `end`, or
    /// the partition was truncated meanwhile: the next look tells.
    pub(super) fn fill(&mut self, shared: &Shared, end: u64, batch: &mut Batch) -> Result<()> {
        let from = self.position;
        self.deliver(shared, end, batch)?;
        if shared.state().slot(self.pid).is_some_and(|slot| slot.first > from) {
            batch.clear();
            (self.position, self.chunk, self.unaligned) = (from, None, true);
        }
        Ok(())
    }

    fn deliver(&mut self, shared: &Shared, end: u64, batch: &mut Batch) -> Result<()> {
        if !self.drain(shared, batch)? {
            return Ok(());
        }
        let keyspace = shared.store.of(self.cleanup);
        let mut from = self.position;
        if self.unaligned {
            from = shared.store.seek(keyspace, self.pid, self.position)?;
        }
        for chunk in shared.store.chunks(keyspace, self.pid, from, end) {
            let (base, bytes) = chunk?;
            let (head, at) = record::head(&bytes).ok_or_else(|| self.damaged(shared))?;
            let (stamp, last) = (head.stamp, base + u64::from(head.count));
            if last <= self.position {
                continue;
            }
            self.chunk = Some(Chunk { bytes, at, stamp, next: base, end: last });
            if !self.drain(shared, batch)? {
                return Ok(());
            }
        }
        self.position = end;
        self.unaligned = false;
        Ok(())
    }

    /// Delivers what is left of the open chunk. Whether the batch has room for more.
    fn drain(&mut self, shared: &Shared, batch: &mut Batch) -> Result<bool> {
        if let Some(mut chunk) = self.chunk.take() {
            self.unaligned = false;
            while chunk.next < chunk.end {
                if !batch.is_empty() && batch.size() >= batch.limit {
                    self.chunk = Some(chunk);
                    return Ok(false);
                }
                let entry = record::next(&chunk.bytes, &mut chunk.at).ok_or_else(|| self.damaged(shared))?;
                if chunk.next >= self.position {
                    let (stamp, by) = (entry.stamp.unwrap_or(chunk.stamp), self.stamped_by);
                    batch.push(signed(chunk.next), stamp, by, entry.key, entry.value, entry.headers());
                }
                chunk.next += 1;
                self.position = self.position.max(chunk.next);
            }
        }
        if !batch.is_empty() && batch.partition.is_none() {
            batch.partition = Some(self.partition.clone());
        }
        Ok(batch.is_empty() || batch.size() < batch.limit)
    }

    fn damaged(&self, shared: &Shared) -> Error {
        shared.store.damaged(&format!("a record of {} at or behind offset {}", self.partition, self.position))
    }
}

/// A consumer of one partition of the embedded log.
#[derive(Debug)]
pub struct Reader {
    shared: Arc<Shared>,
    cursor: Cursor,
}

impl Reader {
    pub(super) fn new(shared: Arc<Shared>, cursor: Cursor) -> Self {
        Self { shared, cursor }
    }
}

impl crate::Reader for Reader {
    fn poll(&mut self, batch: &mut Batch, wait: Duration) -> Result<Event> {
        batch.clear();
        let deadline = Instant::now() + wait;
        let mut state = self.shared.live()?;
        loop {
            match self.cursor.look(&state)? {
                Ahead::Until(end) => {
                    drop(state);
                    self.cursor.fill(&self.shared, end, batch)?;
                    if !batch.is_empty() {
                        return Ok(Event::Records);
                    }
                    state = self.shared.live()?;
                }
                Ahead::End => return Ok(self.cursor.report()),
                Ahead::Nothing => match self.shared.wait(state, deadline) {
                    Some(woken) => state = woken,
                    None => return Ok(Event::Idle),
                },
            }
            if let Some(reason) = &state.fatal {
                return Err(Error::Fatal(reason.clone()));
            }
        }
    }
}
