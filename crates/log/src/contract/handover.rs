//! Hand-over: partitions that go from one member to another, or come back.

use super::actor::{Actor, commit_as, committed, drive, join, settle, sole_member};
use super::stage::{
    MemberOf, TICK, aborted, answer, appends, at, commit, committed_records, offset, put, topic, values,
    writer,
};
use super::{Case, Rig, Verdict};
use crate::{AbortCause, Member, Partition};
use std::sync::Arc;

pub(super) fn cases<R: Rig>() -> Vec<Case<R>> {
    vec![
        ("a revoked partition is ours until it is released, and then another's", revoke),
        ("a lost partition goes to another without a release", loss),
        ("a member without partitions has a standing", empty_assignment),
        ("an instance that comes back has its partitions again", same_owner),
        ("a partition that comes back is started anew", there_and_back),
        ("a rebalance between fold and commit loses nothing and doubles nothing", between_fold_and_commit),
        ("a member that leaves gives its partitions at once", leave),
    ]
}

type Pair<'a, R> = [&'a mut Actor<MemberOf<R>>; 2];

fn each_holds<R: Rig>(count: usize) -> impl Fn(&Pair<'_, R>) -> bool {
    move |pair| pair.iter().all(|actor| actor.owned.len() == count && actor.revoked.is_empty())
}

fn revoke<R: Rig>(rig: &mut R) -> Verdict {
    let (one, two) = (rig.process("a"), rig.process("b"));
    let topic = topic(rig, &one, "revoke", 4);
    let (group, id) = (rig.name("revoke-group"), rig.name("revoke"));
    let mut writer = writer(rig, &one, &id);
    let mut first = sole_member(rig, &one, &group, &topic, 4);
    let mut second = join(rig, &two, &group, "two", &topic);
    drive(rig, "the revocation", [&mut first, &mut second], |[first, _]| !first.revoked.is_empty());
    let revoked = first.revoked.clone();
    assert_eq!((revoked.len(), first.holds()), (2, 2));
    for _ in 0..10 {
        second.poll();
        rig.pass(TICK);
    }
    assert!(
        !revoked.iter().any(|partition| second.owned.contains(partition)),
        "given before it was released"
    );
    let offsets: Vec<_> = revoked.iter().map(|partition| offset(partition, 7, "last words")).collect();
    commit_as(rig, &mut writer, &mut first, &[], &offsets);
    first.release();
    settle(rig, "two partitions each", [&mut first, &mut second], each_holds::<R>(2));
    for partition in &revoked {
        assert!(second.owned.contains(partition), "{partition} went elsewhere");
        assert_eq!(committed(rig, &mut second, partition), at(7, "last words"));
    }
    assert!(first.owned.is_disjoint(&second.owned));
    Ok(())
}

fn loss<R: Rig>(rig: &mut R) -> Verdict {
    let (one, two) = (rig.process("a"), rig.process("b"));
    let topic = topic(rig, &one, "loss", 2);
    let group = rig.name("loss-group");
    let mut first = sole_member(rig, &one, &group, &topic, 2);
    let mut second = join(rig, &two, &group, "two", &topic);
    settle(rig, "one partition each", [&mut first, &mut second], each_holds::<R>(1));
    let held = first.owned.clone();
    rig.lose(&group, "one")?;
    settle(rig, "both partitions", [&mut second], |[second]| second.owned.len() == 2);
    assert!(held.is_subset(&second.owned));
    drive(rig, "the loss", [&mut first], |[first]| !first.lost.is_empty());
    assert!(first.owned.is_empty());
    settle(rig, "one partition each again", [&mut first, &mut second], each_holds::<R>(1));
    Ok(())
}

fn empty_assignment<R: Rig>(rig: &mut R) -> Verdict {
    let (one, two) = (rig.process("a"), rig.process("b"));
    let topic = topic(rig, &one, "idle", 1);
    let group = rig.name("idle-group");
    let mut first = sole_member(rig, &one, &group, &topic, 1);
    let mut second = join(rig, &two, &group, "two", &topic);
    drive(rig, "a standing", [&mut first, &mut second], |[first, second]| {
        let (first, second) = (first.member.membership(), second.member.membership());
        second.is_some() && first.map(|own| own.generation) == second.map(|own| own.generation)
    });
    assert_eq!((first.holds(), second.holds()), (1, 0), "a partition moved without need");
    second.standing();
    assert_eq!(committed(rig, &mut second, &Partition::new(topic, 0)), None);
    Ok(())
}

