//! Topics: creation, ends, limits.

use super::actor::{commit_as, committed, drive, sole_member};
use super::stage::{
    MAX_RECORD_BYTES, TICK, aborted, answer, appends, at, commit, committed_records, create, ends, offset,
    put, read, read_on, spec, topic, values, wait, writer,
};
use super::{Case, Rig, Verdict};
use crate::{
    AbortCause, Appends, Batch, Ends, Error, Event, Isolation, Log, MAX_METADATA_BYTES, Member, Partition,
    Reader,
};
use std::sync::Arc;

pub(super) fn cases<R: Rig>() -> Vec<Case<R>> {
    vec![
        ("a topic is created once", created_once),
        ("a topic that does not exist is missing", missing),
        ("ends of several topics come in one round, for the instant of asking", one_round),
        ("a record too large aborts its transaction", record_too_large),
        ("metadata have a greatest size", metadata_too_large),
        ("an unknown partition aborts the whole transaction", unknown_partition),
        ("a partition is added", partition_added),
        ("an offset below the start is out of range", below_the_start),
        ("what is deleted under a reader is not skipped in silence", deleted_under_a_reader),
        ("an offset above the end is out of range", above_the_end),
    ]
}

fn created_once<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let first = spec(&rig.name("created"), 3);
    create(rig, &log, &first);
    create(rig, &log, &first);
    let told = answer(rig, || log.topic(&first.name)).unwrap();
    assert_eq!(told, Some(first.clone()));
    let mut other = first.clone();
    other.partitions = 4;
    let refused = answer(rig, || log.create(&other));
    assert!(matches!(refused, Err(Error::Refused(_))), "{refused:?}");
    Ok(())
}

fn missing<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let name: Arc<str> = rig.name("missing").into();
    assert_eq!(answer(rig, || log.topic(&name)).unwrap(), None);
    let ends = answer(rig, || log.ends(&[Arc::clone(&name)]));
    assert!(matches!(ends, Err(Error::Missing(_))), "{ends:?}");
    let reader = answer(rig, || log.read(&Partition::new(Arc::clone(&name), 0), 0, Isolation::Committed));
    assert!(matches!(reader, Err(Error::Missing(_))), "{reader:?}");
    let group = rig.name("missing-group");
    let member = answer(rig, || log.join(&group, "one", &[Arc::clone(&name)], Isolation::Committed));
    assert!(matches!(member, Err(Error::Missing(_))), "{member:?}");
    Ok(())
}

fn one_round<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let (one, two) = (topic(rig, &log, "round-one", 1), topic(rig, &log, "round-two", 2));
    let id = rig.name("round");
    let mut writer = writer(rig, &log, &id);
    put(rig, &mut writer, &appends(&Partition::new(Arc::clone(&two), 1), &["a", "b"]));
    let topics = [Arc::clone(&two), one];
    let (before, round, after) = wait(rig, "the markers", |_| {
        let before = log.now();
        let round = log.ends(&topics).ok()?;
        let end = round.topics[0][1].end;
        (end >= 2).then(|| (before, round, log.now()))
    });
    assert!((before..=after).contains(&round.sent_at), "{} not in {before}..={after}", round.sent_at);
    let empty = Ends { first: 0, end: 0 };
    assert_eq!(round.topics.iter().map(Vec::len).collect::<Vec<_>>(), [2, 1]);
    assert_eq!((round.topics[0][0], round.topics[1][0]), (empty, empty));
    Ok(())
}

fn record_too_large<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let topic = topic(rig, &log, "large", 1);
    let partition = Partition::new(Arc::clone(&topic), 0);
    let id = rig.name("large");
    let mut writer = writer(rig, &log, &id);
    let key = [b'k'; 96];
    let mut records = appends(&partition, &["before"]);
    records.push(&topic, 0, Some(&key), Some(&[b'v'; MAX_RECORD_BYTES - 95]), &[]);
    assert_eq!(aborted(commit(rig, &mut writer, &[&records], &[], None)), AbortCause::RecordTooLarge);
    let mut fits = Appends::default();
    fits.push(&topic, 0, Some(&key), Some(&[b'v'; MAX_RECORD_BYTES - 96]), &[]);
    put(rig, &mut writer, &fits);
    let seen = committed_records(rig, &log, &partition);
    assert_eq!(seen.len(), 1, "only the record that fits is there");
    assert_eq!(seen[0].value.as_ref().map(Vec::len), Some(MAX_RECORD_BYTES - 96));
    Ok(())
}

fn metadata_too_large<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let topic = topic(rig, &log, "metadata", 1);
    let partition = Partition::new(Arc::clone(&topic), 0);
    let (group, id) = (rig.name("metadata-group"), rig.name("metadata"));
    let mut writer = writer(rig, &log, &id);
    let mut member = sole_member(rig, &log, &group, &topic, 1);
    let records = appends(&partition, &["a"]);
    let large = [offset(&partition, 1, &"m".repeat(MAX_METADATA_BYTES + 1))];
    let standing = member.standing();
    aborted(commit(rig, &mut writer, &[&records], &large, Some(&standing)));
    assert_eq!(committed(rig, &mut member, &partition), None);
    let most = "m".repeat(MAX_METADATA_BYTES);
    commit_as(rig, &mut writer, &mut member, &[&records], &[offset(&partition, 1, &most)]);
    assert_eq!(committed(rig, &mut member, &partition), at(1, &most));
    assert_eq!(values(&committed_records(rig, &log, &partition)), ["a"]);
    Ok(())
}

