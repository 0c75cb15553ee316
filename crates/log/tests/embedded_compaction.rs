//! Compacted topics of the embedded log: bounded space, and nothing that can still be read is lost.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "tests: a failure is a panic"
)]

mod embedded_support;

use embedded_support::{append, open, options, read_all, spec, values};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use vitals_log::embedded::{Embedded, Options};
use vitals_log::{Appends, Batch, Cleanup, Event, Isolation, Log, Partition, Reader, Transaction, Writer};

fn disk_usage(dir: &Path) -> u64 {
    use std::os::unix::fs::MetadataExt;
    let entries = std::fs::read_dir(dir).unwrap().map(Result::unwrap);
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => disk_usage(&entry.path()),
            Ok(metadata) => metadata.blocks() * 512,
            // Deleted by compaction meanwhile.
            Err(_) => 0,
        })
        .sum()
}

#[test]
fn state_that_is_overwritten_a_million_times_does_not_fill_the_disk() {
    let dir = tempfile::tempdir().unwrap();
    let log = Embedded::open(dir.path(), options()).unwrap();
    log.create(&spec("state", 2, Cleanup::Compact)).unwrap();
    let topic: Arc<str> = "state".into();
    let mut writer = log.writer("w").unwrap();
    let (keys, mut seed, mut used) = (1_000u32, 1u64, Vec::new());
    for round in 0..1_000_000 / keys {
        let mut appends = Appends::default();
        for key in 0..keys {
            let mut value = Vec::new();
            while value.len() < 1_000 {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                value.extend_from_slice(&(seed >> 8).to_be_bytes());
            }
            value[..4].copy_from_slice(&round.to_be_bytes());
            appends.push(&topic, key % 2, Some(&key.to_be_bytes()), Some(&value), &[]);
        }
        writer.commit(&Transaction { appends: &[&appends], offsets: &[], membership: None }).unwrap();
        if round % 250 == 249 {
            used.push(disk_usage(dir.path()) >> 20);
        }
    }
    println!("MiB on disk after each quarter of 1,000 MiB written: {used:?}");
    assert!(used.iter().all(|used| *used < 600), "{used:?}");
    log.compact().unwrap();
    let count =
        |log: &Embedded| (0..2).map(|partition| read_all(log, "state", partition).0.len()).sum::<usize>();
    assert_eq!(count(&log), 1_000);
    drop((writer, log));
    assert_eq!(count(&open(dir.path())), 1_000);
}

#[test]
fn tombstones_vanish_after_the_retention_also_over_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.create(&spec("state", 1, Cleanup::Compact)).unwrap();
    let mut writer = log.writer("w").unwrap();
    let put =
        |writer: &mut _, key: &str, value: Option<&str>| append(writer, &[("state", 0, key, value)]).unwrap();
    put(&mut writer, "a", Some("1"));
    put(&mut writer, "b", Some("2"));
    put(&mut writer, "a", None);
    log.compact().unwrap();
    let keys =
        |log: &Embedded| read_all(log, "state", 0).0.into_iter().map(|read| read.1).collect::<Vec<_>>();
    assert_eq!(keys(&log), ["b", "a"], "a tombstone is readable for the retention");
    drop((writer, log));
    let log =
        Embedded::open(dir.path(), Options { tombstone_retention: Duration::ZERO, ..options() }).unwrap();
    assert_eq!(keys(&log), ["b", "a"]);
    log.compact().unwrap();
    assert_eq!((keys(&log), read_all(&log, "state", 0).1), (vec!["b".to_owned()], 6));
    put(&mut log.writer("w").unwrap(), "a", Some("3"));
    assert_eq!(values(&log, "state", 0), ["2", "3"]);
}

/// A restore that runs while the state is written: at each end that it sees, it has a value of every key, and one
/// that is not older than the end.
#[test]
fn a_reader_finds_every_key_whatever_is_compacted_meanwhile() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    log.create(&spec("state", 1, Cleanup::Compact)).unwrap();
    let topic: Arc<str> = "state".into();
    let keys = 20u32;
    let write = |writer: &mut vitals_log::embedded::Writer, round: u32| {
        let mut appends = Appends::default();
        for key in 0..keys {
            appends.push(&topic, 0, Some(&key.to_be_bytes()), Some(&round.to_be_bytes()), &[]);
        }
        writer.commit(&Transaction { appends: &[&appends], offsets: &[], membership: None }).unwrap();
    };
    let mut writer = log.writer("w").unwrap();
    write(&mut writer, 0);
    let (done, rounds) = (AtomicBool::new(false), 300);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            (1..rounds).for_each(|round| write(&mut writer, round));
            done.store(true, Ordering::SeqCst);
        });
        let mut restores = 0;
        while !done.load(Ordering::SeqCst) || restores == 0 {
            let mut reader = log.read(&Partition::new("state", 0), 0, Isolation::Committed).unwrap();
            let mut batch = Batch::default();
            batch.limit = 64;
            let mut found = BTreeMap::new();
            let end = loop {
                match reader.poll(&mut batch, Duration::from_secs(30)).unwrap() {
                    Event::Records => found.extend(batch.records().map(|record| {
                        let number =
                            |bytes: Option<&[u8]>| u32::from_be_bytes(bytes.unwrap().try_into().unwrap());
                        (number(record.key), number(record.value))
                    })),
                    Event::End { offset, .. } => break offset,
                    other => panic!("{other:?}"),
                }
            };
            // Each round takes an offset for each key, and one for its marker.
            let last = u32::try_from(end).unwrap() / (keys + 1) - 1;
            let expected: BTreeMap<u32, u32> = (0..keys).map(|key| (key, last)).collect();
            assert_eq!(found, expected, "at the end {end}");
            restores += 1;
        }
        println!("{restores} restores during {rounds} rounds");
    });
}
