//! Every stored format, pinned: the bytes in `tests/golden` are still read, and still written byte for byte.
//!
//! A file of a released version is never changed; a new version of a format gets a file of its own.
//! `UPDATE_GOLDEN=1` writes the files anew.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod support;

use engine::activity::{Activity, Fields, Value};
use engine::effect::{
    AccountHealth, Alert, AlertState, CapLine, Cause, Closed, Effect, EffectId, Evidence, Freshness, Health,
    OpenAlert, Resolution,
};
use engine::entry::{Entry, Latest, Lost, PartitionMark, Run, SourceMark, Watermarks};
use model::number::Number;
use model::plan::{ModelId, Severity, SourceSet};
use model::source::{Field, FieldType, Source};
use model::time::{DAY, EventTime, HOUR};
use std::path::PathBuf;
use support::{AS_OF, lines, plan, standing};
use wire::dead_letter::{self, Rejected};
use wire::frame::{FrameBuffer, Writer};
use wire::output::{Encoder, Journal};
use wire::reason::Reason;

/// The bytes of a golden file, after they were found equal to `now` (or written).
fn golden(name: &str, now: &[u8]) -> Vec<u8> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "tests", "golden", name].iter().collect();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, now).unwrap();
    }
    let stored = std::fs::read(&path).unwrap_or_default();
    let shown = |bytes: &[u8]| bytes.escape_ascii().to_string();
    assert!(stored == now, "{name} differs\nstored: {}\nnow:    {}", shown(&stored), shown(now));
    stored
}

/// An activity of each source with every field that it can have.
fn activities() -> Vec<Entry<'static>> {
    const WORDS: [&str; 3] = ["alpha", "beta", "gamma"];
    let activity = |place: usize| {
        let (number, source) = (place as u64, Source::at(place % 9).unwrap());
        let mut fields = Fields::default();
        for field in source.fields() {
            let salt = u64::from(field.number());
            let value = match field.kind() {
                FieldType::Word => Value::Word(WORDS[field.number() as usize % 3]),
                FieldType::Key => Value::Key(salt * 0x0101_0101_0101_0101),
                FieldType::Number => {
                    Value::Number(Number(1_500_000 * i64::from(field.number()) - 20_000_000))
                }
                FieldType::Time => Value::Time(EventTime(AS_OF.0 + 30 * DAY)),
                FieldType::Ignored => continue,
            };
            assert!(fields.set(*field, value));
        }
        Entry::Activity(Activity {
            source,
            partition: u32::try_from(number % 3).unwrap(),
            offset: 1_000_000 + i64::try_from(number).unwrap(),
            id: number.wrapping_mul(0x9e37_79b9_7f4a_7c15),
            time: EventTime(AS_OF.0 + i64::try_from(number).unwrap() * 1_250),
            account: ["northwind", "acme", "süd-ost"][place % 3],
            fields,
        })
    };
    (0..27).map(activity).collect()
}

fn watermarks(latest: Latest) -> Entry<'static> {
    let run =
        |first: i64, last: i64| Run { first: EventTime(AS_OF.0 + first), last: EventTime(AS_OF.0 + last) };
    let mark = |partition, runs| PartitionMark {
        partition,
        watermark: (partition != 3).then_some(EventTime(AS_OF.0 - 300_000)),
        runs,
        rejected: 3,
        skipped: u64::from(partition) * 1_000,
        lost: Lost::default(),
    };
    let source = |source, partitions| SourceMark { source, partition_count: 4, partitions };
    Entry::Watermarks(Watermarks {
        model: Some(ModelId([7; 32])),
        latest,
        sources: vec![
            source(
                Source::Login,
                vec![mark(0, vec![run(-HOUR, 0)]), mark(3, vec![run(-DAY, -HOUR), run(-5, 5)])],
            ),
            source(Source::Command, vec![]),
        ],
    })
}

