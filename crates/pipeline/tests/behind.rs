//! A source partition whose topic has lost records that were not read: it is refused and nothing else is, until the
//! loss is accepted in so many words; then it goes on, and what is gone is counted.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod support;

use log::simulated::{Cluster, Fault, Faults, Outcome, Simulated};
use log::{Log, Partition};
use model::source::Source;
use pipeline::settings::{self, Identity, Rebuild};
use pipeline::{Failure, Ingest, Progress, Recorded, Score, topic};

const GROUP: &str = "vitals-ingest";

/// A cluster with a model, two partitions of each source and one of the journal.
fn cluster() -> Cluster {
    support::empty(1, 2)
}

fn of(source: Source, number: u32) -> Partition {
    Partition::new(topic::of_source(source), number)
}

/// Appends so many activities to a partition.
fn append(cluster: &Cluster, partition: &Partition, count: usize) {
    for _ in 0..count {
        let offset = cluster.committed_records(partition).last().map_or(0, |record| record.offset + 1);
        let id = format!("{partition}@{offset}");
        let value = format!(
            r#"{{"id":"{id}","account":"acme","time":"2026-01-01T00:00:00Z","user":"ada","feature":"x"}}"#
        );
        cluster.append_raw(partition, Some(b"acme"), Some(value.as_bytes()), None);
    }
}

fn ingest(cluster: &Cluster, name: &str) -> Ingest<Simulated> {
    Ingest::new(cluster.process(name), Identity::default(), settings::Ingest::default())
}

fn drive(cluster: &Cluster, ingest: &mut Ingest<Simulated>, ms: i64) {
    let until = cluster.now() + ms;
    while cluster.now() < until {
        ingest.step().unwrap();
        cluster.advance(20);
    }
}

/// Takes in three logins of partition 0 and leaves; of the five that come then, three are deleted.
fn fall_behind(cluster: &Cluster) {
    append(cluster, &of(Source::Login, 0), 3);
    append(cluster, &of(Source::Login, 1), 1);
    append(cluster, &of(Source::FeatureUsage, 0), 1);
    let mut ingest = ingest(cluster, "before");
    drive(cluster, &mut ingest, 8_000);
    ingest.stop();
    append(cluster, &of(Source::Login, 0), 5);
    cluster.truncate_before(&of(Source::Login, 0), 6);
}

/// Why login/0 is refused, in words; `None` if it is not.
fn refusal(ingest: &Ingest<Simulated>) -> Option<String> {
    let reasons = ingest.status().reasons;
    assert!(reasons.len() < 2, "{reasons:?}");
    reasons.into_iter().next()
}

/// How many records of a partition were consumed.
fn consumed(ingest: &Ingest<Simulated>, source: Source, number: u32) -> u64 {
    let feeds = ingest.status().feeds;
    feeds.iter().find(|feed| (feed.source, feed.partition) == (source, number)).unwrap().consumed
}

/// Folds all there is, and says up to where: T of logins and of usage.
fn times(cluster: &Cluster) -> [i64; 2] {
    let log = cluster.process("score");
    let mut score = Score::new(log.clone(), Identity::default(), settings::Score::default());
    for _ in 0..10_000 {
        score.step().unwrap();
        cluster.advance(20);
        let round = log.ends(&[topic::JOURNAL.into()]).unwrap();
        if score.has_reached(&[round.topics[0][0].end]) {
            let clocks = score.status().shards[0].clocks.clone();
            score.stop();
            let time = |of| clocks.iter().find(|(source, ..)| *source == of).unwrap().1;
            return [time(Source::Login), time(Source::FeatureUsage)];
        }
    }
    panic!("not folded: {:?}", score.status());
}

