//! Shards come and go: brought back a step at a time, given up with their outbox, dropped where they are lost.

use super::Score;
use super::fold::{Trouble, go_live, refused};
use super::owned::{Folding, State};
use super::restore::{Restore, Restored};
use crate::commit::Resolution;
use crate::failure::{Failure, Progress, later, started};
use crate::metadata;
use crate::refusal::Cure;
use crate::variant::Variant;
use log::{Committed, Log, Member, Partition};
use std::time::Duration;

impl<L: Log, V: Variant> Score<L, V> {
    /// Brings assigned shards back, a step each. Returns whether one moved.
    pub(super) fn restore(&mut self) -> Result<bool, Failure> {
        let Some(member) = &mut self.member else { return Ok(false) };
        let (mut moved, rebuild, now) = (false, self.settings.rebuild, self.log.now());
        for (partition, state) in &mut self.owned {
            let next = match state {
                State::Refused(reason, cure) => {
                    if !self.refusals.is_due(partition, reason, *cure, now) {
                        continue;
                    }
                    State::Waiting
                }
                State::Waiting => {
                    let Some(committed) = later(member.committed(std::slice::from_ref(partition)))? else {
                        continue;
                    };
                    let committed = committed.into_iter().next().flatten();
                    match Restore::begin(&self.log, partition, committed) {
                        Ok(None) => continue,
                        Ok(Some(restore)) => State::Restoring(Box::new(restore)),
                        Err(failure) => refused(failure)?,
                    }
                }
                State::Restoring(restore) => match restore.step(&self.log, Duration::ZERO, rebuild) {
                    Ok(None) => continue,
                    Ok(Some(restored)) => {
                        if let Some(stamp) = restored.stamp {
                            self.committer.pass(stamp);
                        }
                        tracing::info!(%partition, bytes = restore.bytes(), from = restored.from, "state read");
                        match begin::<L, V>(member, partition, restored) {
                            Ok(state) => state,
                            Err(failure) => refused(failure)?,
                        }
                    }
                    Err(failure) => {
                        let refused = refused(failure)?;
                        // Who was given the shard since, which is not known here yet, may have gone on with it: the
                        // state is then younger than the offset, and neither says anything of the other.
                        let now = later(member.committed(std::slice::from_ref(partition)))?;
                        let is_same = |now: &[Option<Committed>]| {
                            now.first().and_then(Option::as_ref) == restore.committed()
                        };
                        if now.as_deref().is_some_and(is_same) { refused } else { State::Waiting }
                    }
                },
                State::Folding(_) => continue,
            };
            *state = next;
            moved = true;
        }
        Ok(moved)
    }

    /// Pauses everything; the group is still served.
    pub(super) fn hold(&mut self) {
        if let Some(member) = self.member.as_mut().filter(|_| !self.held) {
            self.owned.keys().for_each(|partition| member.pause(partition));
        }
        self.held = true;
    }

    /// Lets everything that is held go on where it was.
    pub(super) fn go_on(&mut self) -> Result<(), Failure> {
        let Some(member) = self.member.as_mut().filter(|_| self.held) else { return Ok(()) };
        for (partition, state) in &self.owned {
            let State::Folding(folding) = state else { continue };
            if self.leaving.contains(partition) {
                continue;
            }
            let at_hand = self.cursor.is_some() && self.batch.partition.as_ref() == Some(partition);
            let last = self.batch.records().last().filter(|_| at_hand);
            let next = last.map_or(folding.next, |record| record.offset + 1);
            if !started(member.start(partition, next))? {
                return Ok(());
            }
        }
        self.held = false;
        Ok(())
    }

    /// Finds out what became of the transaction in doubt. Nothing is folded meanwhile.
    pub(super) fn resolve(&mut self) -> Result<Progress, Failure> {
        let now = self.log.now();
        let Some(member) = &mut self.member else { return Ok(Progress::Idle) };
        let ours: Vec<Partition> =
            self.sending.iter().filter(|partition| self.owned.contains_key(*partition)).cloned().collect();
        match self.committer.resolve(member, &ours, metadata::Journal::stamp)? {
            Resolution::Later => return self.serve(),
            Resolution::Committed => self.is_committed(now),
            // Sent again, without the shards that are gone.
            Resolution::Aborted => {}
            Resolution::Mixed => {
                for partition in ours {
                    self.drop_shard(&partition);
                    self.owned.insert(partition, State::Waiting);
                }
            }
        }
        Ok(Progress::Worked)
    }

    pub(super) fn revoke(&mut self, partitions: Vec<Partition>) {
        for partition in &partitions {
            if self.owned.get(partition).and_then(State::folding).is_none() {
                self.owned.remove(partition);
                self.refusals.forget(partition);
            }
        }
        self.leaving.extend(partitions);
    }

    pub(super) fn lose(&mut self, partitions: &[Partition]) {
        for partition in partitions {
            self.leaving.retain(|other| other != partition);
            self.drop_shard(partition);
        }
    }

    /// Gives up what was revoked, once its outbox is committed, or cannot be.
    pub(super) fn let_go(&mut self) {
        if self.leaving.is_empty() {
            return;
        }
        let hopeless = self.member.as_ref().is_none_or(|member| member.membership().is_none());
        let waits = |partition: &Partition| matches!(self.owned.get(partition), Some(State::Folding(folding)) if folding.has_content());
        if !hopeless && self.leaving.iter().any(waits) {
            return;
        }
        let leaving = std::mem::take(&mut self.leaving);
        for partition in &leaving {
            self.drop_shard(partition);
        }
        if let Some(member) = &mut self.member {
            member.release(&leaving);
        }
    }

    /// Gives up a shard whose records are gone; any other failure is the worker's.
    pub(super) fn give_up(&mut self, failure: Failure) -> Result<Progress, Failure> {
        let gone = match &failure {
            Failure::Log(log::Error::OutOfRange { partition, .. }) => Some(partition.clone()),
            Failure::Log(_) | Failure::Refused { .. } | Failure::Fenced { .. } | Failure::Stuck(_) => None,
        };
        let Some(partition) = gone.filter(|partition| self.owned.contains_key(partition)) else {
            return Err(failure.explain());
        };
        self.drop_shard(&partition);
        let state = refused(failure)?;
        self.owned.insert(partition, state);
        Ok(Progress::Worked)
    }

    fn drop_shard(&mut self, partition: &Partition) {
        self.refusals.forget(partition);
        self.owned.remove(partition);
        if self.cursor.is_some() && self.batch.partition.as_ref() == Some(partition) {
            self.cursor = None;
            self.batch.clear();
        }
        if let Some(member) = &mut self.member {
            member.pause(partition);
        }
    }
}

/// Begins to fold a shard that is back.
fn begin<L: Log, V: Variant>(
    member: &mut L::Member,
    partition: &Partition,
    restored: Restored,
) -> Result<State<L, V>, Failure> {
    let from = restored.from;
    let mut folding = Folding::new(restored);
    if let Err(reason) = go_live::<V>(&mut folding, partition) {
        return Ok(Trouble::of(partition, reason, Cure::Possible).into());
    }
    // What was not started is read anew when the log is ready, or gone by an event to come.
    let is_started = started(member.start(partition, from))?;
    Ok(if is_started { State::Folding(Box::new(folding)) } else { State::Waiting })
}
