//! A small sample on a simulated cluster, folded to its end.

#![allow(dead_code, reason = "not every test uses all of it")]

use log::simulated::{Cluster, Fault, Faults, Simulated};
use log::{Appends, Log, Transaction, Writer};
use pipeline::settings::{self, Identity};
use pipeline::{Progress, Recorded, Score, topic};

/// The model of the sample.
pub(crate) const MODEL: &str = include_str!("../../../../deploy/models/b2b.yaml");

/// A cluster with a model, and nothing in it, of so many partitions of the journal and of each source.
pub(crate) fn empty(journal: u32, source: u32) -> Cluster {
    let cluster = Cluster::new(7, Faults::none());
    let log = cluster.process("setup");
    for spec in topic::specs(journal, source) {
        log.create(&spec).unwrap();
    }
    pipeline::publish(&log, MODEL, 1).unwrap();
    cluster
}

/// Appends the sample to the source topics.
pub(crate) fn append_sample(log: &Simulated) {
    let sample = sample::Settings { accounts: 4, days: 40, ..sample::Settings::default() };
    let mut appends = Appends::default();
    for record in sample::company(&sample) {
        let (key, value) = (record.key.as_bytes(), record.value.as_slice());
        appends.push_stamped(&record.topic.into(), 0, Some(record.time_ms), Some(key), Some(value), &[]);
    }
    let mut writer = log.writer("producer").unwrap();
    writer.commit(&Transaction { appends: &[&appends], offsets: &[], membership: None }).unwrap();
}

/// A cluster on which a small sample was folded to its end.
pub(crate) fn folded() -> Cluster {
    let cluster = Cluster::new(7, Faults::none().with(Fault::SmallBatch, 1_000_000));
    let log = cluster.process("first");
    for spec in topic::specs(1, 1) {
        log.create(&spec).unwrap();
    }
    append_sample(&log);
    pipeline::publish(&log, MODEL, 1).unwrap();
    // A few records at a time and many transactions, so that there is much to read again.
    let small = settings::Ingest { transaction_bytes: 100, ..settings::Ingest::default() };
    let mut ingest = Recorded::new(log.clone(), Identity::default(), small, None);
    let mut score = Score::new(log.clone(), Identity::default(), settings::Score::default());
    for _ in 0..100_000 {
        let done = ingest.step().unwrap() == Progress::Done;
        score.step().unwrap();
        cluster.advance(10);
        let ends: Vec<i64> =
            log.ends(&[topic::JOURNAL.into()]).unwrap().topics[0].iter().map(|e| e.end).collect();
        if done && score.has_reached(&ends) {
            ingest.stop();
            score.stop();
            return cluster;
        }
    }
    panic!("the sample was not folded");
}
