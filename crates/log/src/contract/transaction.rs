//! Transactions whose outcome is known: all of it or nothing, offsets and metadata included.

use super::actor::{commit_as, committed, sole_member};
use super::stage::{
    aborted, answer, appends, at, commit, committed_records, ends, keyed, offset, put, read, read_on, topic,
    values, writer,
};
use super::{Case, Outcome, Rig, Verdict};
use crate::{CommitError, Ends, Isolation, Log, Member, Membership, Partition, Transaction, Writer};
use std::sync::Arc;

pub(super) fn cases<R: Rig>() -> Vec<Case<R>> {
    vec![
        ("outputs, state and offsets with metadata are one", atomic),
        ("an abort is invisible", abort_invisible),
        ("metadata are replaced on an unchanged offset", metadata_replaced),
        ("a transaction may hold nothing, records only or offsets only", partial),
        ("offsets without a standing are refused", without_standing),
        ("records keep their order within a transaction", order),
        ("writers of other ids do not disturb each other", two_writers),
    ]
}

fn atomic<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let (journal, out) = (topic(rig, &log, "atomic-journal", 2), topic(rig, &log, "atomic-out", 2));
    let state = topic(rig, &log, "atomic-state", 2);
    let (group, id) = (rig.name("atomic-group"), rig.name("atomic"));
    let mut writer = writer(rig, &log, &id);
    let mut member = sole_member(rig, &log, &group, &journal, 2);
    let shards: Vec<_> = (0..2).map(|number| Partition::new(Arc::clone(&journal), number)).collect();
    let mut outputs = appends(&Partition::new(Arc::clone(&out), 0), &["o0"]);
    outputs.push(&out, 1, None, Some(b"o1"), &[]);
    let mut states = keyed(&Partition::new(Arc::clone(&state), 0), &[("k", Some("s0"))]);
    states.push(&state, 1, Some(b"k"), Some(b"s1"), &[]);
    let offsets = [offset(&shards[0], 3, "m0"), offset(&shards[1], 0, "m1")];
    commit_as(rig, &mut writer, &mut member, &[&outputs, &states], &offsets);
    let told = answer(rig, || member.member.committed(&[shards[1].clone(), shards[0].clone()])).unwrap();
    assert_eq!(told, [at(0, "m1"), at(3, "m0")], "in the order asked for");
    for number in 0..2_u32 {
        let seen = |rig: &mut R, topic: &Arc<str>| {
            values(&committed_records(rig, &log, &Partition::new(Arc::clone(topic), number)))
        };
        assert_eq!(seen(rig, &out), [format!("o{number}")]);
        assert_eq!(seen(rig, &state), [format!("s{number}")]);
    }
    Ok(())
}

fn abort_invisible<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let (journal, out) = (topic(rig, &log, "abort-journal", 1), topic(rig, &log, "abort-out", 2));
    let (group, id) = (rig.name("abort-group"), rig.name("abort"));
    let mut member = sole_member(rig, &log, &group, &journal, 1);
    let shard = Partition::new(journal, 0);
    let targets: Vec<_> = (0..2).map(|number| Partition::new(Arc::clone(&out), number)).collect();
    let mut first = writer(rig, &log, &id);
    put(rig, &mut first, &appends(&targets[0], &["before"]));
    commit_as(rig, &mut first, &mut member, &[], &[offset(&shard, 1, "one")]);
    let standing = member.standing();
    let records = [&appends(&targets[0], &["x"]), &appends(&targets[1], &["y"])];
    let offsets = [offset(&shard, 2, "two")];
    let transaction = Transaction { appends: &records, offsets: &offsets, membership: Some(&standing) };
    rig.hold("a", &id, &transaction)?;
    assert!(rig.finish(&id, Outcome::Abort)?, "an abort is granted");
    let mut second = writer(rig, &log, &id);
    put(rig, &mut second, &appends(&targets[0], &["after"]));
    assert_eq!(committed(rig, &mut member, &shard), at(1, "one"));
    assert_eq!(values(&committed_records(rig, &log, &targets[0])), ["before", "after"]);
    assert!(committed_records(rig, &log, &targets[1]).is_empty());
    Ok(())
}

