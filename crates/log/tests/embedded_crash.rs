//! The embedded log after a crash: what was acknowledged is there, and every transaction is whole or absent.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "tests: a failure is a panic"
)]

mod embedded_support;

use embedded_support::{LONG, append, open, options, read_all, spec, values};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use vitals_log::embedded::{CommitPoint, Embedded, Options};
use vitals_log::{Appends, Batch, Cleanup, Event, Isolation, Log, Member, OffsetCommit, Partition};
use vitals_log::{Transaction, Writer};

const WRITERS: u32 = 3;
const DIR: &str = "VITALS_TEST_CRASH_DIR";
const JOURNAL: &str = "store/0.jnl";
const POINT: &str = "VITALS_TEST_CRASH_POINT";

/// Kills this process at the n-th time that a commit reaches the point. `point n`.
fn killer(what: &str) -> Options {
    let (point, count) = what.split_once(' ').unwrap();
    let point = match point {
        "begin" => CommitPoint::Begin,
        "written" => CommitPoint::Written,
        "synced" => CommitPoint::Synced,
        _ => return options(),
    };
    let left = AtomicU64::new(count.parse().unwrap());
    let hook = move |reached| {
        if reached == point && left.fetch_sub(1, Ordering::SeqCst) == 1 {
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL).unwrap();
        }
    };
    Options { on_commit: Some(Arc::new(hook)), ..options() }
}

fn joined(log: &Embedded, number: u32) -> vitals_log::embedded::Member {
    let mut member = log.join(&format!("g{number}"), "i", &["in".into()], Isolation::Committed).unwrap();
    assert!(matches!(member.poll(&mut Batch::default(), LONG).unwrap(), Event::Assigned(_)));
    member
}

/// How many transactions of a writer its committed offset tells of.
fn committed(member: &mut impl Member) -> u64 {
    let told = member.committed(&[Partition::new("in", 0)]).unwrap().remove(0);
    told.map_or(0, |told| {
        assert_eq!(told.metadata, format!("after {}", told.offset));
        told.offset.try_into().unwrap()
    })
}

/// What the child does until it is killed: each writer commits its next number to two partitions, its state and its
/// offset in one transaction, and tells when that was acknowledged.
fn write_for_ever(dir: &Path, point: &str) {
    let log = Embedded::open(dir, killer(point)).unwrap();
    for (name, partitions, cleanup) in
        [("in", 1, Cleanup::Keep), ("out", 2 * WRITERS, Cleanup::Keep), ("state", 1, Cleanup::Compact)]
    {
        log.create(&spec(name, partitions, cleanup)).unwrap();
    }
    let work = |number: u32| {
        let mut member = joined(&log, number);
        let mut writer = log.writer(&format!("w{number}")).unwrap();
        for next in committed(&mut member).. {
            let mut appends = Appends::default();
            let text = next.to_string();
            let bulk = vec![b'x'; usize::try_from(next % 7 * 3_000).unwrap()];
            for partition in [2 * number, 2 * number + 1] {
                appends.push(&"out".into(), partition, Some(text.as_bytes()), Some(&bulk), &[]);
            }
            appends.push(&"state".into(), 0, Some(&number.to_be_bytes()), Some(text.as_bytes()), &[]);
            let offset = i64::try_from(next + 1).unwrap();
            let partition = Partition::new("in", 0);
            let offsets = [OffsetCommit { partition, offset, metadata: format!("after {offset}") }];
            let membership = member.membership();
            let membership = membership.as_ref();
            writer.commit(&Transaction { appends: &[&appends], offsets: &offsets, membership }).unwrap();
            let line = format!("acknowledged {number} {next}\n");
            std::io::stdout().lock().write_all(line.as_bytes()).unwrap();
        }
    };
    std::thread::scope(|scope| {
        for number in 0..WRITERS {
            scope.spawn(move || work(number));
        }
    });
}

#[test]
fn child() {
    if let (Ok(dir), Ok(point)) = (std::env::var(DIR), std::env::var(POINT)) {
        write_for_ever(Path::new(&dir), &point);
    }
}

fn spawn(dir: &Path, point: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["child", "--exact", "--nocapture", "--test-threads=1"])
        .env(DIR, dir)
        .env(POINT, point)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Checks that each writer's transactions are whole; how many it has.
