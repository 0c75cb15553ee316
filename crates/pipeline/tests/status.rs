//! What workers tell of themselves: how far a shard has come on its way back, what became of transactions.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod support;

use log::simulated::{Cluster, Fault, Faults, Simulated};
use log::{Log, Partition};
use model::source::Source;
use model::time::EventTime;
use pipeline::settings::{self, Identity};
use pipeline::status::{Phase, Transactions, Way};
use pipeline::{Progress, Recorded, Score, topic};
use support::{MODEL, append_sample, folded};

#[test]
fn a_shard_on_its_way_back_tells_how_far_it_has_come() {
    let cluster = folded();
    let log = cluster.process("second");
    let identity = Identity { worker: 1, ..Identity::default() };
    let mut score = Score::new(log.clone(), identity, settings::Score::default());
    let mut ways: Vec<(Phase, Way)> = Vec::new();
    for _ in 0..10_000 {
        score.step().unwrap();
        cluster.advance(20);
        let status = score.status();
        let Some(shard) = status.shards.first() else { continue };
        if shard.phase == Phase::Live {
            assert_eq!(shard.way, None);
            break;
        }
        ways.extend(shard.way.map(|way| (shard.phase.clone(), way)));
    }
    let ends = log.ends(&[topic::STATE.into(), topic::JOURNAL.into()]).unwrap();
    for (phase, end) in [(Phase::Restoring, ends.topics[0][0].end), (Phase::Replaying, ends.topics[1][0].end)]
    {
        let of: Vec<Way> = ways.iter().filter(|(of, _)| *of == phase).map(|(_, way)| *way).collect();
        assert!(of.len() > 1 && of.is_sorted_by_key(|way| way.done), "{phase:?}: {of:?}");
        assert!(of.iter().all(|way| way.done + way.left <= end.unsigned_abs()), "{phase:?}: {of:?}");
        assert!(of[0].left > 0 && of.last().unwrap().done > of[0].done, "{phase:?}: {of:?}");
    }
}

#[test]
fn accounts_are_told_as_they_were_counted_last_all_of_them() {
    let cluster = folded();
    let identity = Identity { worker: 1, ..Identity::default() };
    let mut score = Score::new(cluster.process("second"), identity, settings::Score::default());
    for _ in 0..10_000 {
        score.step().unwrap();
        cluster.advance(20);
        if score.status().shards.first().is_some_and(|shard| shard.phase == Phase::Live) {
            break;
        }
    }
    let counted = |score: &Score<Simulated>| {
        let shard = &score.status().shards[0];
        (shard.accounts as u64, shard.census.bands.values().sum::<u64>())
    };
    let (accounts, none) = counted(&score);
    assert!(accounts > 2 && none == 0, "{accounts} accounts, {none} counted");
    // The first time all at once; then the last count stands until the next is done.
    for _ in 0..2 * accounts + 1 {
        score.count(1);
        assert_eq!(counted(&score), (accounts, accounts));
    }
    score.count(usize::MAX);
    assert_eq!(counted(&score), (accounts, accounts));
}

#[test]
fn what_became_of_transactions_is_told_of_both_stages() {
    let faults = Faults::none()
        .with(Fault::Abort, 100_000)
        .with(Fault::Fenced, 50_000)
        .with(Fault::UnknownAborted, 100_000)
        .with(Fault::UnknownCommitted, 100_000);
    let cluster = Cluster::new(11, Faults::none());
    let log = cluster.process("first");
    for spec in topic::specs(1, 1) {
        log.create(&spec).unwrap();
    }
    append_sample(&log);
    pipeline::publish(&log, MODEL, 1).unwrap();
    cluster.set_faults(faults);
    let small = settings::Ingest { transaction_bytes: 1_000, ..settings::Ingest::default() };
    let mut ingest = Recorded::new(log.clone(), Identity::default(), small, None);
    let mut score = Score::new(log, Identity::default(), settings::Score::default());
    let mut doubts = [false; 2];
    for _ in 0..100_000 {
        let done = ingest.step().unwrap() == Progress::Done;
        score.step().unwrap();
        cluster.advance(2_000);
        let tallies = [ingest.status().transactions, score.status().transactions];
        let all = |of: &Transactions| of.committed.min(of.aborted).min(of.fenced).min(of.unknown) > 0;
        doubts = [doubts[0] || tallies[0].in_doubt, doubts[1] || tallies[1].in_doubt];
        if done {
            assert!(tallies.iter().all(all) && doubts == [true; 2], "{tallies:?}, in doubt {doubts:?}");
            assert!(tallies[0].committed > tallies[0].unknown && !tallies[0].in_doubt);
            return;
        }
    }
    panic!("the sample was not taken in");
}

