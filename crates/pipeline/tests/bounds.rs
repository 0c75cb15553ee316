//! What waits in memory is bounded, however long nothing can be committed, and goes on from there.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod support;

use log::simulated::{Cluster, Fault, Faults, Simulated};
use log::{Log, Partition};
use model::source::Source;
use pipeline::settings::{self, Identity};
use pipeline::{Ingest, Progress, Recorded, Score, topic};

/// How much is allowed to wait, and beyond it: what one batch of a few records, or one minute of the fold, brings.
const LIMIT: usize = 4 << 10;
const MORE: usize = 8 << 10;

/// Few records in a poll, and no transaction that is committed.
fn nothing_is_committed() -> Faults {
    few_records().with(Fault::Abort, 1_000_000)
}

fn few_records() -> Faults {
    Faults::none().with(Fault::SmallBatch, 1_000_000)
}

/// Lets `step` work until it says that it is done.
fn drive(cluster: &Cluster, mut step: impl FnMut() -> bool) {
    for _ in 0..200_000 {
        if step() {
            return;
        }
        cluster.advance(10);
    }
    panic!("not done");
}

fn end_of_journal(log: &Simulated) -> Vec<i64> {
    log.ends(&[topic::JOURNAL.into()]).unwrap().topics[0].iter().map(|ends| ends.end).collect()
}

/// Does what a recorded run does, with so much allowed to wait. Returns the most that waited.
fn merge(cluster: &Cluster, log: &Simulated, faults: Option<Faults>, transaction_bytes: usize) -> usize {
    let settings = settings::Ingest { transaction_bytes, ..settings::Ingest::default() };
    let mut ingest = Recorded::new(log.clone(), Identity::default(), settings, None);
    let mut most = 0;
    if let Some(faults) = faults {
        cluster.set_faults(faults);
        for _ in 0..3_000 {
            ingest.step().unwrap();
            cluster.advance(10);
            most = most.max(ingest.status().buffered);
        }
        cluster.set_faults(few_records());
    }
    drive(cluster, || {
        let is_done = ingest.step().unwrap() == Progress::Done;
        most = most.max(ingest.status().buffered);
        is_done
    });
    ingest.stop();
    most
}

/// What the sample is, in bytes.
fn sample(cluster: &Cluster) -> usize {
    let log = cluster.process("setup");
    support::append_sample(&log);
    let of = |source| cluster.committed_records(&Partition::new(topic::of_source(source), 0));
    let records = Source::ALL.into_iter().flat_map(of);
    records.map(|record| record.value.map_or(0, |value| value.len())).sum()
}

#[test]
fn effects_that_cannot_be_committed_are_bounded() {
    let outputs = |limit: Option<usize>| {
        let cluster = support::empty(1, 1);
        let log = cluster.process("one");
        sample(&cluster);
        merge(&cluster, &log, None, 4 << 20);
        let outbox_bytes = limit.unwrap_or(32 << 20);
        let settings = settings::Score { outbox_bytes, ..settings::Score::default() };
        let mut score = Score::new(log.clone(), Identity::default(), settings);
        cluster.set_faults(nothing_is_committed());
        let mut most = 0;
        for _ in 0..20_000 {
            score.step().unwrap();
            cluster.advance(10);
            most = most.max(score.status().outbox);
        }
        assert_eq!(score.status().transactions.committed, 0);
        cluster.set_faults(few_records());
        drive(&cluster, || {
            score.step().unwrap();
            most = most.max(score.status().outbox);
            score.has_reached(&end_of_journal(&log))
        });
        score.stop();
        let said = [topic::HEALTH, topic::ALERTS].map(|topic| {
            let records = cluster.committed_records(&Partition::new(topic, 0));
            records.into_iter().map(|record| (record.key, record.value)).collect::<Vec<_>>()
        });
        (most, said)
    };
    let (unbounded, all) = outputs(None);
    assert!(unbounded > 2 * (LIMIT + MORE), "the sample says too little to tell: {unbounded}");
    let (most, said) = outputs(Some(LIMIT));
    assert!((LIMIT..LIMIT + MORE).contains(&most), "{most}");
    assert_eq!(said, all);
}

