//! The embedded log: what it does on a good day.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "tests: a failure is a panic"
)]

mod embedded_support;

use embedded_support::{LONG, append, open, options, read_all, read_from, spec, values};
use std::sync::Arc;
use std::time::Duration;
use vitals_log::embedded::Embedded;
use vitals_log::{
    AbortCause, Appends, Batch, Cleanup, CommitError, Committed, Error, Event, Isolation, Log, Member,
};
use vitals_log::{Membership, OffsetCommit, Partition, Reader, Stamp, TopicSpec, Transaction, Writer};

fn offset(partition: &Partition, offset: i64, metadata: &str) -> OffsetCommit {
    OffsetCommit { partition: partition.clone(), offset, metadata: metadata.to_owned() }
}

fn commit_offsets(
    writer: &mut impl Writer,
    membership: &Membership,
    offsets: &[OffsetCommit],
) -> Result<vitals_log::Receipt, CommitError> {
    writer.commit(&Transaction { appends: &[], offsets, membership: Some(membership) })
}

#[test]
fn what_was_committed_is_read_and_kept_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.create(&spec("t", 2, Cleanup::Keep)).unwrap();
    log.create(&spec("t", 2, Cleanup::Keep)).unwrap();
    assert!(matches!(log.create(&spec("t", 3, Cleanup::Keep)), Err(Error::Refused(_))));
    let mut writer = log.writer("w").unwrap();
    append(&mut writer, &[("t", 0, "a", Some("1")), ("t", 0, "b", Some("2")), ("t", 1, "c", None)]).unwrap();
    append(&mut writer, &[("t", 0, "a", Some("3"))]).unwrap();
    let text = |value: &str| Some(value.to_owned());
    let expected =
        vec![(0, "a".to_owned(), text("1")), (1, "b".to_owned(), text("2")), (3, "a".to_owned(), text("3"))];
    assert_eq!(read_all(&log, "t", 0), (expected.clone(), 5));
    assert_eq!(read_from(&log, "t", 0, 1).0, expected[1..]);
    assert_eq!(read_from(&log, "t", 0, 2).0, expected[2..]);
    assert_eq!(read_all(&log, "t", 1), (vec![(0, "c".to_owned(), None)], 2));
    drop(writer);
    drop(log);
    let log = open(dir.path());
    assert_eq!(read_all(&log, "t", 0), (expected, 5));
    let round = log.ends(&["t".into()]).unwrap();
    assert_eq!(
        round.topics[0].iter().map(|ends| (ends.first, ends.end)).collect::<Vec<_>>(),
        [(0, 5), (0, 2)]
    );
    append(&mut log.writer("w").unwrap(), &[("t", 0, "d", Some("4"))]).unwrap();
    assert_eq!(read_from(&log, "t", 0, 5).0[0].0, 5);
}

#[test]
fn an_end_is_reported_each_time_it_is_reached_anew() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.create(&spec("t", 1, Cleanup::Keep)).unwrap();
    let partition = Partition::new("t", 0);
    let mut reader = log.read(&partition, 0, Isolation::Committed).unwrap();
    let mut batch = Batch::default();
    let end = |offset| Event::End { partition: partition.clone(), offset };
    assert_eq!(reader.poll(&mut batch, LONG).unwrap(), end(0));
    assert_eq!(reader.poll(&mut batch, Duration::ZERO).unwrap(), Event::Idle);
    let mut writer = log.writer("w").unwrap();
    append(&mut writer, &[("t", 0, "a", Some("1"))]).unwrap();
    assert_eq!(reader.poll(&mut batch, LONG).unwrap(), Event::Records);
    assert_eq!(reader.poll(&mut batch, LONG).unwrap(), end(2));
    assert_eq!(reader.poll(&mut batch, Duration::ZERO).unwrap(), Event::Idle);
    // A poll that waits is woken.
    let poll = std::thread::spawn(move || (reader.poll(&mut batch, LONG), batch.len()));
    append(&mut writer, &[("t", 0, "a", Some("2"))]).unwrap();
    assert_eq!(poll.join().unwrap(), (Ok(Event::Records), 1));
}