#[test]
fn while_nothing_can_be_committed_each_stage_says_so_and_it_goes_away_by_itself() {
    let cluster = Cluster::new(12, Faults::none());
    let log = cluster.process("first");
    for spec in topic::specs(1, 1) {
        log.create(&spec).unwrap();
    }
    append_sample(&log);
    pipeline::publish(&log, MODEL, 1).unwrap();
    let small = settings::Ingest { transaction_bytes: 1_000, ..settings::Ingest::default() };
    let mut ingest = Recorded::new(log.clone(), Identity::default(), small, None);
    let mut score = Score::new(log, Identity::default(), settings::Score::default());
    let mut reasons = |rounds: usize| {
        for _ in 0..rounds {
            ingest.step().unwrap();
            score.step().unwrap();
            cluster.advance(1_000);
        }
        [ingest.status().reasons, score.status().reasons]
    };
    // There is something in the journal to be folded.
    assert_eq!(reasons(20), [const { Vec::<String>::new() }; 2]);
    cluster.set_faults(Faults::none().with(Fault::Abort, 1_000_000));
    for reasons in reasons(20) {
        assert!(reasons.len() == 1 && reasons[0].starts_with("nothing can be committed: "), "{reasons:?}");
    }
    cluster.set_faults(Faults::none());
    assert_eq!(reasons(20), [const { Vec::<String>::new() }; 2]);
}

/// Whether the clock of the logins stands after a recorded run up to `until`, with one login at midnight of 2026.
fn stands_at(until: &str) -> bool {
    let cluster = Cluster::new(13, Faults::none());
    let log = cluster.process("first");
    for spec in topic::specs(1, 1) {
        log.create(&spec).unwrap();
    }
    pipeline::publish(&log, MODEL, 1).unwrap();
    let login = br#"{"id":"1","account":"acme","time":"2026-01-01T00:00:00Z"}"#;
    let partition = Partition::new(topic::of_source(Source::Login), 0);
    let at = |text: &str| EventTime::parse(text).unwrap().0;
    cluster.append_raw(&partition, Some(b"acme"), Some(login), Some(at("2026-01-01T00:00:00Z"))).unwrap();
    let mut ingest =
        Recorded::new(log.clone(), Identity::default(), settings::Ingest::default(), Some(at(until)));
    let mut score = Score::new(log.clone(), Identity::default(), settings::Score::default());
    for _ in 0..10_000 {
        let done = ingest.step().unwrap() == Progress::Done;
        score.step().unwrap();
        cluster.advance(20);
        let ends = log.ends(&[topic::JOURNAL.into()]).unwrap();
        if done && score.has_reached(&[ends.topics[0][0].end]) {
            let status = score.status();
            let clocks = &status.shards[0].clocks;
            return clocks.iter().find(|(source, ..)| *source == Source::Login).unwrap().3;
        }
    }
    panic!("not folded: {:?}", score.status());
}

#[test]
fn a_source_that_is_silent_for_longer_than_its_model_allows_is_told_as_standing() {
    // The model allows 12 hours.
    assert!(!stands_at("2026-01-01T06:00:00Z"));
    assert!(stands_at("2026-01-02T00:00:00Z"));
}
