//! A consumer in a group.
//!
//! What a member believes (its id, generation, partitions) may lag behind what the group knows: it learns of it
//! in a poll, and until then acts on what it believes, as a real one does.

use super::faults::{Fault, Site};
use super::partition::Cursor;
use super::state::{Place, ProcessId, State};
use crate::{Batch, Committed, Error, Event, Isolation, Membership, Partition, Result};
use std::cell::RefCell;
use std::collections::{BTreeSet, VecDeque};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// A partition that a member has.
#[derive(Debug)]
struct Holding {
    partition: Partition,
    place: Place,
    /// Where it reads, once started.
    cursor: Option<Cursor>,
    /// Asked back by the group.
    revoked: bool,
}

/// A consumer in a group.
#[derive(Debug)]
pub struct Member {
    state: Rc<RefCell<State>>,
    process: ProcessId,
    group: usize,
    instance: String,
    topics: Vec<Arc<str>>,
    isolation: Isolation,
    /// Its id, until it learns that the group has forgotten it.
    id: Option<String>,
    /// Its generation, once it has been given any.
    generation: Option<i32>,
    holdings: Vec<Holding>,
    events: VecDeque<Event>,
}

impl Member {
    pub(super) fn new(
        state: &Rc<RefCell<State>>,
        process: ProcessId,
        (group, instance): (usize, &str),
        topics: &[Arc<str>],
        isolation: Isolation,
    ) -> Self {
        let id = state.borrow_mut().enter(group, instance, process, topics);
        Self {
            state: Rc::clone(state),
            process,
            group,
            instance: instance.to_owned(),
            topics: topics.to_vec(),
            isolation,
            id: Some(id),
            generation: None,
            holdings: Vec::new(),
            events: VecDeque::new(),
        }
    }

    /// Learns what the group has decided, and joins what it begins.
    fn serve(&mut self, state: &mut State) -> Result<()> {
        let (group, now) = (self.group, state.now);
        let known = self.id.as_deref().is_some_and(|id| state.groups[group].seat(id).is_some());
        if !known {
            return self.rejoin(state);
        }
        let Some(seat) = self.id.as_deref().and_then(|id| state.groups[group].seat(id)) else {
            return Ok(());
        };
        seat.seen = now;
        if !seat.synced {
            seat.synced = true;
            let granted = seat.granted.clone();
            let fresh = self.generation.replace(state.groups[group].generation).is_none();
            let cause = state.groups[group].cause.filter(|_| !fresh);
            self.take_assignment(state, &granted);
            if let Some(cause) = cause {
                state.tally.change(cause);
            }
        } else if !self.holdings.iter().any(|holding| holding.revoked) && !seat.joined {
            seat.joined = true;
            state.try_complete(group);
        }
        Ok(())
    }

    /// The group does not know this member: it was taken for dead, or its instance has another holder.
    fn rejoin(&mut self, state: &mut State) -> Result<()> {
        let group = &mut state.groups[self.group];
        if group.seats.iter().any(|seat| seat.instance == self.instance) {
            return Err(Error::Fatal(format!("another member has joined as {}", self.instance)));
        }
        let id = self.id.take();
        self.generation = None;
        if let Some(index) = id.and_then(|id| group.forgotten.iter().position(|forgotten| *forgotten == id)) {
            group.forgotten.swap_remove(index);
            state.tally.change(Fault::Loss);
        }
        let lost: Vec<Partition> = self.holdings.drain(..).map(|holding| holding.partition).collect();
        if lost.is_empty() {
            self.id = Some(state.enter(self.group, &self.instance, self.process, &self.topics));
        } else {
            self.events.push_back(Event::Lost(lost));
        }
        Ok(())
    }

    fn take_assignment(&mut self, state: &State, granted: &BTreeSet<Partition>) {
        let mut revoked = Vec::new();
        for holding in self.holdings.iter_mut().filter(|holding| !holding.revoked) {
            if !granted.contains(&holding.partition) {
                holding.revoked = true;
                holding.cursor = None;
                revoked.push(holding.partition.clone());
            }
        }
        let mut assigned = Vec::new();
        for partition in granted {
            let held = self.holdings.iter().any(|holding| holding.partition == *partition);
            if !held && let Some(place) = state.place(partition) {
                assigned.push(partition.clone());
                self.holdings.push(Holding {
                    partition: partition.clone(),
                    place,
                    cursor: None,
                    revoked: false,
                });
            }
        }
        let silent = !revoked.is_empty() && assigned.is_empty();
        if !revoked.is_empty() {
            self.events.push_back(Event::Revoked(revoked));
        }
        if !silent {
            self.events.push_back(Event::Assigned(assigned));
        }
    }

