//! Which partitions are ours, and what the worker is told about it.

use crate::feed::Feed;
use crate::native::{Entry, Handle, List, Queue, Rebalance, Standing, number};
use log::{Event, Partition};
use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

#[derive(Debug, Default)]
pub(super) struct Ownership {
    told: VecDeque<Event>,
    /// Told as revoked, and not released.
    revoked: BTreeSet<Partition>,
    /// What the group waits for: to be unassigned once all of `revoked` is released.
    leaving: Vec<Partition>,
    /// Told as lost, while librdkafka still has them assigned.
    orphaned: BTreeSet<Partition>,
    /// Whether the group has given us anything, be it nothing, since we were lost.
    has_standing: bool,
    /// A revocation may have been answered without the worker: what it names is lost.
    is_suspect: bool,
    /// When we were fenced with a standing, since we last lost one otherwise.
    fences: Vec<Instant>,
}

impl Ownership {
    pub(super) fn told(&mut self) -> Option<Event> {
        self.told.pop_front()
    }

    /// Takes over what another was to tell.
    pub(super) fn inherit(&mut self, other: &mut Self) {
        self.told = std::mem::take(&mut other.told);
        self.fences = std::mem::take(&mut other.fences);
    }

    /// Takes note of a fence. Returns how many there were within `span`.
    pub(super) fn count_fence(&mut self, span: Duration) -> usize {
        self.fences.retain(|fence| fence.elapsed() < span);
        self.fences.push(Instant::now());
        self.fences.len()
    }

    pub(super) fn has_standing(&self) -> bool {
        self.has_standing
    }

    /// Whether the group waits for partitions to be released.
    pub(super) fn is_revoking(&self) -> bool {
        !self.leaving.is_empty()
    }

    pub(super) fn is_revoked(&self, partition: &Partition) -> bool {
        self.revoked.contains(partition)
    }

    /// Takes in what the group asks for.
    pub(super) fn rebalance(
        &mut self,
        kind: Rebalance,
        partitions: &[Entry],
        handle: &Handle,
        feed: &mut Feed,
    ) {
        let partitions: Vec<Partition> = partitions.iter().filter_map(partition).collect();
        match kind {
            Rebalance::Assign => {
                self.is_suspect = false;
                self.assign(partitions, handle, feed);
            }
            Rebalance::Revoke if std::mem::take(&mut self.is_suspect) || handle.is_assignment_lost() => {
                self.lose(&partitions, handle, feed);
            }
            Rebalance::Revoke => self.revoke(partitions, handle, feed),
        }
    }

    fn assign(&mut self, mut partitions: Vec<Partition>, handle: &Handle, feed: &mut Feed) {
        for partition in &partitions {
            feed.attach(partition);
            // Before it is assigned, so that nothing is fetched.
            feed.insert_paused(partition);
        }
        // What follows a revocation is given although we were thrown out meanwhile. Asked before it is taken:
        // after that the client joins again.
        let stands = Standing::of_use(handle).is_some();
        let mut list = List::new(partitions.len());
        for partition in &partitions {
            // Some offset, so that the client does not ask for a committed one, which may take its time.
            list.push(&partition.topic, number(partition.number), 0, None);
        }
        // An empty assignment is answered too: the group waits for it.
        if let Err(error) = handle.incremental_assign(&list) {
            tracing::warn!(%error, "an assignment was not taken");
        }
        feed.restore_positions();
        if !stands {
            for partition in partitions {
                feed.remove(&partition);
                self.orphaned.insert(partition);
            }
            return;
        }
        for partition in std::mem::take(&mut self.orphaned) {
            feed.insert_paused(&partition);
            partitions.push(partition);
        }
        self.has_standing = true;
        if !partitions.is_empty() {
            self.told.push_back(Event::Assigned(partitions));
        }
    }

    fn revoke(&mut self, partitions: Vec<Partition>, handle: &Handle, feed: &mut Feed) {
        let ours: Vec<Partition> =
            partitions.iter().filter(|partition| !self.orphaned.remove(partition)).cloned().collect();
        for partition in &ours {
            feed.pause(partition);
        }
        self.leaving = partitions;
        self.revoked.extend(ours.iter().cloned());
        if ours.is_empty() {
            self.unassign(handle, feed);
        } else {
            self.told.push_back(Event::Revoked(ours));
        }
    }

