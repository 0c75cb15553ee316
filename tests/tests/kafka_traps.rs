//! What is odd about librdkafka and Kafka, and must not be seen through the log: each trap on a real broker.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests: a failure is a panic")]

mod kafka_support;

use kafka::Kafka;
use kafka_support::{
    Watched, append, broker, commit, create, fresh, log_on, member, poll_until, values, wait, writer,
};
use log::{
    AbortCause, Batch, CommitError, Committed, Error, Event, Isolation, Log, Member, OffsetCommit, Partition,
    Reader, Transaction, Writer,
};
use std::time::Duration;

const LONG: Duration = Duration::from_secs(3_600);

/// librdkafka takes the end of a partition for a record, and goes on behind the next one after a rebalance.
#[test]
fn a_rebalance_loses_no_record_of_the_partitions_that_are_kept() {
    let Some(broker) = broker() else { return };
    let (log, name) = (log_on(broker), fresh("kept"));
    let topic = create(&log, &name, 4);
    let mut out = writer(&log, &name);
    let mut first = member(&log, &name, "one", &topic);
    poll_until([&mut first], |[first]| first.owned.len() == 4);
    for number in 0..4 {
        first.member.start(&Partition::new(topic.clone(), number), 0).unwrap();
    }
    poll_until([&mut first], |[first]| first.ends.len() == 4);
    for round in 0..3 {
        let mut second = member(&log_on(broker), &name, &format!("two-{round}"), &topic);
        poll_until([&mut first, &mut second], |[first, second]| {
            first.owned.len() == 2 && second.owned.len() == 2
        });
        first.seen.clear();
        let kept: Vec<_> = first.owned.iter().cloned().collect();
        for partition in &kept {
            commit(&mut out, &[&append(partition, &["after"])], &[], None).unwrap();
        }
        poll_until([&mut first, &mut second], |[first, _]| first.seen.len() == 2);
        second.member.leave();
        poll_until([&mut first], |[first]| first.owned.len() == 4);
        for partition in &kept {
            commit(&mut out, &[&append(partition, &["again"])], &[], None).unwrap();
        }
        poll_until([&mut first], |[first]| first.seen.len() == 4);
        assert!(first.seen.iter().all(|(partition, _)| kept.contains(partition)), "{:?}", first.seen);
        let others: Vec<_> = first.owned.iter().filter(|owned| !kept.contains(owned)).cloned().collect();
        for partition in others {
            let end =
                log.ends(std::slice::from_ref(&topic)).unwrap().topics[0][partition.number as usize].end;
            first.member.start(&partition, end).unwrap();
        }
    }
}

/// The batch call waits until the batch is full.
#[test]
fn a_lone_record_does_not_wait_for_others() {
    let Some(broker) = broker() else { return };
    let (log, name) = (log_on(broker), fresh("lone"));
    let partition = Partition::new(create(&log, &name, 1), 0);
    let mut reader = log.read(&partition, 0, Isolation::Committed).unwrap();
    let mut batch = Batch::default();
    assert!(matches!(reader.poll(&mut batch, LONG).unwrap(), Event::End { offset: 0, .. }));
    commit(&mut writer(&log, &name), &[&append(&partition, &["a"])], &[], None).unwrap();
    // Were it to wait for more, this would not come back.
    assert_eq!(reader.poll(&mut batch, LONG).unwrap(), Event::Records);
    assert_eq!(values(&batch), ["a"]);
    assert!(matches!(reader.poll(&mut batch, LONG).unwrap(), Event::End { .. }));
}

/// More records than the client's queue takes go through in one transaction.
#[test]
fn a_full_queue_is_waited_for() {
    let Some(broker) = broker() else { return };
    let name = fresh("full");
    let mut settings = kafka_support::settings(broker);
    settings.producer.insert("queue.buffering.max.messages".to_owned(), "50".to_owned());
    let log = Kafka::new(settings).unwrap();
    let partition = Partition::new(create(&log, &name, 1), 0);
    let text: Vec<String> = (0..2_000).map(|number| number.to_string()).collect();
    let text: Vec<&str> = text.iter().map(String::as_str).collect();
    commit(&mut writer(&log, &name), &[&append(&partition, &text)], &[], None).unwrap();
    assert_eq!(kafka_support::read_all(&log, &partition), text);
}