    fn fetch(&mut self, state: &mut State, batch: &mut Batch) -> Result<Event> {
        let count = self.holdings.len();
        let (turn, most) = (state.rng.below(count), state.most());
        for index in (0..count).map(|index| (index + turn) % count) {
            let Holding { partition, place, cursor: Some(cursor), .. } = &mut self.holdings[index] else {
                continue;
            };
            if let Some(event) = state.fetch(*place, partition, cursor, batch, most)? {
                return Ok(event);
            }
        }
        Ok(Event::Idle)
    }

    fn holding(&mut self, partition: &Partition) -> Option<&mut Holding> {
        self.holdings.iter_mut().find(|holding| holding.partition == *partition && !holding.revoked)
    }
}

impl crate::Member for Member {
    fn poll(&mut self, batch: &mut Batch, _wait: Duration) -> Result<Event> {
        batch.clear();
        let shared = Rc::clone(&self.state);
        let state = &mut *shared.borrow_mut();
        state.alive(self.process)?;
        match state.roll(Site::Poll) {
            Some(Fault::Busy) => {
                state.tally.strike(Fault::Busy);
                return Err(Error::Busy("the dice say so".to_owned()));
            }
            Some(fault) => state.befall(fault, self.group, self.process),
            None => {}
        }
        if self.events.is_empty() {
            self.serve(state)?;
        }
        match self.events.pop_front() {
            Some(event) => Ok(event),
            None => self.fetch(state, batch),
        }
    }

    fn membership(&self) -> Option<Membership> {
        let state = self.state.borrow();
        let (member, generation) = (self.id.clone()?, self.generation?);
        let group = state.groups[self.group].name.clone();
        Some(Membership { group, member, generation, native: Vec::new() })
    }

    fn committed(&mut self, partitions: &[Partition]) -> Result<Vec<Option<Committed>>> {
        let state = &mut *self.state.borrow_mut();
        state.query(self.process)?;
        let group = &state.groups[self.group];
        for partition in partitions {
            if let Some(cause) = group.undecided(partition) {
                if let Some(fault) = cause {
                    state.tally.change(fault);
                }
                return Err(Error::Busy(format!(
                    "a transaction with the offset of {partition} is undecided"
                )));
            }
        }
        Ok(partitions.iter().map(|partition| group.committed(partition).cloned()).collect())
    }

    fn start(&mut self, partition: &Partition, offset: i64) -> Result<()> {
        let shared = Rc::clone(&self.state);
        let mut state = shared.borrow_mut();
        state.alive(self.process)?;
        let isolation = self.isolation;
        let Some(holding) = self.holding(partition) else {
            return Err(Error::Refused(format!("{partition} is not ours")));
        };
        let place = holding.place;
        state.in_range(place, partition, offset)?;
        holding.cursor = Some(Cursor::new(offset, isolation));
        Ok(())
    }

    fn pause(&mut self, partition: &Partition) {
        if let Some(holding) = self.holding(partition) {
            holding.cursor = None;
        }
    }

    fn release(&mut self, partitions: &[Partition]) {
        let gone: Vec<Partition> = self
            .holdings
            .extract_if(.., |holding| holding.revoked && partitions.contains(&holding.partition))
            .map(|holding| holding.partition)
            .collect();
        let mut state = self.state.borrow_mut();
        let now = state.now;
        let group = &mut state.groups[self.group];
        if let Some(seat) = self.id.as_deref().and_then(|id| group.seat(id))
            && !gone.is_empty()
        {
            seat.owned.retain(|partition| !gone.contains(partition));
            group.rebalance(now, None);
        }
    }

    fn leave(self) {
        let mut state = self.state.borrow_mut();
        if let Some(id) = self.id.as_deref()
            && state.alive(self.process).is_ok()
        {
            state.lose(self.group, id, None);
        }
    }
}
