//! When state is missing or older than the log allows, a shard does not go live, and says what to do.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

use log::simulated::{Cluster, Faults, Simulated};
use log::{Appends, Log, Partition, Transaction, Writer};
use pipeline::settings::{self, Identity, Rebuild};
use pipeline::status::Phase;
use pipeline::{Progress, Recorded, Score, topic};

const MODEL: &str = include_str!("../../../deploy/models/b2b.yaml");

/// A cluster on which a small sample was folded to its end.
fn folded() -> Cluster {
    let cluster = Cluster::new(7, Faults::none());
    let log = cluster.process("first");
    for spec in topic::specs(1, 1) {
        log.create(&spec).unwrap();
    }
    let sample = sample::Settings { accounts: 4, days: 12, ..sample::Settings::default() };
    let mut appends = Appends::default();
    for record in sample::company(&sample) {
        let (key, value) = (record.key.as_bytes(), record.value.as_slice());
        appends.push_stamped(&record.topic.into(), 0, Some(record.time_ms), Some(key), Some(value), &[]);
    }
    let mut writer = log.writer("producer").unwrap();
    writer.commit(&Transaction { appends: &[&appends], offsets: &[], membership: None }).unwrap();
    pipeline::publish(&log, MODEL, 1).unwrap();
    let mut ingest = Recorded::new(log.clone(), Identity::default(), settings::Ingest::default(), None);
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

/// Starts a score worker and drives it until its shard is live or refused.
fn phase(cluster: &Cluster, log: Simulated, settings: settings::Score) -> Phase {
    let mut score = Score::new(log, Identity { worker: 1, ..Identity::default() }, settings);
    for _ in 0..10_000 {
        score.step().unwrap();
        cluster.advance(20);
        if let Some(shard) = score.status().shards.first()
            && matches!(shard.phase, Phase::Live | Phase::Refused(_))
        {
            return shard.phase.clone();
        }
    }
    panic!("neither live nor refused: {:?}", score.status());
}

fn refused(cluster: &Cluster) -> String {
    let phase = phase(cluster, cluster.process("second"), settings::Score::default());
    let Phase::Refused(reason) = phase else { panic!("not refused but {phase:?}") };
    reason
}

#[test]
fn a_shard_whose_state_is_whole_goes_live() {
    let cluster = folded();
    assert_eq!(phase(&cluster, cluster.process("second"), settings::Score::default()), Phase::Live);
}

#[test]
fn a_truncated_state_is_refused_and_a_rebuild_mends_it() {
    let cluster = folded();
    let log = cluster.process("second");
    let end = log.ends(&[topic::STATE.into()]).unwrap().topics[0][0].end;
    cluster.truncate_before(&Partition::new(topic::STATE, 0), end);
    let reason = refused(&cluster);
    assert!(reason.contains("state is missing") && reason.contains("vitals run --rebuild"), "{reason}");
    let rebuild = settings::Score { rebuild: Rebuild::Yes, ..settings::Score::default() };
    assert_eq!(phase(&cluster, cluster.process("third"), rebuild), Phase::Live);
}

#[test]
fn a_journal_that_begins_after_the_checkpoint_is_refused() {
    let cluster = folded();
    let log = cluster.process("second");
    let end = log.ends(&[topic::JOURNAL.into()]).unwrap().topics[0][0].end;
    cluster.truncate_before(&Partition::new(topic::JOURNAL, 0), end);
    let reason = refused(&cluster);
    assert!(reason.contains("journal") && reason.contains("offset"), "{reason}");
}
