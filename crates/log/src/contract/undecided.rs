//! Transactions that stand open: what they hold back, and how they are decided.

use super::actor::{Actor, commit_as, committed, sole_member};
use super::stage::{
    MemberOf, TICK, appends, assert_held_back, at, committed_records, ends, offset, put, read, read_on,
    topic, values, writer,
};
use super::{Case, Outcome, Rig, Verdict};
use crate::{Ends, Error, Isolation, Member, Partition, Transaction};
use std::sync::Arc;

pub(super) fn cases<R: Rig>() -> Vec<Case<R>> {
    vec![
        ("an open transaction holds committed readers back, and the end is told past it", holds_back),
        ("of interleaved writers, the later may commit first", interleaved),
        ("committed offsets are told only when all are decided", busy_until_decided),
        ("a transaction in doubt is decided by opening its writer's id: aborted", reopened_aborts),
        (
            "a transaction in doubt is decided by opening its writer's id: it was committed",
            reopened_committed,
        ),
        ("a late commit of an old incarnation is refused", late_commit),
        ("what a killed process left undecided is decided by its successor", killed),
        ("a transaction that the log gave up on is gone, and its id goes on", timed_out),
    ]
}

/// A journal partition with a member, an output partition with one record, and where its end stood then.
struct Scene<R: Rig> {
    log: R::Log,
    member: Actor<MemberOf<R>>,
    shard: Partition,
    out: Partition,
    id: String,
    stable: i64,
}

fn scene<R: Rig>(rig: &mut R, base: &str) -> Scene<R> {
    let log = rig.process("a");
    let journal = topic(rig, &log, &format!("{base}-journal"), 1);
    let out = Partition::new(topic(rig, &log, &format!("{base}-out"), 1), 0);
    let (group, id) = (rig.name(&format!("{base}-group")), rig.name(base));
    let mut writer = writer(rig, &log, &id);
    let mut member = sole_member(rig, &log, &group, &journal, 1);
    let shard = Partition::new(journal, 0);
    commit_as(rig, &mut writer, &mut member, &[&appends(&out, &["before"])], &[offset(&shard, 1, "one")]);
    assert_eq!(committed(rig, &mut member, &shard), at(1, "one"));
    committed_records(rig, &log, &out);
    let Ends { end, .. } = ends(rig, &log, &out);
    Scene { log, member, shard, out, id, stable: end }
}

impl<R: Rig> Scene<R> {
    /// Leaves a transaction undecided, in the latest process "a".
    fn hold(&mut self, rig: &mut R) -> Verdict {
        let standing = self.member.standing();
        let records = [&appends(&self.out, &["held"])];
        let offsets = [offset(&self.shard, 2, "two")];
        rig.hold(
            "a",
            &self.id,
            &Transaction { appends: &records, offsets: &offsets, membership: Some(&standing) },
        )
    }

    fn assert_undecided(&mut self, rig: &mut R) {
        for _ in 0..5 {
            let told = self.member.member.committed(std::slice::from_ref(&self.shard));
            assert!(matches!(told, Err(Error::Busy(_))), "offsets told while undecided: {told:?}");
            self.member.poll();
            rig.pass(TICK);
        }
        assert_held_back(rig, &self.log, &self.out, self.stable, &["before"]);
    }

    fn assert_decided(&mut self, rig: &mut R, outcome: Outcome) {
        let (offset, seen) = match outcome {
            Outcome::Commit => (at(2, "two"), vec!["before", "held"]),
            Outcome::Abort => (at(1, "one"), vec!["before"]),
        };
        assert_eq!(committed(rig, &mut self.member, &self.shard), offset);
        assert_eq!(values(&committed_records(rig, &self.log, &self.out)), seen);
    }
}

fn holds_back<R: Rig>(rig: &mut R) -> Verdict {
    let mut scene = scene(rig, "open");
    let foreign = rig.name("open-foreign");
    let records = [&appends(&scene.out, &["foreign"])];
    rig.hold("a", &foreign, &Transaction { appends: &records, offsets: &[], membership: None })?;
    let mut own = writer(rig, &scene.log, &scene.id);
    put(rig, &mut own, &appends(&scene.out, &["after"]));
    assert_held_back(rig, &scene.log, &scene.out, scene.stable, &["before"]);
    let Ends { end, .. } = ends(rig, &scene.log, &scene.out);
    let mut open = read(rig, &scene.log, &scene.out, 0, Isolation::Uncommitted);
    assert_eq!(values(&read_on(rig, &mut open, end).0), ["before", "foreign", "after"]);
    assert!(rig.finish(&foreign, Outcome::Commit)?);
    assert_eq!(values(&committed_records(rig, &scene.log, &scene.out)), ["before", "foreign", "after"]);
    assert_eq!(committed(rig, &mut scene.member, &scene.shard), at(1, "one"));
    Ok(())
}