fn same_owner<R: Rig>(rig: &mut R) -> Verdict {
    let (one, two) = (rig.process("a"), rig.process("b"));
    let topic = topic(rig, &one, "same", 4);
    let (group, id) = (rig.name("same-group"), rig.name("same"));
    let mut first = sole_member(rig, &one, &group, &topic, 4);
    let mut second = join(rig, &two, &group, "two", &topic);
    settle(rig, "two partitions each", [&mut first, &mut second], each_holds::<R>(2));
    let held = first.owned.clone();
    let partition = held.first().cloned().unwrap();
    let mut old = writer(rig, &one, &id);
    commit_as(rig, &mut old, &mut first, &[], &[offset(&partition, 3, "kept")]);
    let standing = first.standing();
    rig.kill("a")?;
    let again = rig.process("a");
    let mut third = join(rig, &again, &group, "one", &topic);
    settle(rig, "the same partitions", [&mut third, &mut second], each_holds::<R>(2));
    assert_eq!(third.owned, held);
    assert_eq!(committed(rig, &mut third, &partition), at(3, "kept"));
    let mut new = writer(rig, &again, &id);
    let stale = commit(rig, &mut new, &[], &[offset(&partition, 4, "no")], Some(&standing));
    assert_eq!(aborted(stale), AbortCause::StaleMembership);
    Ok(())
}

fn there_and_back<R: Rig>(rig: &mut R) -> Verdict {
    let (one, two) = (rig.process("a"), rig.process("b"));
    let topic = topic(rig, &one, "back", 2);
    let (group, id) = (rig.name("back-group"), rig.name("back"));
    let mut writer = writer(rig, &one, &id);
    let mut first = sole_member(rig, &one, &group, &topic, 2);
    for number in 0..2 {
        let partition = Partition::new(Arc::clone(&topic), number);
        answer(rig, || first.member.start(&partition, 0)).unwrap();
    }
    let mut second = join(rig, &two, &group, "two", &topic);
    settle(rig, "one partition each", [&mut first, &mut second], each_holds::<R>(1));
    let moved = second.owned.first().cloned().unwrap();
    put(rig, &mut writer, &appends(&moved, &["a"]));
    let Actor { member, .. } = second;
    member.leave();
    settle(rig, "both partitions", [&mut first], |[first]| first.owned.len() == 2);
    for _ in 0..20 {
        first.poll();
        rig.pass(TICK);
    }
    assert!(first.seen.is_empty(), "delivered before it was started anew");
    answer(rig, || first.member.start(&moved, 0)).unwrap();
    drive(rig, "its record", [&mut first], |[first]| !first.seen.is_empty());
    assert_eq!(first.started_values(), ["a"]);
    Ok(())
}

/// The partition that goes away was folded before the rebalance: its work is committed under the new generation,
/// before the release, and the new owner goes on behind it.
fn between_fold_and_commit<R: Rig>(rig: &mut R) -> Verdict {
    let (one, two) = (rig.process("a"), rig.process("b"));
    let (input, out) = (topic(rig, &one, "between", 2), topic(rig, &one, "between-out", 2));
    let (group, id) = (rig.name("between-group"), rig.name("between"));
    let mut writer = writer(rig, &one, &id);
    for number in 0..2 {
        put(rig, &mut writer, &appends(&Partition::new(Arc::clone(&input), number), &["a"]));
    }
    let mut first = sole_member(rig, &one, &group, &input, 2);
    for number in 0..2 {
        answer(rig, || first.member.start(&Partition::new(Arc::clone(&input), number), 0)).unwrap();
    }
    drive(rig, "both records", [&mut first], |[first]| first.seen.len() == 2);
    let old = first.standing();
    let mut second = join(rig, &two, &group, "two", &input);
    drive(rig, "the revocation", [&mut first, &mut second], |[first, _]| !first.revoked.is_empty());
    let seen = first.seen.clone();
    let copies: Vec<_> = seen
        .iter()
        .map(|seen| (appends(&Partition::new(Arc::clone(&out), seen.partition.number), &["copy"]), seen))
        .collect();
    let records: Vec<_> = copies.iter().map(|(copy, _)| copy).collect();
    let offsets: Vec<_> =
        copies.iter().map(|(_, seen)| offset(&seen.partition, seen.offset + 1, "")).collect();
    let stale = commit(rig, &mut writer, &records, &offsets, Some(&old));
    assert_eq!(aborted(stale), AbortCause::StaleMembership);
    commit_as(rig, &mut writer, &mut first, &records, &offsets);
    settle(rig, "one partition each", [&mut first, &mut second], each_holds::<R>(1));
    let moved = second.owned.first().cloned().unwrap();
    let from = committed(rig, &mut second, &moved).expect("the first committed it").offset;
    answer(rig, || second.member.start(&moved, from)).unwrap();
    drive(rig, "the end", [&mut second], |[second]| !second.ends.is_empty());
    assert!(second.seen.is_empty(), "the second read what the first had committed");
    for number in 0..2 {
        let copy = Partition::new(Arc::clone(&out), number);
        assert_eq!(values(&committed_records(rig, &two, &copy)), ["copy"]);
    }
    Ok(())
}

fn leave<R: Rig>(rig: &mut R) -> Verdict {
    let (one, two) = (rig.process("a"), rig.process("b"));
    let topic = topic(rig, &one, "leave", 2);
    let group = rig.name("leave-group");
    let mut first = sole_member(rig, &one, &group, &topic, 2);
    let mut second = join(rig, &two, &group, "two", &topic);
    settle(rig, "one partition each", [&mut first, &mut second], each_holds::<R>(1));
    let Actor { member, .. } = first;
    member.leave();
    settle(rig, "both partitions", [&mut second], |[second]| second.owned.len() == 2);
    Ok(())
}