    fn lose(&mut self, partitions: &[Partition], handle: &Handle, feed: &mut Feed) {
        let mut lost = Vec::new();
        for partition in partitions {
            self.revoked.remove(partition);
            if !self.orphaned.remove(partition) {
                feed.remove(partition);
                lost.push(partition.clone());
            }
        }
        self.leaving = partitions.to_vec();
        self.forget(&lost, handle);
        self.unassign(handle, feed);
    }

    /// The broker has thrown us out while the group waited for us.
    pub(super) fn lose_all(&mut self, handle: &Handle, feed: &mut Feed) {
        let lost: Vec<Partition> = feed.partitions().cloned().collect();
        for partition in &lost {
            feed.remove(partition);
        }
        self.orphaned.extend(lost.iter().filter(|lost| !self.leaving.contains(lost)).cloned());
        self.revoked.clear();
        self.forget(&lost, handle);
        self.unassign(handle, feed);
    }

    /// Tells of a loss. What was to be told of the same partitions and was not is not true any more.
    fn forget(&mut self, lost: &[Partition], handle: &Handle) {
        self.has_standing = false;
        if handle.fatal().is_none() {
            self.fences.clear();
        }
        let mut known: Vec<Partition> = lost.to_vec();
        for event in std::mem::take(&mut self.told) {
            match event {
                Event::Assigned(given) => {
                    known.retain(|partition| !given.contains(partition));
                    let rest: Vec<_> =
                        given.into_iter().filter(|partition| !lost.contains(partition)).collect();
                    if !rest.is_empty() {
                        self.told.push_back(Event::Assigned(rest));
                    }
                }
                Event::Revoked(taken) => {
                    let rest: Vec<_> =
                        taken.into_iter().filter(|partition| !lost.contains(partition)).collect();
                    if !rest.is_empty() {
                        self.told.push_back(Event::Revoked(rest));
                    }
                }
                event @ (Event::Lost(_) | Event::Idle | Event::Records | Event::End { .. }) => {
                    self.told.push_back(event);
                }
            }
        }
        if !known.is_empty() {
            self.told.push_back(Event::Lost(known));
        }
    }

    /// Has the client fetch a partition of ours anew that it has ended. `rebalances` is where the group's events
    /// come.
    ///
    /// A revocation that has come and was not seen yet would take this for its answer. Whether one has is known
    /// after it.
    pub(super) fn assign_anew(
        &mut self,
        partition: &Partition,
        offset: i64,
        handle: &Handle,
        rebalances: &Queue,
    ) {
        let mut list = List::new(1);
        list.push(&partition.topic, number(partition.number), offset, None);
        let told = handle.incremental_unassign(&list);
        self.is_suspect |= !rebalances.is_empty();
        if let Err(error) = told.and_then(|()| handle.incremental_assign(&list)) {
            tracing::warn!(%partition, %error, "a partition was not assigned anew");
        }
    }

    /// The worker gives up partitions that were revoked.
    pub(super) fn release(&mut self, partitions: &[Partition], handle: &Handle, feed: &mut Feed) {
        for partition in partitions {
            if self.revoked.remove(partition) {
                feed.remove(partition);
            }
        }
        if self.revoked.is_empty() && self.is_revoking() {
            self.unassign(handle, feed);
        }
    }

    /// What the group waits for, if it does.
    pub(super) fn take_leaving(&mut self) -> Option<Vec<Partition>> {
        self.is_revoking().then(|| std::mem::take(&mut self.leaving))
    }

    fn unassign(&mut self, handle: &Handle, feed: &mut Feed) {
        let leaving = std::mem::take(&mut self.leaving);
        for partition in &leaving {
            feed.remove(partition);
        }
        if let Err(error) = handle.incremental_unassign(&List::of(&leaving)) {
            tracing::warn!(%error, "a revocation was not taken");
        }
        feed.restore_positions();
    }
}

fn partition(entry: &Entry) -> Option<Partition> {
    Some(Partition::new(entry.topic.as_str(), u32::try_from(entry.partition).ok()?))
}