fn check(dir: &Path, acknowledged: &BTreeMap<u32, u64>) -> Vec<u64> {
    let log = open(dir);
    let states: BTreeMap<String, String> =
        read_all(&log, "state", 0).0.into_iter().map(|(_, key, value)| (key, value.unwrap())).collect();
    (0..WRITERS)
        .map(|number| {
            let count = committed(&mut joined(&log, number));
            for partition in [2 * number, 2 * number + 1] {
                let keys: Vec<_> =
                    read_all(&log, "out", partition).0.into_iter().map(|read| read.1).collect();
                let expected: Vec<_> = (0..count).map(|next| next.to_string()).collect();
                assert_eq!(keys, expected, "writer {number}, partition {partition}, {count} by its offset");
            }
            let state = states.get(&String::from_utf8(number.to_be_bytes().to_vec()).unwrap());
            assert_eq!(state.cloned(), count.checked_sub(1).map(|last| last.to_string()));
            let least = acknowledged.get(&number).map_or(0, |last| last + 1);
            assert!(count >= least, "writer {number}: {least} acknowledged, {count} there");
            count
        })
        .collect()
}

#[test]
fn a_killed_process_leaves_whole_transactions_and_all_that_it_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut acknowledged = BTreeMap::new();
    let mut seed = 7u64;
    let mut random = |below: u64| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % below
    };
    let rounds = 24;
    let mut between = 0;
    for round in 0..rounds {
        let point = ["begin", "written", "synced", "outside"][round % 4];
        let mut child = spawn(dir.path(), &format!("{point} {}", 1 + random(60)));
        let outside = (point == "outside").then(|| 1 + random(40));
        let mut lines = 0;
        for line in BufReader::new(child.stdout.take().unwrap()).lines() {
            // The last line may be cut off; a line without an end was not written as a whole.
            let Ok(line) = line else { break };
            let Some(numbers) = line.strip_prefix("acknowledged ") else { continue };
            let Some((number, next)) = numbers.split_once(' ') else { continue };
            acknowledged.insert(number.parse().unwrap(), next.parse().unwrap());
            lines += 1;
            if outside == Some(lines) {
                child.kill().unwrap();
            }
        }
        let status = child.wait().unwrap();
        assert!(!status.success(), "the child was to be killed ({point}), but ended by itself");
        let there = check(dir.path(), &acknowledged);
        between += usize::from(
            (0..WRITERS)
                .any(|number| there[number as usize] > acknowledged.get(&number).map_or(0, |last| last + 1)),
        );
        for (number, count) in (0..).zip(there) {
            if let Some(last) = count.checked_sub(1) {
                acknowledged.insert(number, last);
            }
        }
    }
    println!("{rounds} kills, {between} of them between durable and acknowledged; {acknowledged:?}");
    assert!(between > 0, "no kill hit between durable and acknowledged");
}

fn copy_dir(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else if entry.path().extension().is_some_and(|extension| extension == "jnl") {
            // Preallocated: mostly a hole.
            std::fs::write(&target, journal_bytes(&entry.path())).unwrap();
        } else {
            std::fs::copy(entry.path(), &target).unwrap();
        }
    }
}

/// A journal without the zeros behind its end.
fn journal_bytes(path: &Path) -> Vec<u8> {
    let mut bytes = std::fs::read(path).unwrap();
    bytes.truncate(bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1));
    bytes
}

fn scratch() -> tempfile::TempDir {
    // Thousands of syncs: in memory where there is such a place.
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory).unwrap() } else { tempfile::tempdir().unwrap() }
}

/// A log with three transactions, of which the last is to be torn; its journal, and where the last one begins.
fn torn_scene(dir: &Path, last: &[(&str, u32, &str, Option<&str>)]) -> (PathBuf, usize) {
    let log = open(dir);
    log.create(&spec("t", 2, Cleanup::Keep)).unwrap();
    log.create(&spec("state", 1, Cleanup::Compact)).unwrap();
    let mut writer = log.writer("w").unwrap();
    append(
        &mut writer,
        &[("t", 0, "k", Some("one")), ("t", 1, "k", Some("one")), ("state", 0, "k", Some("one"))],
    )
    .unwrap();
    append(
        &mut writer,
        &[("t", 0, "k", Some("two")), ("t", 1, "k", Some("two")), ("state", 0, "k", Some("two"))],
    )
    .unwrap();
    let journal = PathBuf::from(JOURNAL);
    let begins = journal_bytes(&dir.join(&journal)).len();
    append(&mut writer, last).unwrap();
    // As after a kill: the copy is taken while the log is open.
    (journal, begins)
}