fn frame_is_pinned(name: &str, epoch: u32, entries: &[Entry<'_>]) {
    let mut writer = Writer::new(epoch);
    for entry in entries {
        writer.push(entry).unwrap();
    }
    let mut value = Vec::new();
    writer.finish(&mut value);
    let stored = golden(name, &value);
    let mut buffer = FrameBuffer::default();
    buffer.load(&stored).unwrap();
    assert_eq!(buffer.epoch(), epoch);
    let read: Vec<Entry<'_>> = buffer.reader().map(Result::unwrap).collect();
    assert_eq!(read, entries);
}

#[test]
fn frame_version_1() {
    let few = [Entry::FoldVersion(1), Entry::Model("format: 1\nmodel: acme\n"), watermarks(Latest::All)];
    frame_is_pinned("frame-v1-plain.bin", 1, &few);
    frame_is_pinned("frame-v1-turn.bin", 1, &[watermarks(Latest::Turn { turn: 899, turns: 900 })]);
    let mut lost = watermarks(Latest::All);
    if let Entry::Watermarks(marks) = &mut lost {
        marks.sources[0].partitions[1].lost = Lost { offsets: 6, to: 4_711 };
    }
    frame_is_pinned("frame-v1-lost.bin", 1, &[lost]);
    let mut many = activities();
    many.extend(few);
    many.extend(activities());
    frame_is_pinned("frame-v1-compressed.bin", 4_000_000_000, &many);
}

#[test]
fn dead_letter_version_1() {
    let reason = Reason::NotJson { at: 2 };
    let rejected = Rejected {
        topic: "vitals.login",
        partition: 3,
        offset: 4_711,
        timestamp: AS_OF.0,
        key: Some(b"user-1"),
        value: Some(b"{\"\xff\0"),
        headers: &[(b"trace", b"\x01\xfe")],
        reason: &reason,
    };
    let letter = dead_letter::encode(&rejected, 1 << 20);
    let mut text = dump(letter.key, &letter.headers(), letter.value);
    let long = vec![b'x'; (64 << 10) + 11];
    let cut = Rejected { key: None, value: Some(&long), headers: &[], ..rejected };
    let cut = dead_letter::encode(&cut, 10);
    text += &dump(cut.key, &cut.headers(), cut.value.and_then(|value| value.get(..20)));
    golden("dead-letter-v1.txt", text.as_bytes());
}

fn dump(key: Option<&[u8]>, headers: &[(&str, &[u8])], value: Option<&[u8]>) -> String {
    let shown = |bytes: Option<&[u8]>| {
        bytes.map_or_else(|| "none".to_owned(), |bytes| format!("\"{}\"", bytes.escape_ascii()))
    };
    let mut text = format!("key: {}\n", shown(key));
    for (name, value) in headers {
        text += &format!("{name}: {}\n", shown(Some(value)));
    }
    text + &format!("value: {}\n\n", shown(value))
}

#[test]
fn output_records_version_1() {
    let (plan, lines) = (plan(), lines());
    let mut standing = standing(&plan, &lines);
    standing.sources_out = SourceSet::of(Source::Support);
    standing.cap = Some(CapLine { cap: 1, contribution: -20 });
    standing.score = Some(4_000);
    let health = Health {
        standing,
        previous_score: Some(4_753),
        previous_band: Some(1),
        first: false,
        cap_change: 20,
        override_change: 0,
        removed_change: 0,
        cause: Cause::Activity(Source::FeatureUsage),
    };
    let first = Health { first: true, previous_score: None, previous_band: None, ..health.clone() };
    let evidence = [Evidence { signal: 7, value: None, freshness: Freshness::Unknown }];
    let firing = Alert {
        standing,
        rule: "account-at-risk",
        rule_index: Some(0),
        episode: 3,
        revision: 1,
        state: AlertState::Firing,
        severity: Severity::Critical,
        started_at: EventTime(AS_OF.0 - 2 * DAY),
        fired_at: AS_OF,
        ended_at: None,
        evidence: &evidence,
        cause: Cause::Time,
    };
    let ended = EventTime(AS_OF.0 + 13 * DAY);
    let recovered = AlertState::Resolved(Resolution::Recovered);
    let resolved = Alert { state: recovered, ended_at: Some(ended), revision: 2, ..firing.clone() };
    let open = [OpenAlert { rule: 0, episode: 3, severity: Severity::Critical, fired_at: AS_OF }];
    let account = AccountHealth { standing, open_alerts: &open };
    let closed = Closed { account: "northwind", revision: 319, as_of: AS_OF };
    for (name, effect) in [
        ("health-v1.txt", Effect::Health(health)),
        ("health-v1-first.txt", Effect::Health(first)),
        ("alert-v1-firing.txt", Effect::Alert(firing)),
        ("alert-v1-resolved.txt", Effect::Alert(resolved)),
        ("account-health-v1.txt", Effect::AccountHealth(account)),
        ("account-health-v1-closed.txt", Effect::AccountClosed(closed)),
    ] {
        let mut encoder = Encoder::new("acme-prod");
        let id = EffectId { offset: 88_213, entry: 4, index: 1 };
        let record = encoder.encode(Journal { epoch: 1, partition: 11 }, id, &effect);
        let mut text = format!("topic: {}\nkey: {}\n", record.output.name(), record.key.escape_ascii());
        for (name, value) in record.headers {
            text += &format!("{name}: {}\n", value.escape_ascii());
        }
        text += "\n";
        text += record.value.map_or("", |value| std::str::from_utf8(value).unwrap());
        text += "\n";
        golden(name, text.as_bytes());
    }
}

#[test]
fn every_field_stands_in_the_frame_with_its_number() {
    let all: Vec<Field> = (1..=40).filter_map(Field::from_number).collect();
    let kept = all.iter().filter(|field| field.kind() != FieldType::Ignored);
    let entries = activities();
    for field in kept {
        let found =
            entries.iter().any(|entry| matches!(entry, Entry::Activity(a) if a.fields.get(*field).is_some()));
        assert!(found, "{}", field.name());
    }
}
