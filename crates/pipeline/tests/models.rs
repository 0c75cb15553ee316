//! A model is stored while anything names it, and no longer.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

use engine::FOLD_VERSION;
use engine::entry::Entry;
use log::simulated::{Cluster, Faults, Simulated};
use log::{Log, Partition};
use model::source::Source;
use model::time::{EventTime, SECOND};
use pipeline::settings::{self, Identity};
use pipeline::status::Phase;
use pipeline::{Ingest, Score, topic};
use std::collections::BTreeMap;
use std::time::Duration;

const MODEL: &str = include_str!("../../../deploy/models/b2b.yaml");

/// The models of which all parts are stored.
fn stored(cluster: &Cluster) -> usize {
    let mut latest = BTreeMap::new();
    for record in cluster.committed_records(&Partition::new(topic::STATE, 0)) {
        if record.key.as_ref().is_some_and(|key| key.starts_with(b"m\0")) {
            latest.insert(record.key, record.value);
        }
    }
    latest.values().filter(|value| value.is_some()).count()
}

fn score(cluster: &Cluster, name: &str) -> Score<Simulated> {
    let settings =
        settings::Score { checkpoint_interval: Duration::from_secs(1), ..settings::Score::default() };
    Score::new(cluster.process(name), Identity::default(), settings)
}

#[test]
fn models_that_nothing_names_are_removed_from_the_state() {
    let cluster = Cluster::new(7, Faults::none());
    let log = cluster.process("live");
    for spec in topic::specs(1, 1) {
        log.create(&spec).unwrap();
    }
    let mut ingest = Ingest::new(log.clone(), Identity::default(), settings::Ingest::default());
    let (mut worker, mut most) = (score(&cluster, "live"), 0);
    let login = Partition::new(topic::of_source(Source::Login), 0);
    for round in 0..160 {
        if round % 40 == 0 {
            let text = MODEL.replacen("publish_change: ", &format!("publish_change: {}", 1 + round / 40), 1);
            pipeline::publish(&log, &text, 1).unwrap();
        }
        let (account, time) = (round % 3, EventTime(cluster.now()));
        let value = format!(r#"{{"id":"{round}","time":"{time}","account":"a{account}","user":"ada"}}"#);
        cluster.append_raw(&login, Some(b"k"), Some(value.as_bytes()), None);
        cluster.advance(60 * SECOND);
        for _ in 0..40 {
            ingest.step().unwrap();
            worker.step().unwrap();
            cluster.advance(100);
        }
        most = most.max(stored(&cluster));
    }
    assert!(most >= 2, "models stand beside one another while accounts are under both");
    assert_eq!(stored(&cluster), 1);
    worker.stop();
    let mut again = score(&cluster, "again");
    for _ in 0..10_000 {
        again.step().unwrap();
        cluster.advance(20);
        match again.status().shards.first().map(|shard| shard.phase.clone()) {
            Some(Phase::Live) => return,
            Some(Phase::Refused(reason)) => panic!("{reason}"),
            _ => {}
        }
    }
    panic!("not live: {:?}", again.status());
}

/// The entries of each frame of the journal, in words.
fn frames(cluster: &Cluster) -> Vec<Vec<String>> {
    let entries = |value: &[u8]| {
        let mut frame = wire::frame::FrameBuffer::default();
        frame.load(value).unwrap();
        frame
            .reader()
            .map(|entry| match entry.unwrap() {
                Entry::FoldVersion(version) => format!("fold version {version}"),
                Entry::Model(_) => "model".to_owned(),
                Entry::Activity(_) | Entry::Watermarks(_) => "other".to_owned(),
            })
            .collect()
    };
    let records = cluster.committed_records(&Partition::new(topic::JOURNAL, 0));
    records.iter().map(|record| entries(record.value.as_ref().unwrap())).collect()
}

#[test]
fn a_journal_begins_with_its_fold_version_and_one_of_another_is_refused() {
    let cluster = Cluster::new(7, Faults::none());
    let log = cluster.process("live");
    for spec in topic::specs(1, 1) {
        log.create(&spec).unwrap();
    }
    pipeline::publish(&log, MODEL, 1).unwrap();
    pipeline::publish(&log, &MODEL.replacen("publish_change: 1", "publish_change: 2", 1), 1).unwrap();
    let first = format!("fold version {FOLD_VERSION}");
    assert_eq!(frames(&cluster), [vec![first, "model".to_owned()], vec!["model".to_owned()]]);

    let (mut writer, mut value) = (wire::frame::Writer::new(1), Vec::new());
    writer.push(&Entry::FoldVersion(FOLD_VERSION + 1)).unwrap();
    writer.finish(&mut value);
    cluster.append_raw(&Partition::new(topic::JOURNAL, 0), None, Some(&value), None);
    let mut worker = score(&cluster, "live");
    for _ in 0..2_000 {
        worker.step().unwrap();
        cluster.advance(20);
        if let Some(Phase::Refused(reason)) = worker.status().shards.first().map(|shard| shard.phase.clone())
        {
            assert!(
                reason.contains("fold version 2") && reason.contains("run one that contains it"),
                "{reason}"
            );
            return;
        }
    }
    panic!("not refused: {:?}", worker.status());
}