fn metadata_replaced<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let topic = topic(rig, &log, "replaced", 1);
    let (group, id) = (rig.name("replaced-group"), rig.name("replaced"));
    let mut writer = writer(rig, &log, &id);
    let mut member = sole_member(rig, &log, &group, &topic, 1);
    let partition = Partition::new(topic, 0);
    assert_eq!(committed(rig, &mut member, &partition), None, "nothing was committed yet");
    for metadata in ["one", "two", ""] {
        commit_as(rig, &mut writer, &mut member, &[], &[offset(&partition, 5, metadata)]);
        assert_eq!(committed(rig, &mut member, &partition), at(5, metadata));
    }
    Ok(())
}

fn partial<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let topic = topic(rig, &log, "partial", 1);
    let (group, id) = (rig.name("partial-group"), rig.name("partial"));
    let mut writer = writer(rig, &log, &id);
    let mut member = sole_member(rig, &log, &group, &topic, 1);
    let partition = Partition::new(topic, 0);
    let receipt = commit(rig, &mut writer, &[], &[], None).unwrap();
    assert_eq!(receipt.stamp, None);
    put(rig, &mut writer, &appends(&partition, &["a"]));
    let receipt = commit_as(rig, &mut writer, &mut member, &[], &[offset(&partition, 1, "")]);
    assert_eq!(receipt.stamp, None);
    commit(rig, &mut writer, &[], &[], None).unwrap();
    assert_eq!(committed(rig, &mut member, &partition), at(1, ""));
    assert_eq!(values(&committed_records(rig, &log, &partition)), ["a"]);
    Ok(())
}

fn without_standing<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let topic = topic(rig, &log, "standing", 1);
    let (group, id) = (rig.name("standing-group"), rig.name("standing"));
    let mut writer = writer(rig, &log, &id);
    let mut member = sole_member(rig, &log, &group, &topic, 1);
    let partition = Partition::new(topic, 0);
    let records = appends(&partition, &["x"]);
    let offsets = [offset(&partition, 1, "x")];
    let standing = member.standing();
    let none = Membership { generation: -1, ..standing.clone() };
    let neither = Membership { member: String::new(), ..none.clone() };
    let nobody = Membership { member: String::new(), ..standing };
    for bad in [None, Some(&none), Some(&nobody), Some(&neither)] {
        let cause = aborted(commit(rig, &mut writer, &[&records], &offsets, bad));
        assert_eq!(cause, crate::AbortCause::StaleMembership, "{bad:?}");
    }
    assert_eq!(committed(rig, &mut member, &partition), None);
    commit_as(rig, &mut writer, &mut member, &[&appends(&partition, &["a"])], &offsets);
    assert_eq!(values(&committed_records(rig, &log, &partition)), ["a"]);
    Ok(())
}

fn order<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let topic = topic(rig, &log, "order", 1);
    let partition = Partition::new(topic, 0);
    let id = rig.name("order");
    let mut writer = writer(rig, &log, &id);
    let text: Vec<String> = (0..300).map(|number| number.to_string()).collect();
    let text: Vec<&str> = text.iter().map(String::as_str).collect();
    for part in text.chunks(100) {
        let (one, two) = part.split_at(30);
        let (one, two) = (appends(&partition, one), appends(&partition, two));
        commit(rig, &mut writer, &[&one, &two], &[], None).unwrap();
    }
    assert_eq!(values(&committed_records(rig, &log, &partition)), text);
    Ok(())
}

fn two_writers<R: Rig>(rig: &mut R) -> Verdict {
    let (log, other) = (rig.process("a"), rig.process("b"));
    let topic = topic(rig, &log, "two-writers", 1);
    let partition = Partition::new(topic, 0);
    let (one, two) = (rig.name("two-writers-1"), rig.name("two-writers-2"));
    let (mut one, mut two) = (writer(rig, &log, &one), writer(rig, &other, &two));
    for _ in 0..3 {
        put(rig, &mut one, &appends(&partition, &["1"]));
        put(rig, &mut two, &appends(&partition, &["2"]));
    }
    let Ends { end, .. } = ends(rig, &log, &partition);
    let mut reader = read(rig, &other, &partition, 0, Isolation::Uncommitted);
    assert_eq!(values(&read_on(rig, &mut reader, end).0), ["1", "2", "1", "2", "1", "2"]);
    let nothing = Transaction { appends: &[], offsets: &[], membership: None };
    let unspoiled = one.commit(&nothing);
    assert!(!matches!(unspoiled, Err(CommitError::Fenced { .. })), "{unspoiled:?}");
    assert!(log.now() > 0);
    Ok(())
}
