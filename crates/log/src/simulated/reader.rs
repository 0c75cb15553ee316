//! A consumer of one partition, and the fetch that members share.

use super::faults::Fault;
use super::partition::{Cursor, Fetched};
use super::state::{Place, ProcessId, State};
use crate::{Batch, Error, Event, Partition, Result};
use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

/// A consumer of one partition.
#[derive(Debug)]
pub struct Reader {
    pub(super) state: Rc<RefCell<State>>,
    pub(super) process: ProcessId,
    pub(super) partition: Partition,
    pub(super) place: Place,
    pub(super) cursor: Cursor,
}

impl crate::Reader for Reader {
    fn poll(&mut self, batch: &mut Batch, _wait: Duration) -> Result<Event> {
        batch.clear();
        let state = &mut *self.state.borrow_mut();
        state.query(self.process)?;
        let most = state.most();
        let event = state.fetch(self.place, &self.partition, &mut self.cursor, batch, most)?;
        Ok(event.unwrap_or(Event::Idle))
    }
}

impl State {
    /// Reads on from a cursor; `None` where nothing is new.
    pub(super) fn fetch(
        &mut self,
        place: Place,
        partition: &Partition,
        cursor: &mut Cursor,
        batch: &mut Batch,
        most: usize,
    ) -> Result<Option<Event>> {
        let now = self.now;
        let store = &mut self.topics[place.topic].partitions[place.number];
        if store.stalled_until > now {
            if store.stalled_by_fault && cursor.reported != Some(store.limit(cursor.isolation).0) {
                self.tally.change(Fault::Stall);
            }
            return Ok(None);
        }
        let (fetched, fault) = store.fetch(cursor, batch, most);
        if let Some(fault) = fault {
            self.tally.change(fault);
        }
        match fetched {
            Fetched::Nothing => Ok(None),
            Fetched::Records => {
                batch.partition = Some(partition.clone());
                Ok(Some(Event::Records))
            }
            Fetched::End(offset) => Ok(Some(Event::End { partition: partition.clone(), offset })),
            Fetched::OutOfRange => {
                let (first, end) = (store.first, store.end);
                Err(Error::OutOfRange { partition: partition.clone(), offset: cursor.position, first, end })
            }
        }
    }

    /// Refuses an offset that a partition does not hold.
    pub(super) fn in_range(&mut self, place: Place, partition: &Partition, offset: i64) -> Result<()> {
        let store = self.store(place);
        let (first, end) = (store.first, store.end);
        if (first..=end).contains(&offset) {
            return Ok(());
        }
        Err(Error::OutOfRange { partition: partition.clone(), offset, first, end })
    }
}
