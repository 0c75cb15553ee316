//! Fencing: writers that are not the latest of their id, members whose standing is out of date.

use super::actor::{Actor, commit_as, committed, drive, join, settle, sole_member};
use super::stage::{
    MemberOf, aborted, appends, assert_fenced, at, commit, committed_records, offset, put, topic, values,
    writer,
};
use super::{Case, Rig, Verdict};
use crate::{AbortCause, CommitError, Error, Member, Partition, Transaction, Writer};
use std::sync::Arc;

pub(super) fn cases<R: Rig>() -> Vec<Case<R>> {
    vec![
        ("of two holders of an id, the latest writes", two_holders),
        ("a writer resumed after a pause between transactions goes on, unless its id was taken", resumed),
        ("offsets of a stale generation are refused", stale_generation),
        ("offsets of a member that was lost are refused", lost_member),
        ("of two members of one instance, the latest has the place", two_members),
    ]
}

fn two_holders<R: Rig>(rig: &mut R) -> Verdict {
    let (one, two) = (rig.process("a"), rig.process("b"));
    let topic = topic(rig, &one, "holders", 1);
    let partition = Partition::new(topic, 0);
    let id = rig.name("holders");
    let mut first = writer(rig, &one, &id);
    put(rig, &mut first, &appends(&partition, &["a"]));
    let mut second = writer(rig, &two, &id);
    assert_fenced(&commit(rig, &mut first, &[&appends(&partition, &["x"])], &[], None));
    put(rig, &mut second, &appends(&partition, &["b"]));
    assert_fenced(&commit(rig, &mut first, &[&appends(&partition, &["x"])], &[], None));
    let mut third = writer(rig, &one, &id);
    assert_fenced(&commit(rig, &mut second, &[&appends(&partition, &["x"])], &[], None));
    put(rig, &mut third, &appends(&partition, &["c"]));
    assert_eq!(values(&committed_records(rig, &two, &partition)), ["a", "b", "c"]);
    Ok(())
}

fn resumed<R: Rig>(rig: &mut R) -> Verdict {
    let (one, two) = (rig.process("a"), rig.process("b"));
    let topic = topic(rig, &one, "resumed", 1);
    let partition = Partition::new(topic, 0);
    let id = rig.name("resumed");
    let mut first = writer(rig, &one, &id);
    put(rig, &mut first, &appends(&partition, &["a"]));
    rig.expire_transactions()?;
    put(rig, &mut first, &appends(&partition, &["b"]));
    let mut second = writer(rig, &two, &id);
    put(rig, &mut second, &appends(&partition, &["c"]));
    rig.expire_transactions()?;
    assert_fenced(&commit(rig, &mut first, &[&appends(&partition, &["x"])], &[], None));
    put(rig, &mut second, &appends(&partition, &["d"]));
    assert_eq!(values(&committed_records(rig, &two, &partition)), ["a", "b", "c", "d"]);
    Ok(())
}

/// Commits one record and an offset under a standing taken before.
fn commit_under<R: Rig>(
    rig: &mut R,
    writer: &mut <R::Log as crate::Log>::Writer,
    partition: &Partition,
    value: &str,
    standing: &crate::Membership,
) -> Result<crate::Receipt, CommitError> {
    let records = appends(partition, &[value]);
    commit(rig, writer, &[&records], &[offset(partition, 1, value)], Some(standing))
}

fn stale_generation<R: Rig>(rig: &mut R) -> Verdict {
    let (one, two) = (rig.process("a"), rig.process("b"));
    let topic = topic(rig, &one, "stale", 2);
    let (group, id) = (rig.name("stale-group"), rig.name("stale"));
    let mut writer = writer(rig, &one, &id);
    let mut first = sole_member(rig, &one, &group, &topic, 2);
    let old = first.standing();
    let mut second = join(rig, &two, &group, "two", &topic);
    let spread = |actors: &[&mut Actor<MemberOf<R>>; 2]| actors.iter().all(|actor| actor.owned.len() == 1);
    settle(rig, "one partition each", [&mut first, &mut second], spread);
    let kept = first.owned.first().cloned().unwrap();
    assert!(first.standing().generation > old.generation);
    let stale = commit_under(rig, &mut writer, &kept, "x", &old);
    assert_eq!(aborted(stale), AbortCause::StaleMembership);
    assert_eq!(committed(rig, &mut first, &kept), None);
    commit_as(rig, &mut writer, &mut first, &[&appends(&kept, &["a"])], &[offset(&kept, 1, "a")]);
    assert_eq!(committed(rig, &mut first, &kept), at(1, "a"));
    assert_eq!(values(&committed_records(rig, &one, &kept)), ["a"]);
    Ok(())
}

fn lost_member<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let topic = topic(rig, &log, "lost", 1);
    let (group, id) = (rig.name("lost-group"), rig.name("lost"));
    let mut writer = writer(rig, &log, &id);
    let mut member = sole_member(rig, &log, &group, &topic, 1);
    let partition = Partition::new(topic, 0);
    let old = member.standing();
    rig.lose(&group, "one")?;
    let stale = commit_under(rig, &mut writer, &partition, "x", &old);
    assert_eq!(aborted(stale), AbortCause::StaleMembership);
    drive(rig, "the loss", [&mut member], |[member]| !member.lost.is_empty());
    assert_eq!((member.lost.len(), member.owned.len()), (1, 0));
    assert_eq!(member.member.membership(), None, "a standing after the loss");
    drive(rig, "a new assignment", [&mut member], |[member]| member.owned.len() == 1);
    let stale = commit_under(rig, &mut writer, &partition, "x", &old);
    assert_eq!(aborted(stale), AbortCause::StaleMembership);
    assert_eq!(committed(rig, &mut member, &partition), None);
    commit_as(rig, &mut writer, &mut member, &[&appends(&partition, &["a"])], &[offset(&partition, 1, "a")]);
    assert_eq!(values(&committed_records(rig, &log, &partition)), ["a"]);
    Ok(())
}

fn two_members<R: Rig>(rig: &mut R) -> Verdict {
    let (one, two) = (rig.process("a"), rig.process("b"));
    let topic = topic(rig, &one, "members", 2);
    let (group, id) = (rig.name("members-group"), rig.name("members"));
    let mut writer = writer(rig, &two, &id);
    let mut first = sole_member(rig, &one, &group, &topic, 2);
    let old = first.standing();
    let mut second = join(rig, &two, &group, "one", &topic);
    drive(rig, "the same partitions", [&mut second], |[second]| second.owned.len() == 2);
    let partition = Partition::new(Arc::clone(&topic), 0);
    let stale = commit_under(rig, &mut writer, &partition, "x", &old);
    assert_eq!(aborted(stale), AbortCause::StaleMembership);
    commit_as(rig, &mut writer, &mut second, &[&appends(&partition, &["a"])], &[offset(&partition, 1, "a")]);
    // It may ask for its name again some times, as the other does then: the one that was there first is the first to end.
    drive(rig, "the fence", [&mut first, &mut second], |[first, _]| !first.errors.is_empty());
    assert_eq!(second.errors, []);
    assert!(matches!(first.errors[0], Error::Fatal(_)), "{:?}", first.errors);
    drive(rig, "nothing", [&mut second], |[second]| second.owned.len() == 2);
    assert_eq!(values(&committed_records(rig, &two, &partition)), ["a"]);
    let nothing = Transaction { appends: &[], offsets: &[], membership: None };
    assert!(!matches!(writer.commit(&nothing), Err(CommitError::Fenced { .. })));
    Ok(())
}