/// A negative offset is dropped in silence, and bytes of metadata that are not ASCII are replaced.
#[test]
fn offsets_that_would_be_changed_are_refused() {
    let Some(broker) = broker() else { return };
    let (log, name) = (log_on(broker), fresh("changed"));
    let topic = create(&log, &name, 1);
    let partition = Partition::new(topic.clone(), 0);
    let mut out = writer(&log, &name);
    let mut owner = member(&log, &name, "one", &topic);
    poll_until([&mut owner], |[owner]| owner.owned.len() == 1);
    for (offset, metadata) in [(-1, ""), (1, "caf\u{e9}"), (1, "a\0b")] {
        let offsets = [OffsetCommit { partition: partition.clone(), offset, metadata: metadata.to_owned() }];
        let standing = owner.member.membership();
        let told = commit(&mut out, &[&append(&partition, &["x"])], &offsets, standing.as_ref());
        assert!(
            matches!(told, Err(CommitError::Aborted { cause: AbortCause::RecordTooLarge, .. })),
            "{told:?}"
        );
    }
    let ascii: String = (1..0x80_u8).map(char::from).collect();
    let offsets = [OffsetCommit { partition: partition.clone(), offset: 1, metadata: ascii.clone() }];
    let standing = owner.member.membership();
    commit(&mut out, &[], &offsets, standing.as_ref()).unwrap();
    let told = wait("the offset", || owner.member.committed(std::slice::from_ref(&partition)).ok());
    assert_eq!(told, [Some(Committed { offset: 1, metadata: ascii })]);
    assert!(kafka_support::read_all(&log, &partition).is_empty());
}

/// The broker asks whether the generation is the present one, not whose the partition is: work on a partition
/// that went away must be finished before its release.
#[test]
fn a_fresh_standing_lets_offsets_of_a_foreign_partition_through() {
    let Some(broker) = broker() else { return };
    let (log, name) = (log_on(broker), fresh("foreign"));
    let topic = create(&log, &name, 2);
    let mut out = writer(&log, &name);
    let mut first = member(&log, &name, "one", &topic);
    let mut second = member(&log_on(broker), &name, "two", &topic);
    poll_until([&mut first, &mut second], |[first, second]| {
        first.owned.len() == 1 && second.owned.len() == 1
    });
    let foreign = second.owned.first().cloned().unwrap();
    let offsets = [OffsetCommit { partition: foreign, offset: 1, metadata: String::new() }];
    wait("a standing that holds", || {
        first.poll();
        second.poll();
        let standing = first.member.membership()?;
        commit(&mut out, &[], &offsets, Some(&standing)).ok()
    });
}

/// While a revocation is not answered, that the broker has thrown the member out shows as an empty member id only.
#[test]
fn who_is_thrown_out_while_the_group_waits_for_it_loses_all() {
    let Some(broker) = broker() else { return };
    let (log, name) = (log_on(broker), fresh("thrown"));
    let topic = create(&log, &name, 4);
    let mut out = writer(&log, &name);
    let mut first = member(&log, &name, "one", &topic);
    poll_until([&mut first], |[first]| first.owned.len() == 4);
    first.releases = false;
    let mut second = member(&log_on(broker), &name, "two", &topic);
    poll_until([&mut first, &mut second], |[first, _]| first.revoked.len() == 2);
    let old = first.member.membership().unwrap();
    let kept = first.owned.iter().find(|owned| !first.revoked.contains(owned)).cloned().unwrap();
    assert!(broker.expel(&name, "one"));
    poll_until([&mut first, &mut second], |[first, _]| first.lost.len() == 4);
    assert!(first.owned.is_empty() && first.member.membership().is_none());
    let refused = first.member.start(&kept, 0);
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    let offsets = [OffsetCommit { partition: kept, offset: 1, metadata: String::new() }];
    let told = commit(&mut out, &[], &offsets, Some(&old));
    assert!(matches!(told, Err(CommitError::Aborted { cause: AbortCause::StaleMembership, .. })), "{told:?}");
    first.releases = true;
    poll_until([&mut first, &mut second], |[first, second]| {
        first.owned.len() == 2 && second.owned.len() == 2 && first.owned.is_disjoint(&second.owned)
    });
    // Both deliver all that is theirs.
    for number in 0..4 {
        let partition = Partition::new(topic.clone(), number);
        commit(&mut out, &[&append(&partition, &["a"])], &[], None).unwrap();
        let owner = if first.owned.contains(&partition) { &mut first } else { &mut second };
        wait("the start", || owner.member.start(&partition, 0).ok());
    }
    poll_until([&mut first, &mut second], |[first, second]| first.seen.len() == 2 && second.seen.len() == 2);
}

/// A client that is dropped waits for the answer to its last revocation, for ever.
#[test]
fn a_member_can_be_dropped_while_the_group_waits_for_it() {
    let Some(broker) = broker() else { return };
    for leaves in [true, false] {
        let (log, name) = (log_on(broker), fresh("dropped"));
        let topic = create(&log, &name, 2);
        let mut first = member(&log, &name, "one", &topic);
        poll_until([&mut first], |[first]| first.owned.len() == 2);
        first.releases = false;
        let mut second = member(&log_on(broker), &name, "two", &topic);
        poll_until([&mut first, &mut second], |[first, _]| first.revoked.len() == 1);
        if leaves {
            first.member.leave()
        } else {
            drop(first)
        }
        poll_until([&mut second], |[second]| second.owned.len() == 2);
    }
}

