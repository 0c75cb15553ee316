//! What lies in the store, pinned: every kind of key and value in `tests/golden` is still read, and still written byte
//! for byte. And damage of it: a reason, never a panic.
//!
//! A file of a released version is never changed; a new layout gets a file of its own. `UPDATE_GOLDEN=1` writes it anew.

use super::key::{self, Meta};
use super::store::Store;
use super::{Durability, Embedded, Options, record, state, topic};
use crate::{
    Appends, Batch, Cleanup, Committed, Event, Isolation, Log, Member, OffsetCommit, Partition, Reader,
    Stamp, TopicSpec, Transaction, Writer,
};
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// What stands in place of the stamps of the system's clock.
const STAMP: i64 = 1_781_560_800_000;

/// Keyspace, key and value of all that lies in the store, in order.
type Entries = Vec<(&'static str, Vec<u8>, Vec<u8>)>;

fn open(dir: &Path) -> Embedded {
    let options = Options { reserve_bytes: 0, durability: Durability::Buffered, ..Options::default() };
    Embedded::open(dir, options).unwrap()
}

fn spec(name: &str, partitions: u32, stamp: Stamp, cleanup: Cleanup) -> TopicSpec {
    TopicSpec { name: name.into(), partitions, stamp, cleanup, max_record_bytes: 1 << 20 }
}

fn commit(writer: &mut impl Writer, appends: &Appends) {
    writer.commit(&Transaction { appends: &[appends], offsets: &[], membership: None }).unwrap();
}

/// Writes something of every kind.
fn fill(log: &Embedded) {
    let [kept, made, latest]: [Arc<str>; 3] = ["kept", "made", "latest"].map(Into::into);
    log.create(&spec(&kept, 2, Stamp::Append, Cleanup::Keep)).unwrap();
    log.create(&spec(&made, 1, Stamp::Create, Cleanup::Keep)).unwrap();
    log.create(&spec(&latest, 1, Stamp::Append, Cleanup::Compact)).unwrap();
    let mut writer = log.writer("worker-0").unwrap();
    drop(log.writer("worker-1").unwrap());
    let mut writer_1 = log.writer("worker-1").unwrap();
    let mut appends = Appends::default();
    appends.push(&kept, 0, Some(b"northwind"), Some(b"one"), &[("ce_id", b"1-0-0"), ("ce_type", b"\xff")]);
    appends.push(&kept, 0, None, None, &[]);
    appends.push(&kept, 1, Some(&[b'k'; 200]), Some(b""), &[]);
    appends.push_stamped(&made, 0, Some(-5), None, Some(b"made at its own time"), &[]);
    appends.push(&latest, 0, Some(b"a"), Some(b"1"), &[]);
    appends.push(&latest, 0, Some(b"b"), Some(b"2"), &[]);
    commit(&mut writer, &appends);
    let mut appends = Appends::default();
    appends.push(&kept, 0, Some(b"northwind"), Some(b"two"), &[]);
    appends.push(&latest, 0, Some(b"a"), Some(b"3"), &[]);
    appends.push(&latest, 0, Some(b"b"), None, &[]);
    commit(&mut writer_1, &appends);
    let mut member =
        log.join("score", "instance-0", std::slice::from_ref(&kept), Isolation::Committed).unwrap();
    assert!(matches!(member.poll(&mut Batch::default(), Duration::from_secs(30)), Ok(Event::Assigned(_))));
    let membership = member.membership().unwrap();
    let offset = |number, offset, metadata: &str| OffsetCommit {
        partition: Partition::new("kept", number),
        offset,
        metadata: metadata.to_owned(),
    };
    let offsets = [offset(0, 3, "s1 17 4 2 0 done"), offset(1, 0, "")];
    // The one that was superseded before is deleted with this.
    writer.commit(&Transaction { appends: &[], offsets: &offsets, membership: Some(&membership) }).unwrap();
    let mut appends = Appends::default();
    appends.push(&latest, 0, Some(b"a"), Some(b"4"), &[]);
    commit(&mut writer, &appends);
    log.truncate_before(&Partition::new("kept", 0), 2).unwrap();
    let mut appends = Appends::default();
    appends.push(&kept, 1, Some(b"open"), Some(b"left open"), &[]);
    appends.push(&latest, 0, Some(b"open"), Some(b"left open"), &[]);
    // It is dropped undecided.
    let _held =
        log.hold("worker-2", &Transaction { appends: &[&appends], offsets: &[], membership: None }).unwrap();
}

/// All that lies in the store, with one stamp for all.
fn entries(store: &Store) -> Entries {
    let mut all = Entries::new();
    for (name, keyspace) in [
        ("chunks", &store.chunks),
        ("compacted", &store.compacted),
        ("latest", &store.latest),
        ("meta", &store.meta),
    ] {
        for guard in keyspace.iter() {
            let (key, value) = guard.into_inner().unwrap();
            let mut value = value.to_vec();
            match (name, key.first()) {
                ("chunks" | "compacted", _) => value[1..9].copy_from_slice(&STAMP.to_le_bytes()),
                ("meta", Some(&Meta::END)) => value[8..16].copy_from_slice(&STAMP.to_be_bytes()),
                ("meta", Some(&Meta::TOMBSTONE)) => value[..8].copy_from_slice(&STAMP.to_be_bytes()),
                _ => {}
            }
            all.push((name, key.to_vec(), value));
        }
    }
    all
}

fn text_of(entries: &Entries) -> String {
    let mut text = String::new();
    for (keyspace, key, value) in entries {
        writeln!(text, "{keyspace} {} {}", hex(key), hex(value)).unwrap();
    }
    text
}

fn hex(bytes: &[u8]) -> String {
    // Something must stand for nothing.
    bytes.iter().fold("x".to_owned(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn entries_of(text: &str) -> Entries {
    let bytes = |word: &str| -> Vec<u8> {
        let digits = word.strip_prefix('x').unwrap().as_bytes();
        let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
        digits.chunks(2).map(byte).collect()
    };
    let entry = |line: &str| {
        let [keyspace, key, value] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let names = ["chunks", "compacted", "latest", "meta"];
        let name = names.into_iter().find(|name| *name == keyspace).unwrap();
        (name, bytes(key), bytes(value))
    };
    text.lines().map(entry).collect()
}

/// The text of the golden file, after it was found equal to `now` (or written).
fn golden(now: &str) -> String {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "golden", "store-v1.txt"].iter().collect();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, now).unwrap();
    }
    let stored = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(stored == now, "what lies in the store differs\nstored:\n{stored}\nnow:\n{now}");
    stored
}

/// Puts entries into the store of an empty directory.
fn put(dir: &Path, entries: &Entries) {
    let log = open(dir);
    let store = &log.shared.store;
    let mut batch = store.batch();
    for (keyspace, key, value) in entries {
        let keyspace = match *keyspace {
            "chunks" => &store.chunks,
            "compacted" => &store.compacted,
            "latest" => &store.latest,
            _ => &store.meta,
        };
        batch.insert(keyspace, key.clone(), value.clone());
    }
    batch.commit().unwrap();
    store.persist().unwrap();
}

/// Offset, stamp, key, value and headers of each record of a partition, in words.
fn records(log: &Embedded, topic: &str, number: u32) -> Vec<String> {
    let partition = Partition::new(topic, number);
    let first = log.ends(&[topic.into()]).unwrap().topics[0][number as usize].first;
    let mut reader = log.read(&partition, first, Isolation::Committed).unwrap();
    let (mut batch, mut all) = (Batch::default(), Vec::new());
    let text = |bytes: Option<&[u8]>| {
        bytes.map_or_else(|| "none".to_owned(), |bytes| bytes.escape_ascii().to_string())
    };
    while reader.poll(&mut batch, Duration::from_secs(30)).unwrap() == Event::Records {
        for record in batch.records() {
            let mut line =
                format!("{} {} {} {}", record.offset, record.stamp, text(record.key), text(record.value));
            for (name, value) in record.headers() {
                write!(line, " {}={}", name.escape_ascii(), value.escape_ascii()).unwrap();
            }
            all.push(line);
        }
    }
    all
}

#[test]
fn layout_1() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    fill(&log);
    let stored = entries_of(&golden(&text_of(&entries(&log.shared.store))));
    drop(log);
    let marker = std::fs::read_to_string(dir.path().join("VITALS")).unwrap();
    assert_eq!(marker, "vitals embedded log\nlayout 1\n");

    let again = tempfile::tempdir().unwrap();
    put(again.path(), &stored);
    let log = open(again.path());
    let is_open = |(keyspace, key, value): &(&str, Vec<u8>, Vec<u8>)| match *keyspace {
        "meta" => key.first() == Some(&Meta::OPEN),
        "latest" => false,
        _ => value.windows(9).any(|window| window == b"left open"),
    };
    let kept: Entries = stored.iter().filter(|entry| !is_open(entry)).cloned().collect();
    assert_eq!(stored.len() - kept.len(), 3, "what was left open is aborted");
    assert_eq!(text_of(&entries(&log.shared.store)), text_of(&kept));
    assert_eq!(
        log.topics().unwrap(),
        [
            spec("kept", 2, Stamp::Append, Cleanup::Keep),
            spec("latest", 1, Stamp::Append, Cleanup::Compact),
            spec("made", 1, Stamp::Create, Cleanup::Keep),
        ]
    );
    assert_eq!(records(&log, "kept", 0), [format!("3 {STAMP} northwind two")]);
    assert_eq!(records(&log, "kept", 1), [format!("0 {STAMP} {} ", "k".repeat(200))]);
    assert_eq!(records(&log, "made", 0), ["0 -5 none made at its own time"]);
    assert_eq!(records(&log, "latest", 0).len(), 3, "what was superseded last is still there");
    log.compact().unwrap();
    assert_eq!(records(&log, "latest", 0), [format!("6 {STAMP} a 4")], "and the tombstone is old by now");
    let ends = log.ends(&["kept".into(), "made".into(), "latest".into()]).unwrap();
    let ends: Vec<(i64, i64)> = ends.topics.iter().flatten().map(|ends| (ends.first, ends.end)).collect();
    assert_eq!(ends, [(2, 5), (0, 3), (0, 2), (0, 9)]);
    let mut member = log.join("score", "instance-0", &["kept".into()], Isolation::Committed).unwrap();
    let committed = member.committed(&[Partition::new("kept", 0), Partition::new("kept", 1)]).unwrap();
    let offset = |offset, metadata: &str| Some(Committed { offset, metadata: metadata.to_owned() });
    assert_eq!(committed, [offset(3, "s1 17 4 2 0 done"), offset(0, "")]);
    assert_eq!(log.writer("worker-1").unwrap().epoch, 3);
}

