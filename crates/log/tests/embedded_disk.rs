//! The embedded log on a disk that is full: nothing that was acknowledged is lost, nothing else is half there.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "tests: a failure is a panic"
)]

#[path = "embedded_support/disk.rs"]
mod disk;
mod embedded_support;

use disk::Disk;
use embedded_support::{append, options, read_all, spec};
use std::path::Path;
use std::process::Command;
use vitals_log::embedded::{Embedded, Options};
use vitals_log::{AbortCause, Appends, Cleanup, CommitError, Error, Log, Transaction, Writer};

const DIR: &str = "VITALS_TEST_FILL_DIR";

/// About a MiB that does not compress, with a number in front.
fn bulk(number: u64) -> Vec<u8> {
    let mut seed = number + 1;
    let mut bytes = number.to_be_bytes().to_vec();
    while bytes.len() < 1_000_000 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.extend_from_slice(&(seed >> 8).to_be_bytes());
    }
    bytes
}

fn commit(writer: &mut impl Writer, number: u64) -> Result<(), CommitError> {
    let mut appends = Appends::default();
    let bulk = bulk(number);
    let key = number.to_string();
    for partition in 0..2 {
        appends.push(&"t".into(), partition, Some(key.as_bytes()), Some(&bulk[..500_000]), &[]);
    }
    writer.commit(&Transaction { appends: &[&appends], offsets: &[], membership: None }).map(|_| ())
}

/// Opens, and commits until that fails: how many were acknowledged in all, and the error.
fn fill(log: &Embedded, from: u64) -> (u64, CommitError) {
    log.create(&spec("t", 2, Cleanup::Keep)).unwrap();
    let mut writer = log.writer("w").unwrap();
    let mut number = from;
    loop {
        match commit(&mut writer, number) {
            Ok(()) => number += 1,
            Err(error) => return (number, error),
        }
        assert!(number < 2_000, "the disk does not get full");
    }
}

/// How many transactions there are; each must be whole.
fn count(log: &Embedded) -> u64 {
    let keys = |partition| read_all(log, "t", partition).0.into_iter().map(|read| read.1).collect::<Vec<_>>();
    let (one, two) = (keys(0), keys(1));
    assert_eq!(one, two);
    assert_eq!(one, (0..one.len()).map(|number| number.to_string()).collect::<Vec<_>>());
    one.len().try_into().unwrap()
}

fn assert_stopped(log: &Embedded, dir: &Path) {
    let reason = match log.topics() {
        Err(Error::Fatal(reason)) => reason,
        other => panic!("{other:?} of a log that has stopped"),
    };
    let dir = dir.canonicalize().unwrap();
    assert!(reason.contains(&*dir.to_string_lossy()) && reason.contains("restart"), "{reason}");
    assert!(matches!(log.writer("other"), Err(Error::Fatal(_))));
    assert!(matches!(log.create(&spec("u", 1, Cleanup::Keep)), Err(Error::Fatal(_))));
}

#[test]
fn a_disk_that_gets_full_stops_the_log_and_a_restart_with_room_has_all() {
    // Small: the journal does not fit. Larger: what is written in the background does not fit.
    for size in ["size=20m", "size=100m"] {
        let Some(disk) = Disk::mount(size) else { return };
        let dir = disk.path().join("log");
        let log = Embedded::open(&dir, options()).unwrap();
        let (acknowledged, error) = fill(&log, 0);
        println!("{size}: {acknowledged} acknowledged, then: {error}");
        let CommitError::Unknown { reason } = error else { panic!("{error:?}") };
        assert!(reason.contains("space") || reason.contains("earlier error"), "{reason}");
        assert!(acknowledged > 10);
        assert_stopped(&log, &dir);
        drop(log);
        disk.resize("size=600m");
        let log = Embedded::open(&dir, options()).unwrap();
        let there = count(&log);
        assert!(there == acknowledged || there == acknowledged + 1, "{there} of {acknowledged}");
        let mut writer = log.writer("w").unwrap();
        for number in there..there + 80 {
            commit(&mut writer, number).unwrap();
        }
        assert_eq!(count(&log), there + 80);
    }
}

#[test]
fn a_disk_that_is_nearly_full_aborts_and_goes_on_once_there_is_room() {
    let Some(disk) = Disk::mount("size=40m") else { return };
    let dir = disk.path().join("log");
    let log = Embedded::open(&dir, Options { reserve_bytes: 10 << 20, ..options() }).unwrap();
    let (acknowledged, error) = fill(&log, 0);
    let CommitError::Aborted { cause: AbortCause::Log, reason, after } = error else { panic!("{error:?}") };
    assert!(reason.contains(&*dir.canonicalize().unwrap().to_string_lossy()) && !after.is_zero(), "{reason}");
    assert_eq!(count(&log), acknowledged);
    let mut writer = log.writer("w").unwrap();
    assert!(commit(&mut writer, acknowledged).is_err());
    disk.resize("size=100m");
    commit(&mut writer, acknowledged).unwrap();
    assert_eq!(count(&log), acknowledged + 1);
}

#[test]
fn child() {
    if let Ok(dir) = std::env::var(DIR) {
        let dir = Path::new(&dir);
        let log = Embedded::open(dir, options()).unwrap();
        let (acknowledged, error) = fill(&log, 0);
        assert_stopped(&log, dir);
        assert!(matches!(error, CommitError::Unknown { .. }), "{error:?}");
        println!("acknowledged {acknowledged}");
    }
}

#[test]
fn a_file_that_cannot_grow_stops_the_log_and_a_restart_has_all() {
    let dir = tempfile::tempdir().unwrap();
    let output = Command::new("bash")
        .args(["-c", "trap '' XFSZ; ulimit -f 65600; exec \"$0\" child --exact --nocapture"])
        .arg(std::env::current_exe().unwrap())
        .env(DIR, dir.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let acknowledged = text.lines().find_map(|line| line.strip_prefix("acknowledged ")).unwrap();
    let acknowledged: u64 = acknowledged.parse().unwrap();
    assert!(acknowledged > 10);
    let log = Embedded::open(dir.path(), options()).unwrap();
    let there = count(&log);
    assert!(there == acknowledged || there == acknowledged + 1, "{there} of {acknowledged}");
    append(&mut log.writer("w").unwrap(), &[("t", 0, "k", Some("next"))]).unwrap();
}
