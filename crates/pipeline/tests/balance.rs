//! Every consumed record is told of, also where none of a source was ever accepted.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod support;

use log::simulated::Cluster;
use log::{Log, Partition};
use model::source::Source;
use pipeline::settings::{self, Identity};
use pipeline::{Account, Ingest, Progress, Recorded, Score, topic};
use std::sync::Arc;

/// A cluster with a model and one partition of everything.
fn cluster() -> Cluster {
    support::empty(1, 1)
}

/// Appends a record without a value, and some that are no activities.
fn append_bad(cluster: &Cluster, source: Source, count: usize) {
    let partition = Partition::new(topic::of_source(source), 0);
    cluster.append_raw(&partition, Some(b"k"), None, None);
    for _ in 0..count {
        cluster.append_raw(&partition, Some(b"k"), Some(b"no activity"), None);
    }
}

fn account(cluster: &Cluster, source: Source) -> Account {
    let balance = pipeline::balance(&cluster.process("auditor")).unwrap();
    balance[&(source, 0)]
}

/// Whether score has folded and committed all that ingest has said.
fn is_folded(cluster: &Cluster, score: &Score<log::simulated::Simulated>) -> bool {
    let log = cluster.process("looker");
    let round = log.ends(&[Arc::from(topic::JOURNAL)]).unwrap();
    score.has_reached(&[round.topics[0][0].end])
}

/// Lets live workers run until a source is accounted for.
fn run_live(cluster: &Cluster, settings: &settings::Ingest, clock_ms: i64) -> Account {
    let log = cluster.process("live");
    cluster.set_clock(&log, clock_ms);
    let mut ingest = Ingest::new(log.clone(), Identity::default(), settings.clone());
    let mut score = Score::new(log, Identity::default(), settings::Score::default());
    for _ in 0..2_000 {
        ingest.step().unwrap();
        score.step().unwrap();
        cluster.advance(20);
        if is_folded(cluster, &score) && account(cluster, Source::Login).unaccounted() == 0 {
            ingest.stop();
            score.stop();
            return account(cluster, Source::Login);
        }
    }
    panic!("not accounted for: {:?}", account(cluster, Source::Login));
}

#[test]
fn a_source_that_stops_before_its_first_accepted_record_is_accounted_for() {
    let cluster = cluster();
    append_bad(&cluster, Source::Login, 12);
    let settings = settings::Ingest { stop_in_a_row: 12, ..settings::Ingest::default() };
    let account = run_live(&cluster, &settings, 0);
    assert_eq!((account.records, account.rejected, account.skipped), (13, 12, 1), "{account:?}");
}

#[test]
fn a_source_that_has_no_watermark_is_accounted_for() {
    let cluster = cluster();
    append_bad(&cluster, Source::Login, 12);
    // With a clock that is wrong there is no watermark by the wall clock, and nothing is accepted.
    let account = run_live(&cluster, &settings::Ingest::default(), 3_600_000);
    assert_eq!((account.records, account.rejected, account.skipped), (13, 12, 1), "{account:?}");
}

#[test]
fn a_recorded_run_of_nothing_but_rejected_records_is_accounted_for() {
    let cluster = cluster();
    append_bad(&cluster, Source::Login, 12);
    let log = cluster.process("recorded");
    let mut ingest = Recorded::new(log.clone(), Identity::default(), settings::Ingest::default(), None);
    let mut score = Score::new(log, Identity::default(), settings::Score::default());
    for _ in 0..2_000 {
        let done = ingest.step().unwrap() == Progress::Done;
        score.step().unwrap();
        cluster.advance(20);
        if done && is_folded(&cluster, &score) {
            break;
        }
    }
    let account = account(&cluster, Source::Login);
    assert_eq!((account.rejected, account.skipped, account.unaccounted()), (12, 1, 0), "{account:?}");
}

/// Appends an activity of [`Source::Login`], or a record that is none.
fn append_login(cluster: &Cluster, number: usize, good: bool) {
    append_to(cluster, 0, number, good);
}

