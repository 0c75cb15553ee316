//! Members that are driven: what they were told, and what they do about it.

use super::Rig;
use super::stage::{MemberOf, Seen, TICK, WriterOf, answer, commit, take, values, wait};
use crate::{
    AbortCause, Appends, Batch, CommitError, Committed, Error, Event, Isolation, Log, Member, Membership,
    OffsetCommit, Partition, Receipt,
};
use std::collections::BTreeSet;
use std::sync::Arc;

/// A member and what it was told.
#[derive(Debug)]
pub(super) struct Actor<M> {
    pub(super) member: M,
    pub(super) owned: BTreeSet<Partition>,
    /// Revoked and not released.
    pub(super) revoked: Vec<Partition>,
    pub(super) lost: Vec<Partition>,
    pub(super) seen: Vec<Seen>,
    pub(super) ends: Vec<(Partition, i64)>,
    pub(super) errors: Vec<Error>,
    batch: Batch,
}

impl<M: Member> Actor<M> {
    /// Polls once and keeps what comes; true if that was anything.
    pub(super) fn poll(&mut self) -> bool {
        match self.member.poll(&mut self.batch, TICK) {
            Ok(Event::Idle) | Err(Error::Busy(_)) => return false,
            Ok(Event::Records) => {
                let partition =
                    self.batch.partition.clone().expect("a batch with records names its partition");
                assert!(self.owned.contains(&partition), "records of {partition}, which is not ours");
                assert!(!self.revoked.contains(&partition), "records of {partition}, which was revoked");
                take(&self.batch, &mut self.seen);
            }
            Ok(Event::End { partition, offset }) => self.ends.push((partition, offset)),
            Ok(Event::Assigned(partitions)) => {
                for partition in partitions {
                    assert!(self.owned.insert(partition.clone()), "{partition} assigned twice");
                }
            }
            Ok(Event::Revoked(partitions)) => {
                assert!(
                    partitions.iter().all(|revoked| self.owned.contains(revoked)),
                    "revoked what was not ours"
                );
                self.revoked.extend(partitions);
            }
            Ok(Event::Lost(partitions)) => {
                assert!(partitions.iter().all(|lost| self.owned.remove(lost)), "lost what was not ours");
                self.revoked.retain(|revoked| !partitions.contains(revoked));
                self.lost.extend(partitions);
            }
            Err(error) => self.errors.push(error),
        }
        true
    }

    /// Releases what was revoked.
    pub(super) fn release(&mut self) {
        let revoked = std::mem::take(&mut self.revoked);
        self.owned.retain(|partition| !revoked.contains(partition));
        self.member.release(&revoked);
    }

    /// How many partitions are ours and not asked back.
    pub(super) fn holds(&self) -> usize {
        self.owned.len() - self.revoked.len()
    }

    pub(super) fn standing(&self) -> Membership {
        let standing = self.member.membership().expect("a member with partitions has a standing");
        assert!(standing.generation >= 0 && !standing.member.is_empty(), "{standing:?}");
        standing
    }

    pub(super) fn started_values(&self) -> Vec<String> {
        values(&self.seen)
    }
}

pub(super) fn join<R: Rig>(
    rig: &mut R,
    log: &R::Log,
    group: &str,
    instance: &str,
    topic: &Arc<str>,
) -> Actor<MemberOf<R>> {
    let topics = [Arc::clone(topic)];
    let member =
        answer(rig, || log.join(group, instance, &topics, Isolation::Committed)).expect("can be joined");
    Actor {
        member,
        owned: BTreeSet::new(),
        revoked: Vec::new(),
        lost: Vec::new(),
        seen: Vec::new(),
        ends: Vec::new(),
        errors: Vec::new(),
        batch: Batch::default(),
    }
}

/// Polls the actors until `done`.
pub(super) fn drive<R: Rig, const N: usize>(
    rig: &mut R,
    what: &str,
    mut actors: [&mut Actor<MemberOf<R>>; N],
    done: impl Fn(&[&mut Actor<MemberOf<R>>; N]) -> bool,
) {
    wait(rig, what, |_| {
        for _ in 0..20 {
            if done(&actors) {
                return Some(());
            }
            let mut any = false;
            for actor in &mut actors {
                any |= actor.poll();
            }
            if !any {
                break;
            }
        }
        None
    });
}

/// As [`drive`], and what is revoked is released.
pub(super) fn settle<R: Rig, const N: usize>(
    rig: &mut R,
    what: &str,
    mut actors: [&mut Actor<MemberOf<R>>; N],
    done: impl Fn(&[&mut Actor<MemberOf<R>>; N]) -> bool,
) {
    wait(rig, what, |_| {
        for actor in &mut actors {
            actor.poll();
            if !actor.revoked.is_empty() {
                actor.release();
            }
        }
        done(&actors).then_some(())
    });
}

/// A member that alone has all partitions of its topic.
pub(super) fn sole_member<R: Rig>(
    rig: &mut R,
    log: &R::Log,
    group: &str,
    topic: &Arc<str>,
    partitions: usize,
) -> Actor<MemberOf<R>> {
    let mut actor = join(rig, log, group, "one", topic);
    drive(rig, "all partitions", [&mut actor], |[actor]| actor.owned.len() == partitions);
    actor
}

/// Commits under the present standing of `actor`, which polls until it is up to date; must go through.
pub(super) fn commit_as<R: Rig>(
    rig: &mut R,
    writer: &mut WriterOf<R>,
    actor: &mut Actor<MemberOf<R>>,
    appends: &[&Appends],
    offsets: &[OffsetCommit],
) -> Receipt {
    wait(rig, "a standing that holds", |rig| {
        let standing = actor.member.membership();
        let told = standing.map(|standing| commit(rig, writer, appends, offsets, Some(&standing)));
        match told {
            Some(Ok(receipt)) => Some(receipt),
            None | Some(Err(CommitError::Aborted { cause: AbortCause::StaleMembership, .. })) => {
                actor.poll();
                None
            }
            Some(Err(error)) => panic!("a commit under a present standing failed: {error}"),
        }
    })
}

pub(super) fn committed<R: Rig>(
    rig: &mut R,
    actor: &mut Actor<MemberOf<R>>,
    partition: &Partition,
) -> Option<Committed> {
    let partitions = std::slice::from_ref(partition);
    let mut told = answer(rig, || actor.member.committed(partitions)).expect("committed offsets are told");
    assert_eq!(told.len(), 1);
    told.remove(0)
}