fn unknown_partition<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let topic = topic(rig, &log, "unknown", 1);
    let partition = Partition::new(Arc::clone(&topic), 0);
    let (group, id) = (rig.name("unknown-group"), rig.name("unknown"));
    let mut writer = writer(rig, &log, &id);
    let mut member = sole_member(rig, &log, &group, &topic, 1);
    let good = appends(&partition, &["a"]);
    let nowhere: Arc<str> = rig.name("unknown-nowhere").into();
    for bad in [
        appends(&Partition::new(Arc::clone(&topic), 1), &["x"]),
        appends(&Partition::new(nowhere, 0), &["x"]),
    ] {
        for order in [[&good, &bad], [&bad, &good]] {
            let standing = member.standing();
            let result = commit(rig, &mut writer, &order, &[offset(&partition, 7, "no")], Some(&standing));
            assert_eq!(aborted(result), AbortCause::UnknownPartition);
        }
    }
    assert_eq!(committed(rig, &mut member, &partition), None);
    put(rig, &mut writer, &good);
    assert_eq!(values(&committed_records(rig, &log, &partition)), ["a"]);
    Ok(())
}

fn partition_added<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let topic = topic(rig, &log, "grown", 1);
    let (group, id) = (rig.name("grown-group"), rig.name("grown"));
    let mut writer = writer(rig, &log, &id);
    let mut member = sole_member(rig, &log, &group, &topic, 1);
    rig.add_partitions(&topic, 2)?;
    let count = |round: crate::Round| round.topics[0].len();
    wait(rig, "the new partition in a round", |_| {
        log.ends(&[Arc::clone(&topic)]).ok().map(count).filter(|count| *count == 2)
    });
    let told = answer(rig, || log.topic(&topic)).unwrap().unwrap();
    assert_eq!(told.partitions, 2);
    let added = Partition::new(Arc::clone(&topic), 1);
    put(rig, &mut writer, &appends(&added, &["a"]));
    drive(rig, "the new partition", [&mut member], |[member]| member.owned.len() == 2);
    answer(rig, || member.member.start(&added, 0)).unwrap();
    drive(rig, "its record", [&mut member], |[member]| member.seen.len() == 1);
    assert_eq!(member.seen[0].partition, added);
    Ok(())
}

/// The error of reading from `offset`, which may come from the first call or from a poll.
fn error_of_reading<R: Rig>(rig: &mut R, log: &R::Log, partition: &Partition, offset: i64) -> Error {
    match answer(rig, || log.read(partition, offset, Isolation::Committed)) {
        Err(error) => error,
        Ok(mut reader) => wait(rig, "an error", |_| match reader.poll(&mut Batch::default(), TICK) {
            Ok(Event::Idle) | Err(Error::Busy(_)) => None,
            Ok(event) => panic!("{event:?} from an offset out of range"),
            Err(error) => Some(error),
        }),
    }
}

fn below_the_start<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let topic = topic(rig, &log, "truncated", 1);
    let partition = Partition::new(Arc::clone(&topic), 0);
    let (group, id) = (rig.name("truncated-group"), rig.name("truncated"));
    let mut writer = writer(rig, &log, &id);
    put(rig, &mut writer, &appends(&partition, &["a", "b", "c"]));
    let seen = committed_records(rig, &log, &partition);
    let start = seen[1].offset;
    rig.truncate_before(&partition, start)?;
    let first = wait(rig, "the new start", |_| {
        let round = log.ends(&[Arc::clone(&topic)]).ok()?;
        Some(round.topics[0][0].first).filter(|first| *first > 0)
    });
    assert_eq!(first, start);
    let error = error_of_reading(rig, &log, &partition, 0);
    assert!(matches!(error, Error::OutOfRange { offset: 0, first, .. } if first == start), "{error:?}");
    let mut member = sole_member(rig, &log, &group, &topic, 1);
    if let Err(error) = answer(rig, || member.member.start(&partition, 0)) {
        member.errors.push(error);
    }
    drive(rig, "an error", [&mut member], |[member]| !member.errors.is_empty());
    assert!(matches!(member.errors[0], Error::OutOfRange { offset: 0, .. }), "{:?}", member.errors);
    answer(rig, || member.member.start(&partition, start)).unwrap();
    drive(rig, "what is left", [&mut member], |[member]| member.seen.len() == 2);
    let mut reader = read(rig, &log, &partition, start, Isolation::Committed);
    let end = ends(rig, &log, &partition).end;
    assert_eq!(values(&read_on(rig, &mut reader, end).0), ["b", "c"]);
    Ok(())
}

fn deleted_under_a_reader<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let topic = topic(rig, &log, "deleted", 1);
    let partition = Partition::new(topic, 0);
    let id = rig.name("deleted");
    let mut writer = writer(rig, &log, &id);
    put(rig, &mut writer, &appends(&partition, &["a", "b", "c"]));
    let seen = committed_records(rig, &log, &partition);
    let mut reader = read(rig, &log, &partition, 0, Isolation::Committed);
    rig.truncate_before(&partition, seen[2].offset)?;
    let mut batch = Batch::default();
    wait(rig, "the first record or an error", |_| match reader.poll(&mut batch, TICK) {
        Ok(Event::Idle) | Err(Error::Busy(_)) => None,
        // It may have been fetched before.
        Ok(Event::Records) => {
            assert_eq!(batch.records().next().map(|record| record.offset), Some(seen[0].offset));
            Some(())
        }
        Err(Error::OutOfRange { .. }) => Some(()),
        other => panic!("{other:?} where records were deleted"),
    });
    Ok(())
}

fn above_the_end<R: Rig>(rig: &mut R) -> Verdict {
    let log = rig.process("a");
    let topic = topic(rig, &log, "above", 1);
    let error = error_of_reading(rig, &log, &Partition::new(topic, 0), 5);
    assert!(matches!(error, Error::OutOfRange { offset: 5, end: 0, .. }), "{error:?}");
    Ok(())
}