/// The one message there is: what, where, the rule, the way out.
fn assert_told(reason: &str, committed: i64, first: i64) {
    for part in [
        "vitals.login/0: ",
        &format!("its committed offset {committed} lies before the first offset {first} of its topic"),
        "deleted before they were read",
        "no record is passed over in silence",
        "`vitals source skip login --partition 0`",
    ] {
        assert_eq!(reason.matches(part).count(), 1, "{part}: {reason}");
    }
}

#[test]
fn a_partition_behind_its_topic_is_refused_and_all_others_go_on() {
    let cluster = cluster();
    fall_behind(&cluster);
    let before = times(&cluster);
    append(&cluster, &of(Source::Login, 1), 2);
    append(&cluster, &of(Source::FeatureUsage, 0), 2);
    let mut ingest = ingest(&cluster, "live");
    drive(&cluster, &mut ingest, 60_000);
    assert_told(&refusal(&ingest).unwrap(), 3, 6);
    assert_eq!(consumed(&ingest, Source::Login, 0), 3);
    assert_eq!(consumed(&ingest, Source::Login, 1), 3);
    assert_eq!(consumed(&ingest, Source::FeatureUsage, 0), 3);
    assert_eq!(cluster.committed_offset(GROUP, &of(Source::Login, 0)).unwrap().offset, 3);
    ingest.stop();
    // Nothing older than what was told is to come: of logins that is not known, of all others it is.
    let after = times(&cluster);
    assert_eq!(after[0], before[0]);
    assert!(after[1] > before[1] + 30_000, "{before:?} {after:?}");
}

#[test]
fn a_partition_that_falls_behind_under_a_worker_is_refused_and_all_others_go_on() {
    let cluster = cluster();
    append(&cluster, &of(Source::Login, 0), 3);
    let mut ingest = ingest(&cluster, "live");
    drive(&cluster, &mut ingest, 8_000);
    append(&cluster, &of(Source::Login, 0), 5);
    cluster.truncate_before(&of(Source::Login, 0), 6);
    append(&cluster, &of(Source::Login, 1), 2);
    drive(&cluster, &mut ingest, 20_000);
    assert_told(&refusal(&ingest).unwrap(), 3, 6);
    assert_eq!((consumed(&ingest, Source::Login, 0), consumed(&ingest, Source::Login, 1)), (3, 2));
}

/// What became of the logins of partition 0: applied, rejected, skipped, lost; of all others that none was lost.
fn account(cluster: &Cluster) -> [u64; 4] {
    let balance = pipeline::balance(&cluster.process("auditor")).unwrap();
    let lost: u64 = balance.values().map(|account| account.lost).sum();
    let account = balance[&(Source::Login, 0)];
    assert_eq!((account.backwards, account.duplicate, account.late, lost), (0, 0, 0, account.lost));
    [account.applied, account.rejected, account.skipped, account.lost]
}

/// Drives a worker until login/0 is refused, and accepts the loss.
fn accept(cluster: &Cluster, ingest: &mut Ingest<Simulated>) {
    drive(cluster, ingest, 10_000);
    assert_told(&refusal(ingest).unwrap(), 3, 6);
    assert_eq!(ingest.skip(Source::Login, 1), None);
    assert_eq!(ingest.skip(Source::Login, 7), None);
    assert_eq!(ingest.skip(Source::Login, 0), Some((3, 6)));
    assert_eq!(ingest.skip(Source::Login, 0), None, "once is enough");
}

#[test]
fn a_loss_that_is_accepted_is_counted_once_and_the_partition_goes_on() {
    let cluster = cluster();
    fall_behind(&cluster);
    let before = times(&cluster);
    let mut first = ingest(&cluster, "first");
    accept(&cluster, &mut first);
    drive(&cluster, &mut first, 20_000);
    assert_eq!(refusal(&first), None);
    assert_eq!(consumed(&first, Source::Login, 0), 5);
    first.stop();
    assert!(times(&cluster)[0] > before[0], "its source's time goes on");
    assert_eq!(account(&cluster), [5, 0, 0, 3]);
    // The next one knows of it too, and does not count it again.
    append(&cluster, &of(Source::Login, 0), 1);
    let mut second = ingest(&cluster, "second");
    drive(&cluster, &mut second, 20_000);
    assert_eq!(refusal(&second), None);
    let feeds = second.status().feeds;
    let lost = |number| feeds.iter().find(|feed| (feed.source, feed.partition) == (Source::Login, number));
    assert_eq!([0, 1].map(|number| lost(number).unwrap().lost), [3, 0]);
    second.stop();
    times(&cluster);
    assert_eq!(account(&cluster), [6, 0, 0, 3]);
}