fn interleaved<R: Rig>(rig: &mut R) -> Verdict {
    for outcome in [Outcome::Commit, Outcome::Abort] {
        let mut scene = scene(rig, if outcome == Outcome::Commit { "weave" } else { "weave-abort" });
        scene.hold(rig)?;
        let other = format!("{}-other", scene.id);
        let mut other = writer(rig, &scene.log, &other);
        let later = appends(&scene.out, &["later"]);
        let offsets = [offset(&scene.shard, 9, "nine")];
        commit_as(rig, &mut other, &mut scene.member, &[&later], &offsets);
        scene.assert_undecided(rig);
        assert!(rig.finish(&scene.id, outcome)?);
        assert_eq!(
            committed(rig, &mut scene.member, &scene.shard),
            at(9, "nine"),
            "the offset added last stays"
        );
        let seen = values(&committed_records(rig, &scene.log, &scene.out));
        match outcome {
            Outcome::Commit => assert_eq!(seen, ["before", "held", "later"]),
            Outcome::Abort => assert_eq!(seen, ["before", "later"]),
        }
    }
    Ok(())
}

fn busy_until_decided<R: Rig>(rig: &mut R) -> Verdict {
    for outcome in [Outcome::Commit, Outcome::Abort] {
        let mut scene = scene(rig, if outcome == Outcome::Commit { "busy" } else { "busy-abort" });
        scene.hold(rig)?;
        scene.assert_undecided(rig);
        assert!(rig.finish(&scene.id, outcome)?);
        scene.assert_decided(rig, outcome);
    }
    Ok(())
}

fn reopened_aborts<R: Rig>(rig: &mut R) -> Verdict {
    let mut scene = scene(rig, "doubt");
    scene.hold(rig)?;
    scene.assert_undecided(rig);
    let mut again = writer(rig, &scene.log, &scene.id);
    scene.assert_decided(rig, Outcome::Abort);
    put(rig, &mut again, &appends(&scene.out, &["next"]));
    assert_eq!(values(&committed_records(rig, &scene.log, &scene.out)), ["before", "next"]);
    Ok(())
}

fn reopened_committed<R: Rig>(rig: &mut R) -> Verdict {
    let mut scene = scene(rig, "certain");
    scene.hold(rig)?;
    assert!(rig.finish(&scene.id, Outcome::Commit)?);
    let mut again = writer(rig, &scene.log, &scene.id);
    scene.assert_decided(rig, Outcome::Commit);
    put(rig, &mut again, &appends(&scene.out, &["next"]));
    assert_eq!(values(&committed_records(rig, &scene.log, &scene.out)), ["before", "held", "next"]);
    Ok(())
}

fn late_commit<R: Rig>(rig: &mut R) -> Verdict {
    let mut scene = scene(rig, "late");
    scene.hold(rig)?;
    let mut again = writer(rig, &scene.log, &scene.id);
    assert!(!rig.finish(&scene.id, Outcome::Commit)?, "a fenced writer's commit was granted");
    scene.assert_decided(rig, Outcome::Abort);
    put(rig, &mut again, &appends(&scene.out, &["next"]));
    assert!(!rig.finish(&scene.id, Outcome::Commit)?, "a fenced writer's commit was granted");
    assert_eq!(values(&committed_records(rig, &scene.log, &scene.out)), ["before", "next"]);
    Ok(())
}

fn killed<R: Rig>(rig: &mut R) -> Verdict {
    let mut old = scene(rig, "killed");
    old.hold(rig)?;
    rig.kill("a")?;
    let log = rig.process("a");
    let group = rig.name("killed-group");
    let topic = Arc::clone(&old.shard.topic);
    let mut again = writer(rig, &log, &old.id);
    let mut member = sole_member(rig, &log, &group, &topic, 1);
    assert_eq!(committed(rig, &mut member, &old.shard), at(1, "one"));
    let next = appends(&old.out, &["next"]);
    commit_as(rig, &mut again, &mut member, &[&next], &[offset(&old.shard, 2, "again")]);
    assert_eq!(committed(rig, &mut member, &old.shard), at(2, "again"));
    assert_eq!(values(&committed_records(rig, &log, &old.out)), ["before", "next"]);
    Ok(())
}

fn timed_out<R: Rig>(rig: &mut R) -> Verdict {
    let mut scene = scene(rig, "timeout");
    scene.hold(rig)?;
    rig.expire_transactions()?;
    scene.assert_decided(rig, Outcome::Abort);
    assert!(!rig.finish(&scene.id, Outcome::Commit)?, "a transaction was committed after its time-out");
    let mut again = writer(rig, &scene.log, &scene.id);
    let next = appends(&scene.out, &["next"]);
    commit_as(rig, &mut again, &mut scene.member, &[&next], &[offset(&scene.shard, 2, "again")]);
    assert_eq!(committed(rig, &mut scene.member, &scene.shard), at(2, "again"));
    assert_eq!(values(&committed_records(rig, &scene.log, &scene.out)), ["before", "next"]);
    Ok(())
}