/// The same, to any of its partitions.
fn append_to(cluster: &Cluster, partition: u32, number: usize, good: bool) {
    let value = format!(r#"{{"id":"{number}","account":"acme","time":"2026-01-01T00:00:00Z"}}"#);
    let value = if good { value.as_bytes() } else { b"no activity" };
    let partition = Partition::new(topic::of_source(Source::Login), partition);
    cluster.append_raw(&partition, Some(b"acme"), Some(value), None).unwrap();
}

/// Lets a live ingest worker run for a while. Returns how many logins it consumed, and whether it stopped the source.
fn consume(cluster: &Cluster, ingest: &mut Ingest<log::simulated::Simulated>, ms: i64) -> (u64, bool) {
    let until = cluster.now() + ms;
    while cluster.now() < until {
        ingest.step().unwrap();
        cluster.advance(50);
    }
    let feeds = ingest.status().feeds;
    let feed = feeds.iter().find(|feed| feed.source == Source::Login).unwrap();
    (feed.consumed, feed.stopped)
}

fn share_of_ten(cluster: &Cluster) -> Ingest<log::simulated::Simulated> {
    let settings = settings::Ingest { stop_share_of: 10, ..settings::Ingest::default() };
    Ingest::new(cluster.process("live"), Identity::default(), settings)
}

#[test]
fn a_source_of_which_half_is_bad_stops_at_the_least_count() {
    let cluster = cluster();
    (0..20).for_each(|number| append_login(&cluster, number, number % 2 == 0));
    assert_eq!(consume(&cluster, &mut share_of_ten(&cluster), 20_000), (10, true));
}

#[test]
fn a_source_of_which_less_than_half_is_bad_goes_on() {
    let cluster = cluster();
    (0..30).for_each(|number| append_login(&cluster, number, number % 3 != 2));
    assert_eq!(consume(&cluster, &mut share_of_ten(&cluster), 20_000), (30, false));
}

#[test]
fn what_is_bad_counts_over_all_partitions_of_a_source_that_a_worker_has() {
    // Half of twenty, of which no partition has more than five.
    let cluster = cluster();
    cluster.add_partitions(&topic::of_source(Source::Login), 4);
    (0..20_u32).for_each(|number| append_to(&cluster, number / 2 % 4, number as usize, number % 2 == 0));
    assert!(consume(&cluster, &mut share_of_ten(&cluster), 20_000).1);
}

#[test]
fn what_is_accepted_of_a_source_ends_the_row_of_all_its_partitions() {
    let row_of_five = |cluster: &Cluster, name: &str| {
        let settings = settings::Ingest { stop_in_a_row: 5, ..settings::Ingest::default() };
        Ingest::new(cluster.process(name), Identity::default(), settings)
    };
    for good_between in [true, false] {
        let cluster = cluster();
        cluster.add_partitions(&topic::of_source(Source::Login), 2);
        (0..4).for_each(|number| append_to(&cluster, 1, number, false));
        let mut ingest = row_of_five(&cluster, "live");
        assert!(!consume(&cluster, &mut ingest, 20_000).1);
        append_to(&cluster, 0, 4, good_between);
        assert_eq!(consume(&cluster, &mut ingest, 20_000).1, !good_between);
        ingest.stop();
        // It is as if they had never been, after a restart too.
        let mut ingest = row_of_five(&cluster, "again");
        append_to(&cluster, 1, 5, false);
        assert_eq!(consume(&cluster, &mut ingest, 20_000).1, !good_between);
    }
}

#[test]
fn what_was_bad_more_than_five_minutes_ago_does_not_stop_a_source() {
    let cluster = cluster();
    let mut ingest = share_of_ten(&cluster);
    (0..9).for_each(|number| append_login(&cluster, number, false));
    assert_eq!(consume(&cluster, &mut ingest, 20_000), (9, false));
    assert_eq!(consume(&cluster, &mut ingest, 7 * 60_000), (9, false));
    (9..18).for_each(|number| append_login(&cluster, number, number % 2 == 0));
    assert_eq!(consume(&cluster, &mut ingest, 20_000), (18, false));
    append_login(&cluster, 18, false);
    assert_eq!(consume(&cluster, &mut ingest, 20_000), (19, true));
}

#[test]
fn a_wrong_clock_is_told_for_as_long_as_it_is_wrong() {
    let cluster = cluster();
    let log = cluster.process("live");
    cluster.set_clock(&log, 3_600_000);
    let mut ingest = Ingest::new(log.clone(), Identity::default(), settings::Ingest::default());
    let mut told = |steps: usize| -> Vec<bool> {
        let mut step = || {
            ingest.step().unwrap();
            cluster.advance(20);
            let reasons = ingest.status().reasons;
            reasons.iter().any(|reason| reason.starts_with("the clock of this machine is "))
        };
        (0..steps).map(|_| step()).collect()
    };
    told(1_000);
    assert!(told(500).iter().all(|told| *told));
    cluster.set_clock(&log, 0);
    told(1_000);
    assert!(told(500).iter().all(|told| !told));
}

#[test]
fn what_a_recorded_run_rejected_in_a_row_does_not_stop_the_live_run_after_it() {
    let cluster = cluster();
    append_bad(&cluster, Source::Login, 12);
    let settings = settings::Ingest { stop_in_a_row: 12, ..settings::Ingest::default() };
    let mut recorded =
        Recorded::new(cluster.process("recorded"), Identity::default(), settings.clone(), None);
    let done = (0..2_000).any(|_| {
        cluster.advance(20);
        recorded.step().unwrap() == Progress::Done
    });
    assert!(done);
    recorded.stop();
    append_bad(&cluster, Source::Login, 11);
    let mut live = Ingest::new(cluster.process("live"), Identity::default(), settings);
    assert_eq!(consume(&cluster, &mut live, 20_000), (25, false));
    append_bad(&cluster, Source::Login, 1);
    assert_eq!(consume(&cluster, &mut live, 20_000), (27, true));
}

/// What the audit says once the head of a shard is `value`.
fn refused(cluster: &Cluster, value: Option<&[u8]>) -> [String; 2] {
    cluster.append_raw(&Partition::new(topic::STATE, 0), Some(b"h\0"), value, None);
    let log = cluster.process("auditor");
    let balance = pipeline::balance(&log).unwrap_err();
    [balance, pipeline::verify(&log, "default", &mut |_| {}).unwrap_err()].map(|failure| failure.to_string())
}

#[test]
fn a_head_that_is_damaged_or_missing_is_refused_and_not_taken_for_one_of_nothing() {
    let cluster = cluster();
    append_bad(&cluster, Source::Login, 12);
    run_live(&cluster, &settings::Ingest::default(), 0);
    assert!(
        pipeline::verify(&cluster.process("auditor"), "default", &mut |_| {}).unwrap().untouched.is_empty()
    );
    for (value, reason) in [
        (None, "the head is missing"),
        (Some(&b"\x01no head"[..]), "the head cannot be read"),
        // The first of two parts.
        (Some(&b"\x02"[..]), "the head is missing"),
    ] {
        for told in refused(&cluster, value) {
            assert!(told.contains(reason) && told.contains("vitals run --rebuild"), "{told}");
        }
    }
}
