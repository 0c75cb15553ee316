//! The sample company through a recorded run on the embedded log: everything accounted for, the replay equal.

#![allow(clippy::unwrap_used, reason = "a test")]

use log::embedded::{Durability, Embedded, Options};
use log::{Appends, Log, Transaction, Writer};
use pipeline::settings::{self, Identity};
use pipeline::{Progress, Recorded, Score, topic};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

const MODEL: &str = include_str!("../../../deploy/models/b2b.yaml");

fn open(dir: &Path) -> Embedded {
    let options = Options { durability: Durability::Buffered, ..Options::default() };
    Embedded::open(dir, options).unwrap()
}

fn produce(log: &Embedded, sample: &sample::Settings, partitions: u32) -> usize {
    let mut appends = Appends::default();
    let mut topics: BTreeMap<&str, Arc<str>> = BTreeMap::new();
    let mut writer = log.writer("producer").unwrap();
    let mut count = 0;
    for record in sample::company(sample) {
        let topic = topics.entry(record.topic).or_insert_with(|| record.topic.into());
        let partition = wire::partition_of(&record.key, partitions);
        appends.push_stamped(
            topic,
            partition,
            Some(record.time_ms),
            Some(record.key.as_bytes()),
            Some(&record.value),
            &[],
        );
        count += 1;
        if appends.size() > 4 << 20 {
            writer.commit(&Transaction { appends: &[&appends], offsets: &[], membership: None }).unwrap();
            appends.clear();
        }
    }
    writer.commit(&Transaction { appends: &[&appends], offsets: &[], membership: None }).unwrap();
    count
}

/// Runs to the end. Returns the greatest T.
fn run(log: &Embedded) -> i64 {
    let mut ingest = Recorded::new(log.clone(), Identity::default(), settings::Ingest::default(), None);
    let mut score = Score::new(log.clone(), Identity::default(), settings::Score::default());
    loop {
        let ingested = ingest.step().unwrap();
        score.step().unwrap();
        if ingested == Progress::Done {
            let round = log.ends(&[topic::JOURNAL.into()]).unwrap();
            let ends: Vec<i64> = round.topics[0].iter().map(|ends| ends.end).collect();
            if score.has_reached(&ends) {
                break;
            }
        }
    }
    let status = score.status();
    assert!(status.reasons.is_empty(), "{:?}", status.reasons);
    for feed in ingest.status().feeds {
        let of = (feed.source, feed.partition);
        let counts = status.shards.iter().flat_map(|shard| shard.counts.iter());
        let counts = counts.filter(|(source, partition, _)| (*source, *partition) == of);
        let folded = counts.map(|(.., count)| count.applied + count.duplicate + count.late + count.unused);
        assert_eq!(feed.consumed, folded.sum::<u64>() + feed.rejected + feed.skipped, "{of:?}");
    }
    ingest.stop();
    score.stop();
    let clocks = status.shards.iter().flat_map(|shard| &shard.clocks);
    clocks.map(|(_, watermark, _, _)| *watermark).max().unwrap()
}

#[test]
fn the_sample_company_is_scored_and_its_replay_is_equal() {
    let dir = tempfile::tempdir().unwrap();
    let log = open(dir.path());
    for spec in topic::specs(4, 3) {
        log.create(&spec).unwrap();
    }
    let sample = sample::Settings { accounts: 24, days: 90, ..sample::Settings::default() };
    let produced = produce(&log, &sample, 3);
    pipeline::publish(&log, MODEL, 1).unwrap();
    let began = std::time::Instant::now();
    let greatest = run(&log);
    assert!(greatest < sample.end_ms(), "a record from the future moves no clock");
    println!("{produced} records in {:?}", began.elapsed());
    let balance = pipeline::balance(&log).unwrap();
    for ((source, partition), account) in &balance {
        println!("{source}/{partition}: {account:?}");
        assert_eq!(account.unaccounted(), 0, "{source}/{partition}: {account:?}");
        assert_eq!(account.backwards, 0);
    }
    assert_eq!(balance.values().map(|account| account.records).sum::<u64>(), produced as u64);
    let verification = pipeline::verify(&log, "vitals", &mut |_| {}).unwrap();
    println!("{verification:?}");
    assert!(verification.is_equal(), "{verification:#?}");
    assert!(verification.compared > 1_000);
}