#[test]
fn a_loss_that_is_accepted_is_counted_once_wherever_the_worker_dies() {
    let (mut again, mut known) = (0, 0);
    for steps in 0..24 {
        let cluster = cluster();
        fall_behind(&cluster);
        let log = cluster.process("first");
        let mut first = Ingest::new(log.clone(), Identity::default(), settings::Ingest::default());
        accept(&cluster, &mut first);
        // Half of the time of which nothing is known when it dies.
        let faults =
            Faults::none().with(Fault::UnknownAborted, 250_000).with(Fault::UnknownCommitted, 250_000);
        cluster.set_faults(if steps % 2 == 0 { Faults::none() } else { faults });
        for _ in 0..steps {
            first.step().unwrap();
            cluster.advance(10);
        }
        cluster.kill(&log);
        cluster.set_faults(Faults::none());
        // The group takes the dead one for alive for a while.
        cluster.advance(60_000);
        let mut second = ingest(&cluster, "second");
        drive(&cluster, &mut second, 20_000);
        if refusal(&second).is_some() {
            assert_told(&refusal(&second).unwrap(), 3, 6);
            assert_eq!(second.skip(Source::Login, 0), Some((3, 6)));
            drive(&cluster, &mut second, 20_000);
            again += 1;
        } else {
            known += 1;
        }
        assert_eq!(refusal(&second), None);
        second.stop();
        times(&cluster);
        assert_eq!(account(&cluster), [5, 0, 0, 3], "{steps}");
    }
    assert!(again > 2 && known > 2, "it died before that was committed {again} times, and after it {known}");
}

#[test]
fn offsets_that_are_lost_where_records_are_too_are_found_again_and_nothing_is_lost_twice() {
    let cluster = cluster();
    fall_behind(&cluster);
    let rebuild = |name: &str| {
        cluster.forget_offsets(GROUP);
        let settings = settings::Ingest { rebuild: Rebuild::Yes, ..settings::Ingest::default() };
        Ingest::new(cluster.process(name), Identity::default(), settings)
    };
    // The journal tells where it was, and that is behind.
    let mut first = rebuild("first");
    accept(&cluster, &mut first);
    // No more than that is committed.
    cluster.stall(&of(Source::Login, 0), cluster.now() + 5_000);
    drive(&cluster, &mut first, 4_000);
    assert_eq!(consumed(&first, Source::Login, 0), 3);
    assert_eq!(cluster.committed_offset(GROUP, &of(Source::Login, 0)).unwrap().offset, 6);
    first.stop();
    // The journal tells that too.
    let mut second = rebuild("second");
    drive(&cluster, &mut second, 20_000);
    assert_eq!(refusal(&second), None);
    second.stop();
    times(&cluster);
    assert_eq!(account(&cluster), [5, 0, 0, 3]);
}

