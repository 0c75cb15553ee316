//! The embedded log among threads: groups that hand over, commits that share a sync, polls that are woken.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "tests: a failure is a panic"
)]

mod embedded_support;

use embedded_support::{LONG, append, open, options, read_all, spec};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::{Duration, Instant};
use vitals_log::embedded::{CommitPoint, Embedded, Options};
use vitals_log::{AbortCause, Appends, Batch, Cleanup, CommitError, Error, Event, Isolation, Log, Member};
use vitals_log::{OffsetCommit, Partition, Transaction, Writer};

const PARTITIONS: u32 = 8;
const RECORDS: u64 = 2_000;

/// A worker that copies `in` to `out` exactly once, until told to stop; then it finishes nothing and leaves.
fn copy(log: &Embedded, name: &str, stop: &AtomicBool, copied: &AtomicUsize) {
    let mut member = log.join("copiers", name, &["in".into()], Isolation::Committed).unwrap();
    let mut writer = log.writer(name).unwrap();
    let mut batch = Batch::default();
    batch.limit = 100;
    let out: Arc<str> = "out".into();
    let mut unstarted: Vec<Partition> = Vec::new();
    while !stop.load(Ordering::SeqCst) {
        unstarted.retain(|partition| match member.committed(std::slice::from_ref(partition)) {
            Ok(told) => {
                let from = told[0].as_ref().map_or(0, |told| told.offset);
                // It may have been revoked in the meantime.
                member.start(partition, from).is_err()
            }
            Err(Error::Busy(_)) => true,
            Err(error) => panic!("{error}"),
        });
        match member.poll(&mut batch, Duration::from_millis(1)).unwrap() {
            Event::Assigned(partitions) => unstarted.extend(partitions),
            Event::Revoked(partitions) | Event::Lost(partitions) => {
                unstarted.retain(|partition| !partitions.contains(partition));
                member.release(&partitions);
            }
            Event::Records => {
                let partition = batch.partition.clone().unwrap();
                let mut appends = Appends::default();
                let mut offset = 0;
                for record in batch.records() {
                    appends.push(&out, partition.number, record.key, record.value, &[]);
                    offset = record.offset + 1;
                }
                let offsets =
                    [OffsetCommit { partition: partition.clone(), offset, metadata: name.to_owned() }];
                let membership = member.membership().unwrap();
                let transaction =
                    Transaction { appends: &[&appends], offsets: &offsets, membership: Some(&membership) };
                match writer.commit(&transaction) {
                    Ok(_) => {
                        copied.fetch_add(batch.len(), Ordering::SeqCst);
                    }
                    // What was read is read again, by us or by another.
                    Err(CommitError::Aborted { cause: AbortCause::StaleMembership, .. }) => {
                        member.pause(&partition);
                        unstarted.push(partition);
                    }
                    Err(error) => panic!("{error}"),
                }
            }
            Event::Idle | Event::End { .. } => {}
        }
    }
}

#[test]
fn threads_that_come_and_go_copy_every_record_once_and_in_order() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.create(&spec("in", PARTITIONS, Cleanup::Keep)).unwrap();
    log.create(&spec("out", PARTITIONS, Cleanup::Keep)).unwrap();
    let copied = AtomicUsize::new(0);
    let stops: Vec<AtomicBool> = (0..4).map(|_| AtomicBool::new(false)).collect();
    let until = |what: &str, done: &dyn Fn() -> bool| {
        let deadline = Instant::now() + LONG * 2;
        while !done() {
            assert!(Instant::now() < deadline, "waited in vain for {what}: {copied:?} copied");
            std::thread::yield_now();
        }
    };
    std::thread::scope(|scope| {
        let start = |number: usize| {
            let (log, stop, copied) = (&log, &stops[number], &copied);
            scope.spawn(move || copy(log, &format!("w{number}"), stop, copied))
        };
        let first = start(0);
        let producer = scope.spawn(|| {
            let mut writer = log.writer("producer").unwrap();
            for number in 0..RECORDS {
                let text = number.to_string();
                let partition = u32::try_from(number).unwrap() % PARTITIONS;
                append(&mut writer, &[("in", partition, &text, Some(&text))]).unwrap();
            }
        });
        until("the first", &|| copied.load(Ordering::SeqCst) > 100);
        let _others = [start(1), start(2)];
        until("three", &|| copied.load(Ordering::SeqCst) > 600);
        stops[0].store(true, Ordering::SeqCst);
        first.join().unwrap();
        let _last = start(3);
        producer.join().unwrap();
        until("all", &|| copied.load(Ordering::SeqCst) as u64 >= RECORDS);
        stops.iter().for_each(|stop| stop.store(true, Ordering::SeqCst));
    });
    for partition in 0..PARTITIONS {
        let read =
            |topic| read_all(&log, topic, partition).0.into_iter().map(|read| read.1).collect::<Vec<_>>();
        assert_eq!(read("in"), read("out"), "partition {partition}");
    }
}