/// The client tells once that a position is out of range, and then refuses to move it.
#[test]
fn a_partition_that_was_out_of_range_goes_on_where_it_is_told() {
    let Some(broker) = broker() else { return };
    let (log, name) = (log_on(broker), fresh("ended"));
    let topic = create(&log, &name, 2);
    let (gone, other) = (Partition::new(topic.clone(), 0), Partition::new(topic.clone(), 1));
    let mut out = writer(&log, &name);
    let mut owner = member(&log, &name, "one", &topic);
    poll_until([&mut owner], |[owner]| owner.owned.len() == 2);
    owner.member.start(&gone, 0).unwrap();
    owner.member.start(&other, 0).unwrap();
    poll_until([&mut owner], |[owner]| owner.ends.len() == 2);
    // The reader stands before an open transaction, which is deleted.
    let records = [&append(&gone, &["held"])];
    let open = Transaction { appends: &records, offsets: &[], membership: None };
    let held = wait("the open transaction", || log.hold(&format!("{name}-held"), &open).ok());
    broker.truncate_before(&gone.topic, gone.number, 1);
    poll_until([&mut owner], |[owner]| !owner.errors.is_empty());
    assert!(
        matches!(&owner.errors[0], Error::OutOfRange { partition, offset: 0, first: 1, .. } if *partition == gone),
        "{:?}",
        owner.errors
    );
    assert!(held.abort());
    commit(&mut out, &[&append(&gone, &["a"]), &append(&other, &["b"])], &[], None).unwrap();
    poll_until([&mut owner], |[owner]| owner.seen.len() == 1);
    owner.member.start(&gone, 1).unwrap();
    poll_until([&mut owner], |[owner]| owner.seen.len() == 2);
    assert_eq!(owner.seen, [(other, "b".to_owned()), (gone, "a".to_owned())]);
    assert_eq!(owner.errors.len(), 1);
}

/// A fenced producer's commit of nothing succeeds: there is nothing for the broker to be asked.
#[test]
fn a_fenced_writer_learns_it_from_its_next_record() {
    let Some(broker) = broker() else { return };
    let (log, name) = (log_on(broker), fresh("fenced"));
    let partition = Partition::new(create(&log, &name, 1), 0);
    let mut first = writer(&log, &name);
    let mut second = writer(&log, &name);
    let nothing = Transaction { appends: &[], offsets: &[], membership: None };
    assert_eq!(first.commit(&nothing).map(|receipt| receipt.stamp), Ok(None));
    let told = commit(&mut first, &[&append(&partition, &["x"])], &[], None);
    assert!(matches!(told, Err(CommitError::Fenced { .. })), "{told:?}");
    let told = first.commit(&nothing);
    assert!(matches!(told, Err(CommitError::Fenced { .. })), "{told:?}");
    commit(&mut second, &[&append(&partition, &["a"])], &[], None).unwrap();
    assert_eq!(kafka_support::read_all(&log, &partition), ["a"]);
}

/// An uncommitted reader's client asks for offsets that are not stable.
#[test]
fn a_member_that_reads_uncommitted_records_is_told_stable_offsets_only() {
    let Some(broker) = broker() else { return };
    let (log, name) = (log_on(broker), fresh("unstable"));
    let topic = create(&log, &name, 1);
    let partition = Partition::new(topic.clone(), 0);
    let mut owner = Watched::new(wait("the member", || {
        log.join(&name, "one", std::slice::from_ref(&topic), Isolation::Uncommitted).ok()
    }));
    poll_until([&mut owner], |[owner]| owner.owned.len() == 1);
    let offsets = [OffsetCommit { partition: partition.clone(), offset: 5, metadata: "m".to_owned() }];
    let standing = owner.member.membership().unwrap();
    let open = Transaction { appends: &[], offsets: &offsets, membership: Some(&standing) };
    let mut held = wait("the open transaction", || log.hold(&name, &open).ok());
    for _ in 0..3 {
        let told = owner.member.committed(std::slice::from_ref(&partition));
        assert!(matches!(told, Err(Error::Busy(_))), "{told:?}");
    }
    held.commit().unwrap();
    let told = wait("the offset", || owner.member.committed(std::slice::from_ref(&partition)).ok());
    assert_eq!(told, [Some(Committed { offset: 5, metadata: "m".to_owned() })]);
}

#[test]
fn a_topic_with_other_properties_is_refused_with_what_differs() {
    let Some(broker) = broker() else { return };
    let name = fresh("differs");
    let log = log_on(broker);
    create(&log, &name, 2);
    let mut spec = log.topic(&name).unwrap().unwrap();
    spec.partitions = 3;
    spec.cleanup = log::Cleanup::Compact;
    let told = log.create(&spec).unwrap_err().to_string();
    assert!(told.contains("2 partitions, not 3") && told.contains("cleanup is Keep, not Compact"), "{told}");
    spec.max_record_bytes = 100;
    spec.name = fresh("small").as_str().into();
    let told = log.create(&spec).unwrap_err().to_string();
    assert!(told.contains("producer.batch.size"), "{told}");
}