#[test]
fn a_source_that_was_stopped_while_its_topic_forgot_needs_both_ways_out() {
    let cluster = cluster();
    append(&cluster, &of(Source::Login, 0), 3);
    // Stopped by what is bad, its topic goes on to forget.
    let settings = settings::Ingest { stop_in_a_row: 1, ..settings::Ingest::default() };
    let mut ingest = Ingest::new(cluster.process("live"), Identity::default(), settings);
    cluster.append_raw(&of(Source::Login, 0), None, Some(b"no activity"), None);
    drive(&cluster, &mut ingest, 8_000);
    append(&cluster, &of(Source::Login, 0), 5);
    cluster.truncate_before(&of(Source::Login, 0), 6);
    drive(&cluster, &mut ingest, 8_000);
    let reasons = ingest.status().reasons;
    assert_eq!(reasons.len(), 2, "{reasons:?}");
    assert_told(&reasons[0], 4, 6);
    assert!(reasons[1].contains("source login is stopped"), "{reasons:?}");
    // What is accepted lets nothing go on that was stopped, and the other way round.
    assert_eq!(ingest.resume(Source::Login).unwrap(), 2);
    drive(&cluster, &mut ingest, 8_000);
    assert_told(&refusal(&ingest).unwrap(), 4, 6);
    assert_eq!(ingest.skip(Source::Login, 0), Some((4, 6)));
    drive(&cluster, &mut ingest, 8_000);
    assert_eq!(refusal(&ingest), None);
    ingest.stop();
    times(&cluster);
    assert_eq!(account(&cluster), [6, 1, 0, 2]);
}

#[test]
fn what_is_deleted_once_it_was_read_is_no_loss_though_a_transaction_ended_with_it() {
    let cluster = cluster();
    append(&cluster, &of(Source::Login, 0), 1);
    let foreign = cluster.open_foreign();
    cluster.append_foreign(&foreign, &of(Source::Login, 0), Some(b"acme"), Some(b"no activity"), None);
    cluster.close_foreign(foreign, Outcome::Commit);
    let mut first = ingest(&cluster, "first");
    drive(&cluster, &mut first, 8_000);
    assert_eq!(consumed(&first, Source::Login, 0), 2);
    first.stop();
    // What ends a transaction takes an offset of its own.
    let log = cluster.process("looker");
    let end = log.ends(&[topic::of_source(Source::Login)]).unwrap().topics[0][0].end;
    assert_eq!(end, 3);
    cluster.truncate_before(&of(Source::Login, 0), end);
    append(&cluster, &of(Source::Login, 0), 1);
    let mut second = ingest(&cluster, "second");
    drive(&cluster, &mut second, 8_000);
    assert_eq!(refusal(&second), None);
    assert_eq!(consumed(&second, Source::Login, 0), 3);
}

#[test]
fn a_recorded_run_whose_source_is_truncated_ends_with_the_refusal() {
    let cluster = cluster();
    // More of partition 0 than is read ahead, and none of partition 1 while it stalls: nothing can be merged.
    let large = "x".repeat(900_000);
    for offset in 0..8 {
        let value =
            format!(r#"{{"id":"{offset}","account":"acme","time":"2026-01-01T00:00:00Z","x":"{large}"}}"#);
        cluster.append_raw(&of(Source::Login, 0), Some(b"acme"), Some(value.as_bytes()), None);
    }
    append(&cluster, &of(Source::Login, 1), 1);
    cluster.stall(&of(Source::Login, 1), cluster.now() + 10_000);
    let mut recorded =
        Recorded::new(cluster.process("recorded"), Identity::default(), settings::Ingest::default(), None);
    let mut failure = None;
    for step in 0..5_000 {
        cluster.advance(20);
        if step == 400 {
            assert!(recorded.progress().1 > 0, "it has begun");
            cluster.truncate_before(&of(Source::Login, 0), 8);
        }
        match recorded.step() {
            Ok(Progress::Done) => panic!("done"),
            Ok(Progress::Worked | Progress::Idle) => {}
            Err(told) => {
                failure = Some(told);
                break;
            }
        }
    }
    let Some(Failure::Refused { partition, reason, remedy }) = failure else {
        panic!("not refused but {failure:?}, {:?}", recorded.status())
    };
    assert_eq!(partition, of(Source::Login, 0));
    assert!(reason.contains("deleted before they were read"), "{reason}");
    assert!(remedy.contains("begin anew"), "{remedy}");
}