#[test]
fn commits_that_wait_share_one_sync() {
    let dir = tempfile::tempdir().unwrap();
    let syncs = Arc::new(AtomicUsize::new(0));
    let hook = {
        let syncs = Arc::clone(&syncs);
        move |point| {
            if point == CommitPoint::Written {
                syncs.fetch_add(1, Ordering::SeqCst);
                // A slow disk.
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    };
    let log = Embedded::open(dir.path(), Options { on_commit: Some(Arc::new(hook)), ..options() }).unwrap();
    log.create(&spec("t", 1, Cleanup::Keep)).unwrap();
    let (writers, each) = (8, 20);
    let barrier = Barrier::new(writers);
    std::thread::scope(|scope| {
        for number in 0..writers {
            let (log, barrier) = (&log, &barrier);
            scope.spawn(move || {
                let mut writer = log.writer(&format!("w{number}")).unwrap();
                barrier.wait();
                for next in 0..each {
                    append(&mut writer, &[("t", 0, &number.to_string(), Some(&next.to_string()))]).unwrap();
                }
            });
        }
    });
    let mut by_writer: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (_, key, value) in read_all(&log, "t", 0).0 {
        by_writer.entry(key).or_default().push(value.unwrap());
    }
    let expected: Vec<_> = (0..each).map(|next| next.to_string()).collect();
    assert_eq!(by_writer.len(), writers);
    assert!(by_writer.values().all(|values| *values == expected));
    let syncs = syncs.load(Ordering::SeqCst);
    println!("{} commits, {syncs} syncs", writers * each);
    assert!(syncs <= writers * each / 2, "{syncs} syncs");
}

#[test]
fn an_offset_being_committed_is_told_only_when_it_is_decided() {
    let dir = tempfile::tempdir().unwrap();
    let (reached, go) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let hook = {
        let (reached, go) = (Arc::clone(&reached), Arc::clone(&go));
        move |point| {
            if point == CommitPoint::Written {
                reached.wait();
                go.wait();
            }
        }
    };
    let log = Embedded::open(dir.path(), Options { on_commit: Some(Arc::new(hook)), ..options() }).unwrap();
    log.create(&spec("in", 1, Cleanup::Keep)).unwrap();
    let mut member = log.join("g", "i", &["in".into()], Isolation::Committed).unwrap();
    let partition = Partition::new("in", 0);
    let membership = member.membership().unwrap();
    let mut writer = log.writer("w").unwrap();
    std::thread::scope(|scope| {
        let commit = scope.spawn(|| {
            let mut appends = Appends::default();
            appends.push(&"in".into(), 0, None, Some(b"x"), &[]);
            let offsets = [OffsetCommit { partition: partition.clone(), offset: 1, metadata: String::new() }];
            let membership = Some(&membership);
            writer.commit(&Transaction { appends: &[&appends], offsets: &offsets, membership })
        });
        reached.wait();
        let told = member.committed(std::slice::from_ref(&partition));
        assert!(matches!(told, Err(Error::Busy(_))), "{told:?}");
        assert!(matches!(log.writer("w"), Err(Error::Busy(_))));
        assert_eq!(read_all(&log, "in", 0), (vec![], 0), "seen before it is durable");
        go.wait();
        commit.join().unwrap().unwrap();
    });
    assert_eq!(member.committed(&[partition]).unwrap()[0].as_ref().unwrap().offset, 1);
    assert_eq!(read_all(&log, "in", 0).0.len(), 1);
}

#[test]
fn what_was_left_open_is_gone_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.create(&spec("t", 1, Cleanup::Keep)).unwrap();
    log.create(&spec("state", 1, Cleanup::Compact)).unwrap();
    let records = |value: &str| {
        let mut appends = Appends::default();
        for topic in ["t", "state"] {
            appends.push(&topic.into(), 0, Some(b"k"), Some(value.as_bytes()), &[]);
        }
        appends
    };
    let mut writer = log.writer("w").unwrap();
    let whole = |appends: &Appends, writer: &mut vitals_log::embedded::Writer| {
        writer.commit(&Transaction { appends: &[appends], offsets: &[], membership: None }).unwrap();
    };
    whole(&records("1"), &mut writer);
    let held = records("held");
    let held = log.hold("h", &Transaction { appends: &[&held], offsets: &[], membership: None }).unwrap();
    whole(&records("2"), &mut writer);
    drop((writer, held, log));
    let log = open(dir.path());
    let values = |topic| embedded_support::values(&log, topic, 0);
    assert_eq!(values("t"), ["1", "2"]);
    assert_eq!(values("state").last().unwrap(), "2");
    assert!(!values("state").contains(&"held".to_owned()));
}