#[test]
fn a_directory_with_a_number_at_its_end_is_damaged() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    fill(&log);
    let sound: BTreeMap<(&str, Vec<u8>), Vec<u8>> = entries(&log.shared.store)
        .into_iter()
        .map(|(keyspace, key, value)| ((keyspace, key), value))
        .collect();
    drop(log);
    let end = |next: u64| [next.to_be_bytes(), [0; 8]].concat();
    let topic_of = |pids: &[u8]| [&[0, 0, 0, 0, 0, 0, 0, 0, 0, 9][..], pids].concat();
    for (kind, rest, value) in [
        // What comes next would have no offset, epoch or partition.
        (Meta::END, &[0, 0, 0, 0][..], end(u64::MAX)),
        (Meta::END, &[0, 0, 0, 9], end(1)),
        (Meta::WRITER, b"worker-0", u64::MAX.to_be_bytes().to_vec()),
        (Meta::FIRST, &[0, 0, 0, 0], 9_u64.to_be_bytes().to_vec()),
        (Meta::TOPIC, b"more", topic_of(&[0, 0, 0, 9])),
        // A partition of another topic.
        (Meta::TOPIC, b"more", topic_of(&[0, 0, 0, 0])),
        (Meta::TOPIC, b"more", topic_of(&[0])),
    ] {
        let mut damaged = sound.clone();
        damaged.insert(("meta", Meta::key(kind, rest)), value);
        let dir = tempfile::tempdir().unwrap();
        put(
            dir.path(),
            &damaged.into_iter().map(|((keyspace, key), value)| (keyspace, key, value)).collect(),
        );
        let error = Embedded::open(dir.path(), Options::default()).map(drop).unwrap_err();
        assert!(error.to_string().contains("is damaged"), "{error}");
    }
}