#[test]
fn what_ingest_takes_in_is_bounded() {
    let taken_in = |limit: usize| {
        let cluster = support::empty(1, 1);
        let log = cluster.process("one");
        let all = sample(&cluster);
        let settings = settings::Ingest { transaction_bytes: limit, ..settings::Ingest::default() };
        let mut ingest = Ingest::new(log, Identity::default(), settings);
        cluster.set_faults(nothing_is_committed());
        let mut most = 0;
        for _ in 0..5_000 {
            ingest.step().unwrap();
            cluster.advance(10);
            most = most.max(ingest.status().buffered);
        }
        assert_eq!(ingest.status().transactions.committed, 0);
        cluster.set_faults(few_records());
        let end = cluster.now() + 60_000;
        drive(&cluster, || {
            ingest.step().unwrap();
            most = most.max(ingest.status().buffered);
            cluster.now() > end
        });
        let consumed: u64 = ingest.status().feeds.iter().map(|feed| feed.consumed).sum();
        ingest.stop();
        (all, most, consumed)
    };
    let (all, unbounded, records) = taken_in(64 << 20);
    assert!(unbounded > 2 * (LIMIT + MORE), "{unbounded} of {all}");
    let (_, most, consumed) = taken_in(LIMIT);
    assert!((LIMIT..LIMIT + MORE).contains(&most), "{most}");
    assert_eq!(consumed, records);
}

#[test]
fn what_a_merge_takes_in_and_reads_ahead_is_bounded() {
    // All sources hold less than a lane may be read ahead; of what is merged only so much waits.
    let waits = |limit| {
        let cluster = support::empty(1, 1);
        let log = cluster.process("one");
        let all = sample(&cluster);
        let settings = settings::Ingest { transaction_bytes: limit, ..settings::Ingest::default() };
        let mut ingest = Recorded::new(log, Identity::default(), settings, None);
        cluster.set_faults(nothing_is_committed());
        for _ in 0..3_000 {
            ingest.step().unwrap();
            cluster.advance(10);
        }
        (all, ingest.progress().0)
    };
    let ((all, merged), (_, few)) = (waits(64 << 20), waits(LIMIT));
    assert!(few > 0 && few * 4 < merged, "{few} of {merged} records, {all} bytes");

    // Nine partitions, each of which may be read ahead as far as is stated, and far more than that in one of them.
    const AHEAD: usize = 4 << 20;
    let cluster = support::empty(1, 1);
    let log = cluster.process("one");
    let (long, short) = (topic::of_source(Source::Login), topic::of_source(Source::Support));
    let text = "x".repeat(60 << 10);
    let record = |number: usize, source: &str| {
        let rest = if source == "login" { r#""user":"ada""# } else { r#""ticket":"t","kind":"opened""# };
        format!(
            r#"{{"id":"{source}-{number}","account":"acme","time":"2026-01-01T00:00:00Z",{rest},"note":"{text}"}}"#
        )
    };
    for number in 0..200 {
        let record = record(number, "login");
        cluster.append_raw(&Partition::new(long.clone(), 0), Some(b"k"), Some(record.as_bytes()), None);
    }
    let record = record(0, "support");
    let held = Partition::new(short, 0);
    cluster.append_raw(&held, Some(b"k"), Some(record.as_bytes()), None);
    // What the other partition holds first is not known, so nothing can be merged.
    cluster.stall(&held, cluster.now() + 20_000);
    let most = merge(&cluster, &log, Some(few_records()), 64 << 20);
    assert!((AHEAD..AHEAD + (1 << 20)).contains(&most), "{most}");
    let consumed = cluster.committed_offset("vitals-ingest", &Partition::new(long, 0));
    assert_eq!(consumed.map(|committed| committed.offset), Some(200));
}
