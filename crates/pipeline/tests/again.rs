//! A shard that was refused is tried again where what is missing can come back; where it cannot, it stays refused.
//! What goes while a worker runs is a refusal too, and ends nothing.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod support;

use log::simulated::{Cluster, Faults, Simulated};
use log::{Log, Partition};
use model::time::{HOUR, MINUTE};
use pipeline::settings::{self, Identity};
use pipeline::status::Phase;
use pipeline::{Score, topic};
use support::folded;

fn score(cluster: &Cluster, name: &str) -> Score<Simulated> {
    Score::new(
        cluster.process(name),
        Identity { worker: 1, ..Identity::default() },
        settings::Score::default(),
    )
}

/// Drives a worker for so long, or until its shard is `live`. From its first refusal on it says why it is not ready.
fn drive(cluster: &Cluster, score: &mut Score<Simulated>, ms: i64, live: bool) -> Option<String> {
    let (until, mut last) = (cluster.now() + ms, None);
    while cluster.now() < until {
        score.step().unwrap();
        cluster.advance(50);
        let status = score.status();
        let is_live = status.shards.first().is_some_and(|shard| shard.phase == Phase::Live);
        if is_live && live {
            assert!(status.reasons.is_empty(), "{:?}", status.reasons);
            return last;
        }
        assert!(is_live || last.is_none() || !status.reasons.is_empty(), "{status:?}");
        // That it has not joined yet is no refusal.
        let refusal = status.reasons.into_iter().find(|reason| !reason.contains("its group"));
        last = refusal.or(last);
    }
    assert!(!live, "not live: {:?}", score.status());
    last
}

#[test]
fn a_shard_goes_live_once_what_was_missing_is_back() {
    let cluster = folded();
    let state = Partition::new(topic::STATE, 0);
    let records = cluster.committed_records(&state);
    let model = records.iter().find(|record| record.key.as_ref().unwrap().starts_with(b"m\0")).unwrap();
    cluster.append_raw(&state, model.key.as_deref(), None, None);
    let mut score = score(&cluster, "second");
    let reason = drive(&cluster, &mut score, HOUR, false).unwrap();
    assert!(reason.contains("is missing in the state"), "{reason}");
    cluster.append_raw(&state, model.key.as_deref(), model.value.as_deref(), None);
    drive(&cluster, &mut score, HOUR, true);
}

#[test]
fn a_topic_that_comes_back_is_enough() {
    let cluster = Cluster::new(7, Faults::none());
    let log = cluster.process("setup");
    let (state, others): (Vec<_>, Vec<_>) =
        topic::specs(1, 1).into_iter().partition(|spec| *spec.name == *topic::STATE);
    others.iter().for_each(|spec| log.create(spec).unwrap());
    let mut score = score(&cluster, "second");
    let reason = drive(&cluster, &mut score, MINUTE, false).unwrap();
    assert!(reason.contains("the topic does not exist; `vitals setup` creates it"), "{reason}");
    log.create(&state[0]).unwrap();
    drive(&cluster, &mut score, HOUR, true);
}

#[test]
fn a_shard_whose_journal_asks_for_another_program_stays_refused() {
    let cluster = folded();
    cluster.append_raw(&Partition::new(topic::JOURNAL, 0), None, Some(b"of a later version"), None);
    let mut score = score(&cluster, "second");
    let reason = drive(&cluster, &mut score, 5_000, false).unwrap();
    assert!(reason.starts_with("vitals.journal/0: the journal record at offset"), "{reason}");
    assert!(reason.contains("run the version of vitals that wrote it"), "{reason}");
    for _ in 0..20_000 {
        score.step().unwrap();
        cluster.advance(50);
        assert_eq!(score.status().shards[0].phase, Phase::Refused(reason.clone()));
    }
}

/// Truncates a partition to its end, behind what a worker has read and before what it will read.
fn truncate(cluster: &Cluster, partition: &Partition) {
    for _ in 0..2 {
        cluster.append_raw(partition, None, Some(b"x"), None);
    }
    let end = cluster.committed_records(partition).last().unwrap().offset;
    cluster.truncate_before(partition, end);
}

#[test]
fn a_journal_that_is_truncated_under_a_worker_is_refused_and_ends_nothing() {
    let cluster = folded();
    let mut score = score(&cluster, "second");
    drive(&cluster, &mut score, HOUR, true);
    truncate(&cluster, &Partition::new(topic::JOURNAL, 0));
    let reason = drive(&cluster, &mut score, 5_000, false).unwrap();
    assert!(reason.contains("were deleted before they were read") && reason.contains("backup"), "{reason}");
    // Tried again it finds no way on.
    let reason = drive(&cluster, &mut score, HOUR, false).unwrap();
    assert!(reason.contains("the journal begins at offset") && reason.contains("backup"), "{reason}");
}
