//! A consumer in a group: events of the group first, then the records of its partitions, in turn.

use super::reader::{Ahead, Cursor};
use super::state::{Shared, State, missing};
use crate::{Batch, Committed, Error, Event, Isolation, Membership, Partition, Result};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A consumer in a group of the embedded log.
#[derive(Debug)]
pub struct Member {
    shared: Arc<Shared>,
    group: String,
    instance: String,
    id: String,
    generation: i32,
    topics: Vec<Arc<str>>,
    isolation: Isolation,
    /// Ours, those being revoked included.
    owned: BTreeSet<Partition>,
    /// Those of `owned` that are being revoked.
    leaving: BTreeSet<Partition>,
    started: Vec<Cursor>,
    /// Which of `started` is next.
    turn: usize,
}

impl Member {
    pub(super) fn join(
        shared: Arc<Shared>,
        group: &str,
        instance: &str,
        topics: &[Arc<str>],
        isolation: Isolation,
    ) -> Result<Self> {
        let mut state = shared.live()?;
        if let Some(topic) = topics.iter().find(|topic| !state.catalog.contains_key(*topic)) {
            return Err(Error::Missing(topic.to_string()));
        }
        let seats = state.groups.entry(group.to_owned()).or_default();
        let id = seats.join(instance, topics);
        state.rebalance(group);
        let generation = state.groups.get(group).map_or(0, super::group::Group::generation);
        drop(state);
        shared.wake();
        Ok(Self {
            shared,
            group: group.to_owned(),
            instance: instance.to_owned(),
            id,
            generation,
            topics: topics.to_vec(),
            isolation,
            owned: BTreeSet::new(),
            leaving: BTreeSet::new(),
            started: Vec::new(),
            turn: 0,
        })
    }

    /// Takes in an event before it is handed out.
    fn observe(&mut self, event: &Event) {
        match event {
            Event::Assigned(partitions) => self.owned.extend(partitions.iter().cloned()),
            Event::Revoked(partitions) => {
                self.stop(partitions);
                self.leaving.extend(partitions.iter().cloned());
            }
            Event::Lost(partitions) => {
                self.stop(partitions);
                self.owned.retain(|partition| !partitions.contains(partition));
                self.leaving.retain(|partition| !partitions.contains(partition));
            }
            Event::Idle | Event::Records | Event::End { .. } => {}
        }
    }

    fn stop(&mut self, partitions: &[Partition]) {
        self.started.retain(|cursor| !partitions.contains(&cursor.partition));
    }

    /// The seat was taken away: what was ours is lost; then another of this instance has it, or we join anew.
    fn unseated(&mut self, state: &mut State) -> Result<Option<Event>> {
        if !self.owned.is_empty() {
            let event = Event::Lost(std::mem::take(&mut self.owned).into_iter().collect());
            self.observe(&event);
            return Ok(Some(event));
        }
        let group = state.groups.entry(self.group.clone()).or_default();
        if group.seated(&self.instance) {
            return Err(Error::Fatal(format!(
                "instance {} of group {} has joined anew elsewhere: two live consumers must not share an instance id",
                self.instance, self.group
            )));
        }
        self.id = group.join(&self.instance, &self.topics);
        state.rebalance(&self.group);
        self.shared.wake();
        Ok(None)
    }
}

impl crate::Member for Member {
    fn poll(&mut self, batch: &mut Batch, wait: Duration) -> Result<Event> {
        batch.clear();
        let deadline = Instant::now() + wait;
        let shared = Arc::clone(&self.shared);
        let mut state = shared.live()?;
        'look: loop {
            if let Some(reason) = &state.fatal {
                return Err(Error::Fatal(reason.clone()));
            }
            let Some(group) = state.groups.get_mut(&self.group).filter(|group| group.contains(&self.id))
            else {
                if let Some(event) = self.unseated(&mut state)? {
                    return Ok(event);
                }
                continue;
            };
            self.generation = group.generation();
            if let Some(event) = group.take_event(&self.id) {
                drop(state);
                self.observe(&event);
                return Ok(event);
            }
            for step in 0..self.started.len() {
                let at = (self.turn + step) % self.started.len();
                let Some(cursor) = self.started.get_mut(at) else { continue };
                match cursor.look(&state) {
                    Ok(Ahead::Nothing) => {}
                    Ok(Ahead::End) => return Ok(cursor.report()),
                    Ok(Ahead::Until(end)) => {
                        drop(state);
                        cursor.fill(&shared, end, batch)?;
                        self.turn = at + 1;
                        if !batch.is_empty() {
                            return Ok(Event::Records);
                        }
                        state = shared.live()?;
                        continue 'look;
                    }
                    Err(error) => {
                        // The others go on; this one waits for another start.
                        self.started.remove(at);
                        return Err(error);
                    }
                }
            }
            match shared.wait(state, deadline) {
                Some(woken) => state = woken,
                None => return Ok(Event::Idle),
            }
        }
    }

    fn membership(&self) -> Option<Membership> {
        let state = self.shared.state();
        state.groups.get(&self.group).filter(|group| group.contains(&self.id))?;
        Some(Membership {
            group: self.group.clone(),
            member: self.id.clone(),
            generation: self.generation,
            native: Vec::new(),
        })
    }

    fn committed(&mut self, partitions: &[Partition]) -> Result<Vec<Option<Committed>>> {
        let state = self.shared.live()?;
        let mut answer = Vec::with_capacity(partitions.len());
        for partition in partitions {
            let pid = state.pid(partition).ok_or_else(|| missing(partition))?;
            if state.is_undecided(pid, &self.group) {
                return Err(Error::Busy(format!("an offset of {partition} is being committed")));
            }
            answer.push(state.offsets.get(&pid).and_then(|groups| groups.get(&self.group)).cloned());
        }
        Ok(answer)
    }

    fn start(&mut self, partition: &Partition, offset: i64) -> Result<()> {
        let state = self.shared.live()?;
        let ours =
            state.groups.get(&self.group).and_then(|group| group.owner(partition)) == Some(self.id.as_str());
        if !ours || !self.owned.contains(partition) || self.leaving.contains(partition) {
            return Err(Error::Refused(format!("partition {partition} is not assigned to {}", self.id)));
        }
        let cursor = Cursor::new(&state, partition, offset, self.isolation)?;
        drop(state);
        self.pause(partition);
        self.started.push(cursor);
        Ok(())
    }

    fn pause(&mut self, partition: &Partition) {
        self.stop(std::slice::from_ref(partition));
    }

    fn release(&mut self, partitions: &[Partition]) {
        let mut state = self.shared.state();
        let Some(group) = state.groups.get_mut(&self.group) else { return };
        let released = group.release(&self.id, partitions);
        if !released.is_empty() {
            state.rebalance(&self.group);
        }
        drop(state);
        self.owned.retain(|partition| !released.contains(partition));
        self.leaving.retain(|partition| !released.contains(partition));
        self.shared.wake();
    }

    fn leave(self) {}
}

impl Drop for Member {
    fn drop(&mut self) {
        let mut state = self.shared.state();
        if state.groups.get_mut(&self.group).is_some_and(|group| group.unseat(&self.id)) {
            state.rebalance(&self.group);
        }
        drop(state);
        self.shared.wake();
    }
}
