//! Who owns which partition: sticky, even, and cooperative. Pure state, no waiting.
//!
//! A partition that must move is first *revoked*: its owner stays the owner until it lets go, and only then is it
//! given to another. So a partition never has two owners, and those that do not move are not disturbed. Each change
//! of members or owners begins a new generation, which is what makes a commit of an older standing stale.

use crate::{Event, Partition};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// A consumer group.
#[derive(Debug, Default)]
pub(super) struct Group {
    generation: i32,
    joined: u64,
    seats: BTreeMap<String, Seat>,
    owners: BTreeMap<Partition, Owner>,
}

#[derive(Debug)]
struct Seat {
    instance: String,
    topics: Vec<Arc<str>>,
    events: VecDeque<Event>,
}

#[derive(Clone, Debug)]
struct Owner {
    member: String,
    revoking: bool,
}

impl Group {
    pub(super) fn generation(&self) -> i32 {
        self.generation
    }

    pub(super) fn contains(&self, member: &str) -> bool {
        self.seats.contains_key(member)
    }

    pub(super) fn owner(&self, partition: &Partition) -> Option<&str> {
        self.owners.get(partition).map(|owner| owner.member.as_str())
    }

    pub(super) fn take_event(&mut self, member: &str) -> Option<Event> {
        self.seats.get_mut(member)?.events.pop_front()
    }

    /// Gives `instance` a seat and returns the member's id. A member that holds this instance loses its seat.
    pub(super) fn join(&mut self, instance: &str, topics: &[Arc<str>]) -> String {
        self.joined += 1;
        self.expel(instance);
        let member = format!("{instance}-{}", self.joined);
        let seat = Seat { instance: instance.to_owned(), topics: topics.to_vec(), events: VecDeque::new() };
        self.seats.insert(member.clone(), seat);
        member
    }

    /// Takes a member's seat; what it owned has no owner then. Whether it had one.
    pub(super) fn unseat(&mut self, member: &str) -> bool {
        self.owners.retain(|_, owner| owner.member != member);
        self.seats.remove(member).is_some()
    }

    /// Whether a member sits as `instance`.
    pub(super) fn seated(&self, instance: &str) -> bool {
        self.seats.values().any(|seat| seat.instance == instance)
    }

    /// Takes the seat of `instance`. Whether it had one.
    pub(super) fn expel(&mut self, instance: &str) -> bool {
        let member = self.seats.iter().find(|(_, seat)| seat.instance == instance).map(|(id, _)| id.clone());
        member.is_some_and(|member| self.unseat(&member))
    }

    /// Lets `member` give up those of `partitions` that are being revoked; which these were.
    pub(super) fn release(&mut self, member: &str, partitions: &[Partition]) -> Vec<Partition> {
        let leaving = |partition: &&Partition| {
            self.owners.get(*partition).is_some_and(|owner| owner.revoking && owner.member == member)
        };
        let released: Vec<Partition> = partitions.iter().filter(leaving).cloned().collect();
        self.owners.retain(|partition, _| !released.contains(partition));
        released
    }

    /// Begins a generation: decides anew who should own what, and tells the members.
    pub(super) fn rebalance(&mut self, partitions: impl Fn(&str) -> u32) {
        self.generation += 1;
        let wanted = self.place(partitions);
        let mut assigned: BTreeMap<String, Vec<Partition>> = BTreeMap::new();
        let mut revoked: BTreeMap<String, Vec<Partition>> = BTreeMap::new();
        for (partition, member) in wanted {
            match self.owners.get_mut(&partition) {
                None => {
                    self.owners.insert(partition.clone(), Owner { member: member.clone(), revoking: false });
                    assigned.entry(member).or_default().push(partition);
                }
                Some(owner) if owner.member != member && !owner.revoking => {
                    owner.revoking = true;
                    revoked.entry(owner.member.clone()).or_default().push(partition);
                }
                Some(_) => {}
            }
        }
        for (member, partitions) in revoked {
            self.tell(&member, Event::Revoked(partitions));
        }
        for (member, partitions) in assigned {
            self.tell(&member, Event::Assigned(partitions));
        }
    }

    fn tell(&mut self, member: &str, event: Event) {
        if let Some(seat) = self.seats.get_mut(member) {
            seat.events.push_back(event);
        }
    }

    /// Who should own what: everyone keeps what they have, the rest goes to whoever has the least, then the
    /// richest give to the poorest until they differ by one at most.
    fn place(&self, partitions: impl Fn(&str) -> u32) -> BTreeMap<Partition, String> {
        let mut topics: Vec<&Arc<str>> = self.seats.values().flat_map(|seat| &seat.topics).collect();
        topics.sort_unstable();
        topics.dedup();
        let mut load: BTreeMap<&str, Vec<Partition>> =
            self.seats.keys().map(|member| (member.as_str(), Vec::new())).collect();
        let mut free = Vec::new();
        for topic in topics {
            for number in 0..partitions(topic) {
                let partition = Partition::new(Arc::clone(topic), number);
                let keeper = self.owners.get(&partition).filter(|owner| !owner.revoking);
                match keeper.and_then(|owner| load.get_mut(owner.member.as_str())) {
                    Some(kept) => kept.push(partition),
                    None => free.push(partition),
                }
            }
        }
        for partition in free {
            let poorest = load
                .iter_mut()
                .filter(|(member, _)| self.reads(member, &partition))
                .min_by_key(|(_, owned)| owned.len());
            if let Some((_, owned)) = poorest {
                owned.push(partition);
            }
        }
        while self.level(&mut load) {}
        load.into_iter()
            .flat_map(|(member, owned)| {
                owned.into_iter().map(move |partition| (partition, member.to_owned()))
            })
            .collect()
    }

    /// Moves one partition from a member to one that has at least two fewer. Whether it did.
    fn level(&self, load: &mut BTreeMap<&str, Vec<Partition>>) -> bool {
        let mut order: Vec<(&str, usize)> =
            load.iter().map(|(member, owned)| (*member, owned.len())).collect();
        order.sort_by_key(|(_, count)| *count);
        for (giver, most) in order.iter().rev() {
            for (taker, least) in &order {
                if most < &(least + 2) {
                    break;
                }
                let movable = load
                    .get(giver)
                    .and_then(|owned| owned.iter().rposition(|partition| self.reads(taker, partition)));
                let moved = movable.and_then(|at| load.get_mut(giver).map(|owned| owned.remove(at)));
                if let (Some(partition), Some(owned)) = (moved, load.get_mut(taker)) {
                    owned.push(partition);
                    return true;
                }
            }
        }
        false
    }

    fn reads(&self, member: &str, partition: &Partition) -> bool {
        self.seats.get(member).is_some_and(|seat| seat.topics.contains(&partition.topic))
    }

    pub(super) fn subscribes(&self, topic: &str) -> bool {
        self.seats.values().any(|seat| seat.topics.iter().any(|name| &**name == topic))
    }
}

#[cfg(test)]
mod tests;