/// Whether the last transaction is there; all others must be, and the log must go on.
fn reopened(dir: &Path) -> bool {
    let log = open(dir);
    let state = values(&log, "state", 0).pop();
    let whole = state.as_deref() == Some("three");
    assert!(whole || state.as_deref() == Some("two"), "{state:?}");
    for partition in 0..2 {
        let mut firsts: Vec<String> = values(&log, "t", partition);
        firsts.iter_mut().for_each(|value| value.truncate(5));
        let expected: &[&str] = if whole { &["one", "two", "three"] } else { &["one", "two"] };
        assert_eq!(firsts, expected);
    }
    append(&mut log.writer("w").unwrap(), &[("t", 0, "k", Some("next"))]).unwrap();
    drop(log);
    assert_eq!(values(&open(dir), "t", 0).last().unwrap(), "next");
    whole
}

#[test]
fn a_journal_cut_off_at_any_byte_holds_all_or_nothing_of_the_last_transaction() {
    let scratch = scratch();
    let full = scratch.path().join("full");
    let last = [("t", 0, "k", Some("three")), ("t", 1, "k", Some("three")), ("state", 0, "k", Some("three"))];
    let (journal, begins) = torn_scene(&full, &last);
    let bytes = journal_bytes(&full.join(&journal));
    let mut whole = 0;
    for cut in begins..=bytes.len() {
        for preallocated in [false, true] {
            let dir = scratch.path().join("cut");
            copy_dir(&full, &dir);
            let path = dir.join(&journal);
            std::fs::write(&path, &bytes[..cut]).unwrap();
            if preallocated {
                std::fs::OpenOptions::new().write(true).open(&path).unwrap().set_len(64 << 20).unwrap();
            }
            let there = reopened(&dir);
            assert_eq!(there, cut == bytes.len(), "cut at {cut} of {begins}..{}", bytes.len());
            whole += usize::from(there);
            std::fs::remove_dir_all(&dir).unwrap();
        }
    }
    assert_eq!(whole, 2);
}

#[test]
fn a_page_that_was_never_written_takes_the_last_transaction_with_it_and_damage_is_told() {
    let scratch = scratch();
    let full = scratch.path().join("full");
    let large = format!("three{}", "x".repeat(30_000));
    let last = [("t", 0, "k", Some(&*large)), ("t", 1, "k", Some(&*large)), ("state", 0, "k", Some("three"))];
    let (journal, begins) = torn_scene(&full, &last);
    let bytes = journal_bytes(&full.join(&journal));
    let with = |change: &dyn Fn(&mut Vec<u8>)| {
        let dir = scratch.path().join("torn");
        if dir.exists() {
            std::fs::remove_dir_all(&dir).unwrap();
        }
        copy_dir(&full, &dir);
        let mut bytes = bytes.clone();
        change(&mut bytes);
        std::fs::write(dir.join(&journal), &bytes).unwrap();
        dir
    };
    // The first of them holds the end of the transaction before, too.
    for page in (begins / 4_096 * 4_096..bytes.len()).step_by(4_096) {
        let end = bytes.len().min(page + 4_096);
        let dir = with(&|bytes| bytes[page.max(begins)..end].fill(0));
        assert!(!reopened(&dir), "page at {page}");
    }
    assert!(reopened(&with(&|_| {})));
    // A flipped bit is no torn write: what was acknowledged may be damaged. In a value, in the structure of the last
    // transaction, in that of the first.
    for at in [begins + 10_000, begins, begins + 13, 0, 13] {
        let dir = with(&|bytes| bytes[at] ^= 1);
        let error = Embedded::open(&dir, options()).unwrap_err().to_string();
        let name = dir.canonicalize().unwrap();
        assert!(error.contains(&*name.to_string_lossy()) && error.contains("damaged"), "{at}: {error}");
    }
}

/// A journal, and where in it each appended transaction begins.
struct Journal {
    bytes: Vec<u8>,
    begins: Vec<usize>,
}