#[test]
fn small_and_large_records_survive_any_limit_of_a_poll() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.create(&spec("t", 1, Cleanup::Keep)).unwrap();
    let topic: Arc<str> = "t".into();
    let mut writer = log.writer("w").unwrap();
    let sizes = [0, 1, 100, 5_000, 70_000, 300_000, 7, 64 << 10, 9];
    for _ in 0..2 {
        let mut appends = Appends::default();
        for size in sizes {
            let value = vec![u8::try_from(size % 251).unwrap(); size];
            appends.push(&topic, 0, None, Some(&value), &[("size", &size.to_be_bytes())]);
        }
        writer.commit(&Transaction { appends: &[&appends], offsets: &[], membership: None }).unwrap();
    }
    for limit in [1, 50_000, 1 << 20] {
        let mut reader = log.read(&Partition::new("t", 0), 0, Isolation::Committed).unwrap();
        let mut batch = Batch::default();
        batch.limit = limit;
        let mut read = Vec::new();
        while reader.poll(&mut batch, LONG).unwrap() == Event::Records {
            for record in batch.records() {
                let size = usize::from_be_bytes(record.headers().next().unwrap().1.try_into().unwrap());
                assert_eq!(record.value, Some(&vec![u8::try_from(size % 251).unwrap(); size][..]));
                read.push(size);
            }
            assert!(batch.len() == 1 || batch.size() <= limit + 300_100);
        }
        assert_eq!(read, [sizes, sizes].concat());
    }
}

#[test]
fn offsets_and_metadata_are_replaced_together() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.create(&spec("t", 1, Cleanup::Keep)).unwrap();
    let partition = Partition::new("t", 0);
    let mut member = log.join("g", "i", &["t".into()], Isolation::Committed).unwrap();
    assert_eq!(member.poll(&mut Batch::default(), LONG).unwrap(), Event::Assigned(vec![partition.clone()]));
    assert_eq!(member.committed(std::slice::from_ref(&partition)).unwrap(), [None]);
    let mut writer = log.writer("w").unwrap();
    let membership = member.membership().unwrap();
    for (at, metadata) in [(5, "x"), (5, "y"), (3, "")] {
        commit_offsets(&mut writer, &membership, &[offset(&partition, at, metadata)]).unwrap();
        let committed = Committed { offset: at, metadata: metadata.to_owned() };
        assert_eq!(member.committed(std::slice::from_ref(&partition)).unwrap(), [Some(committed)]);
    }
    let long = "m".repeat(vitals_log::MAX_METADATA_BYTES + 1);
    let refused = commit_offsets(&mut writer, &membership, &[offset(&partition, 1, &long)]);
    assert!(matches!(refused, Err(CommitError::Aborted { .. })), "{refused:?}");
    drop((member, writer, log));
    let log = open(dir.path());
    let mut member = log.join("g", "i", &["t".into()], Isolation::Committed).unwrap();
    let committed = Committed { offset: 3, metadata: String::new() };
    assert_eq!(member.committed(&[partition]).unwrap(), [Some(committed)]);
}

#[test]
fn a_commit_that_must_not_be_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.create(&spec("t", 1, Cleanup::Keep)).unwrap();
    let small = TopicSpec { max_record_bytes: 10, ..spec("small", 1, Cleanup::Keep) };
    log.create(&small).unwrap();
    let mut old = log.writer("w").unwrap();
    let cause = |outcome| match outcome {
        Err(CommitError::Aborted { cause, reason, .. }) => (cause, reason),
        other => panic!("{other:?}"),
    };
    let (what, reason) =
        cause(append(&mut old, &[("t", 0, "a", Some("1")), ("small", 0, "key", Some("12345678"))]));
    assert_eq!(what, AbortCause::RecordTooLarge);
    assert!(reason.contains("small") && reason.contains("11") && reason.contains("10"), "{reason}");
    let (what, _) = cause(append(&mut old, &[("t", 0, "a", Some("1")), ("t", 1, "a", Some("1"))]));
    assert_eq!(what, AbortCause::UnknownPartition);
    let mut new = log.writer("w").unwrap();
    assert!(matches!(append(&mut old, &[("t", 0, "a", Some("1"))]), Err(CommitError::Fenced { .. })));
    assert_eq!(read_all(&log, "t", 0), (vec![], 0));
    append(&mut new, &[("t", 0, "a", Some("1"))]).unwrap();
    assert_eq!(values(&log, "t", 0), ["1"]);
}