fn chunk() -> Vec<u8> {
    let mut appends = Appends::default();
    let topic: Arc<str> = "t".into();
    for number in 0..4_u8 {
        let value = vec![number; 70 * usize::from(number)];
        let headers: [(&str, &[u8]); 2] = [("ce_id", &[number]), ("ce_type", b"health")];
        let stamp = (number % 2 == 0).then_some(STAMP);
        appends.push_stamped(
            &topic,
            0,
            stamp,
            Some(&[number]),
            Some(&value),
            &headers[..usize::from(number % 3)],
        );
    }
    let mut chunk = record::Builder::with_capacity(0);
    appends.records().for_each(|record| chunk.push(&record, record.stamp));
    chunk.seal(STAMP)
}

proptest! {
    #[test]
    fn a_damaged_chunk_never_panics(
        changes in proptest::collection::vec((any::<Index>(), any::<u8>(), 0_usize..9), 0..4), cut in any::<Index>()
    ) {
        let mut bytes = chunk();
        for (at, value, more) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
            bytes.splice(at..at, std::iter::repeat_n(value, more));
        }
        bytes.truncate(bytes.len() - cut.index(bytes.len()) / 4);
        let mut at = record::head(&bytes).map_or(0, |(_, at)| at);
        while let Some(entry) = record::next(&bytes, &mut at) {
            prop_assert!(at <= bytes.len());
            let headers: usize = entry.headers().map(|(name, value)| name.len() + value.len()).sum();
            let parts = [entry.key, entry.value].into_iter().flatten().map(<[u8]>::len).sum::<usize>();
            prop_assert!(headers + parts <= bytes.len());
        }
    }

    #[test]
    fn garbage_is_no_key_and_no_value(key in proptest::collection::vec(any::<u8>(), 0..40), value in proptest::collection::vec(any::<u8>(), 0..40)) {
        let name: Arc<str> = "t".into();
        if let Some(topic) = topic::decode(&name, &value) {
            prop_assert_eq!(topic::encode(&topic), &value[..]);
        }
        if let Some((next, stamp)) = topic::decode_end(&value) {
            prop_assert_eq!(topic::encode_end(next, stamp), &value[..]);
        }
        if let Some((pid, offset)) = key::placed(&key) {
            prop_assert_eq!(key::place(pid, offset), &key[..]);
        }
        if let Some((pid, group, committed)) = state::decode_offset(&key, &value) {
            prop_assert_eq!(Meta::offset(&group, pid), Meta::key(Meta::OFFSET, &key));
            prop_assert_eq!(Meta::committed(&committed), value.clone());
        }
        if let Some(epoch) = state::decode_epoch(&value) {
            prop_assert_eq!(epoch.to_be_bytes(), &value[..]);
        }
    }
}