/// A log with two small transactions and a last one with a value that is four pages of zeros.
fn zeros_scene(dir: &Path) -> Journal {
    let log = open(dir);
    log.create(&spec("t", 2, Cleanup::Keep)).unwrap();
    log.create(&spec("state", 1, Cleanup::Compact)).unwrap();
    let mut writer = log.writer("w").unwrap();
    let zeros = format!("three{}", "\0".repeat(4 * 4_096));
    let mut begins = Vec::new();
    for (state, value) in [("one", "one"), ("two", "two"), ("three", &*zeros)] {
        begins.push(journal_bytes(&dir.join(JOURNAL)).len());
        append(
            &mut writer,
            &[("t", 0, "k", Some(value)), ("t", 1, "k", Some(value)), ("state", 0, "k", Some(state))],
        )
        .unwrap();
    }
    Journal { bytes: journal_bytes(&dir.join(JOURNAL)), begins }
}

/// Opens a log that must be refused: by the name of this journal and the byte from which on it is damaged, with a way
/// out, and with all that lies there as it was.
fn refused(dir: &Path, journal: &str, at: usize) {
    let path = dir.canonicalize().unwrap().join(journal);
    let before = std::fs::read(&path).unwrap();
    let error = Embedded::open(dir, options()).unwrap_err().to_string();
    let told = format!("{} does not decode from byte {at} on; restore a copy", path.display());
    assert!(error.contains("damaged") && error.contains(&told), "{told}: {error}");
    assert!(std::fs::read(&path).unwrap() == before, "{journal} is changed");
    let mut files = std::fs::read_dir(dir.join("store")).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(files.all(|name| !name.to_string_lossy().starts_with("torn-")));
}

#[test]
fn damage_of_an_older_transaction_is_told_where_it_is_and_the_last_one_stays() {
    let scratch = scratch();
    let full = scratch.path().join("full");
    let Journal { bytes, begins } = zeros_scene(&full);
    let dir = scratch.path().join("damaged");
    copy_dir(&full, &dir);
    for batch in begins.windows(2) {
        for at in batch[0]..batch[1] {
            // The number of a batch, which comes after its count of items, is under no checksum.
            if (5..13).contains(&(at - batch[0])) {
                continue;
            }
            for bit in [1, 0x80] {
                let mut bytes = bytes.clone();
                bytes[at] ^= bit;
                std::fs::write(dir.join(JOURNAL), &bytes).unwrap();
                refused(&dir, JOURNAL, batch[0]);
            }
        }
    }
    std::fs::write(dir.join(JOURNAL), &bytes).unwrap();
    assert!(reopened(&dir));
}

#[test]
fn a_journal_before_the_newest_is_whole_or_the_log_is_damaged() {
    let scratch = scratch();
    let full = scratch.path().join("full");
    let Journal { bytes, begins } = zeros_scene(&full);
    let (older, newest) = bytes.split_at(begins[2]);
    let with = |older: &[u8]| {
        let dir = scratch.path().join("two");
        if dir.exists() {
            std::fs::remove_dir_all(&dir).unwrap();
        }
        copy_dir(&full, &dir);
        std::fs::write(dir.join(JOURNAL), older).unwrap();
        std::fs::write(dir.join("store/1.jnl"), newest).unwrap();
        dir
    };
    assert!(reopened(&with(older)));
    let mut flipped = older.to_vec();
    flipped[begins[0] + 20] ^= 1;
    refused(&with(&flipped), JOURNAL, begins[0]);
    refused(&with(&older[..older.len() - 1]), JOURNAL, begins[1]);
}

#[test]
fn a_torn_transaction_may_hold_what_looks_like_an_end() {
    let scratch = scratch();
    let full = scratch.path().join("full");
    let end = "\u{3}12345678FJL\u{3}";
    let value = format!("three {end} {end} {}", "x".repeat(50));
    let last = [("t", 0, "k", Some(&*value)), ("t", 1, "k", Some(&*value)), ("state", 0, "k", Some("three"))];
    let (journal, begins) = torn_scene(&full, &last);
    let bytes = journal_bytes(&full.join(&journal));
    let dir = scratch.path().join("cut");
    let mut ambiguous = 0;
    for cut in begins + 1..bytes.len() {
        copy_dir(&full, &dir);
        std::fs::write(dir.join(&journal), &bytes[..cut]).unwrap();
        if bytes[..cut].ends_with(end.as_bytes()) {
            // It may be the end, of a batch in which a length is damaged.
            refused(&dir, JOURNAL, begins);
            ambiguous += 1;
        } else {
            assert!(!reopened(&dir), "cut at {cut} of {begins}..{}", bytes.len());
        }
        std::fs::remove_dir_all(&dir).unwrap();
    }
    assert_eq!(ambiguous, 4);
}