#[test]
fn append_stamps_never_go_back_and_own_stamps_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.create(&spec("append", 1, Cleanup::Keep)).unwrap();
    log.create(&TopicSpec { stamp: Stamp::Create, ..spec("create", 1, Cleanup::Keep) }).unwrap();
    let before = log.now();
    let mut appends = Appends::default();
    for topic in ["append".into(), "create".into()] {
        appends.push_stamped(&topic, 0, Some(77), None, Some(b"x"), &[]);
        appends.push(&topic, 0, None, Some(b"y"), &[]);
    }
    let mut writer = log.writer("w").unwrap();
    let receipt =
        writer.commit(&Transaction { appends: &[&appends], offsets: &[], membership: None }).unwrap();
    let stamps = |topic: &str| {
        let mut batch = Batch::default();
        let mut reader = log.read(&Partition::new(topic, 0), 0, Isolation::Committed).unwrap();
        assert_eq!(reader.poll(&mut batch, LONG).unwrap(), Event::Records);
        batch.records().map(|record| record.stamp).collect::<Vec<_>>()
    };
    let stamped = receipt.stamp.unwrap();
    assert!((before..=log.now()).contains(&stamped));
    assert_eq!(stamps("append"), [stamped, stamped]);
    assert_eq!(stamps("create"), [77, stamped]);
}

#[test]
fn a_directory_is_held_by_one_and_never_taken_from_others() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    let refusal = |dir: &std::path::Path| match Embedded::open(dir, options()) {
        Err(Error::Refused(reason)) => reason,
        other => panic!("{other:?}"),
    };
    let reason = refusal(dir.path());
    assert!(reason.contains(&std::process::id().to_string()) && reason.contains("admin server"), "{reason}");
    drop(log);
    drop(open(dir.path()));
    std::fs::write(dir.path().join("VITALS"), "vitals embedded log\nlayout 2\n").unwrap();
    let reason = refusal(dir.path());
    assert!(reason.contains("layout 2") && reason.contains("layout 1"), "{reason}");
    let foreign = tempfile::tempdir().unwrap();
    std::fs::write(foreign.path().join("thesis.tex"), "x").unwrap();
    let reason = refusal(foreign.path());
    assert!(reason.contains("thesis.tex"), "{reason}");
    assert_eq!(std::fs::read_dir(foreign.path()).unwrap().count(), 1);
}

#[test]
fn what_is_below_the_start_is_out_of_range() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.create(&spec("t", 1, Cleanup::Keep)).unwrap();
    let mut writer = log.writer("w").unwrap();
    for value in ["1", "2", "3"] {
        append(&mut writer, &[("t", 0, "a", Some(value)), ("t", 0, "b", Some(value))]).unwrap();
    }
    let partition = Partition::new("t", 0);
    let mut reader = log.read(&partition, 0, Isolation::Committed).unwrap();
    log.truncate_before(&partition, 4).unwrap();
    let out = |offset| Error::OutOfRange { partition: partition.clone(), offset, first: 4, end: 9 };
    assert_eq!(reader.poll(&mut Batch::default(), LONG), Err(out(0)));
    assert_eq!(log.read(&partition, 3, Isolation::Committed).unwrap_err(), out(3));
    assert_eq!(log.read(&partition, 10, Isolation::Committed).unwrap_err(), out(10));
    assert_eq!(read_from(&log, "t", 0, 4).0.iter().map(|read| read.0).collect::<Vec<_>>(), [4, 6, 7]);
    drop((writer, reader, log));
    let log = open(dir.path());
    let ends = log.ends(&["t".into()]).unwrap().topics[0][0];
    assert_eq!((ends.first, ends.end), (4, 9));
}
