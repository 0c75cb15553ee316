//! Who is still in a group: joining, being forgotten, rebalances that come to an end.

use super::faults::Fault;
use super::group::Group;
use super::state::{ProcessId, State, Timed};
use crate::Partition;
use std::collections::BTreeSet;
use std::sync::Arc;

impl State {
    /// The index of a group; it comes into being when it is first named.
    pub(super) fn group(&mut self, name: &str) -> usize {
        let found = self.groups.iter().position(|group| group.name == name);
        found.unwrap_or_else(|| {
            self.groups.push(Group::new(name));
            self.groups.len() - 1
        })
    }

    /// Takes a member in; its new id.
    pub(super) fn enter(
        &mut self,
        group: usize,
        instance: &str,
        process: ProcessId,
        topics: &[Arc<str>],
    ) -> String {
        let member = format!("{instance}-{}", self.number());
        self.groups[group].enter(instance, &member, process, topics, self.now);
        member
    }

    /// Lets a rebalance end, if all have joined it.
    pub(super) fn try_complete(&mut self, group: usize) {
        if self.groups[group].rebalancing.is_none() {
            return;
        }
        let seats = &self.groups[group].seats;
        let topics: BTreeSet<&Arc<str>> = seats.iter().flat_map(|seat| &seat.topics).collect();
        let mut partitions = Vec::new();
        for name in topics {
            if let Some(&topic) = self.names.get(name) {
                let count = self.topics[topic].spec.partitions;
                partitions.extend((0..count).map(|number| Partition::new(Arc::clone(name), number)));
            }
        }
        self.groups[group].try_complete(&partitions, &mut self.rng);
    }

    /// Removes members whose time has run out.
    pub(super) fn tick_groups(&mut self) {
        let now = self.now;
        for index in 0..self.groups.len() {
            let overdue = self.groups[index]
                .rebalancing
                .is_some_and(|since| now - since > self.faults.rebalance_timeout_ms);
            let gone: Vec<String> = self.groups[index]
                .seats
                .iter()
                .filter(|seat| {
                    let expired = match self.processes[seat.process].died_at {
                        Some(died_at) => now - died_at > self.faults.session_timeout_ms,
                        None => now - seat.seen > self.faults.poll_timeout_ms,
                    };
                    expired || (overdue && !seat.joined)
                })
                .map(|seat| seat.member.clone())
                .collect();
            for member in &gone {
                self.groups[index].remove(member, now, None);
            }
            if !gone.is_empty() {
                self.try_complete(index);
            }
        }
    }

    /// A group forgets a member.
    pub(super) fn lose(&mut self, group: usize, member: &str, cause: Option<Fault>) {
        let now = self.now;
        self.groups[group].remove(member, now, cause);
        if cause.is_some() {
            self.groups[group].forgotten.push(member.to_owned());
        }
        self.try_complete(group);
    }

    /// What befalls the cluster while a member of `group` polls.
    pub(super) fn befall(&mut self, fault: Fault, group: usize, process: ProcessId) {
        let now = self.now;
        if fault == Fault::Rebalance || fault == Fault::EmptyRebalance {
            if self.groups[group].rebalancing.is_none() {
                self.tally.fire(fault);
                self.groups[group].rebalance(now, Some(fault));
            }
        } else if fault == Fault::Loss {
            let seats = &self.groups[group].seats;
            let chosen = self.rng.below(seats.len());
            if let Some(member) = seats.get(chosen).map(|seat| seat.member.clone()) {
                self.tally.fire(fault);
                self.lose(group, &member, Some(fault));
            }
        } else {
            self.befall_log(fault, process);
        }
    }

    fn befall_log(&mut self, fault: Fault, process: ProcessId) {
        let until = self.now + self.rng.span_ms(self.faults.spell_ms);
        if fault == Fault::Stall {
            let topic = self.rng.below(self.topics.len());
            let Some(count) = self.topics.get(topic).map(|topic| topic.partitions.len()) else { return };
            let number = self.rng.below(count);
            let store = &mut self.topics[topic].partitions[number];
            store.stalled_until = until;
            store.stalled_by_fault = true;
            self.tally.fire(fault);
        } else if fault == Fault::Clock {
            let wrong = self.rng.span_ms(self.faults.clock_ms);
            self.processes[process].clock_ms = if self.rng.coin() { wrong } else { -wrong };
            self.processes[process].clock_by_fault = true;
            self.at(until, Timed::ClockRight { process });
            self.tally.fire(fault);
        } else if fault == Fault::Foreign {
            self.foreign_fault(process, until);
        }
    }

    fn foreign_fault(&mut self, process: ProcessId, until: i64) {
        let chosen = self.rng.below(self.faults.foreign_topics.len());
        let Some(name) = self.faults.foreign_topics.get(chosen).cloned() else { return };
        let Some(&topic) = self.names.get(&name) else { return };
        let number = self.rng.below(self.topics[topic].partitions.len());
        let partition = Partition::new(name, u32::try_from(number).unwrap_or(0));
        let id = self.open_foreign();
        if self.append_foreign(process, &id, &partition, None, Some(b"aborted"), None) {
            self.blame_foreign(&id);
            self.at(until, Timed::ForeignEnd { id });
            self.tally.fire(Fault::Foreign);
        }
    }
}
