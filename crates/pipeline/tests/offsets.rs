//! Where the offsets of ingest are lost, nothing is read twice and nothing is left out.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod support;

use engine::entry::Entry;
use log::simulated::{Cluster, Faults, Outcome, Simulated};
use log::{Cleanup, Committed, Log, Partition, TopicSpec};
use model::source::Source;
use pipeline::settings::{self, Identity, Rebuild};
use pipeline::{Failure, Ingest, Progress, Recorded, Score, topic};
use std::sync::Arc;
use wire::activity::{Decoder, Limits};
use wire::frame::Writer as FrameWriter;

const GROUP: &str = "vitals-ingest";

/// A cluster with a model.
fn cluster() -> Cluster {
    support::empty(2, 2)
}

fn login(number: u32) -> Partition {
    Partition::new(topic::of_source(Source::Login), number)
}

/// Appends to a partition of logins: `a` an activity, `b` a record that is none, `-` one without a value.
fn append(cluster: &Cluster, partition: u32, what: &str) {
    for kind in what.chars() {
        let number = cluster.committed_records(&login(partition)).len();
        let good = format!(
            r#"{{"id":"{partition}-{number}","account":"acme-{}","time":"2026-01-01T00:00:00Z","user":"ada"}}"#,
            number % 3
        );
        let value: Option<&[u8]> = match kind {
            'a' => Some(good.as_bytes()),
            'b' => Some(b"no activity"),
            _ => None,
        };
        cluster.append_raw(&login(partition), Some(b"k"), value, None);
    }
}

fn ingest(cluster: &Cluster, name: &str, rebuild: Rebuild) -> Ingest<Simulated> {
    let settings = settings::Ingest { rebuild, ..settings::Ingest::default() };
    Ingest::new(cluster.process(name), Identity::default(), settings)
}

/// Lets ingest run for a while, and then leave. Returns why partitions were refused at the end.
fn run(cluster: &Cluster, mut ingest: Ingest<Simulated>, ms: i64) -> Vec<String> {
    let until = cluster.now() + ms;
    while cluster.now() < until {
        ingest.step().unwrap();
        cluster.advance(20);
    }
    let reasons = ingest.status().reasons;
    ingest.stop();
    reasons.into_iter().filter(|reason| !reason.contains("its group")).collect()
}

/// The same, where nothing is refused.
fn run_well(cluster: &Cluster, ingest: Ingest<Simulated>, ms: i64) {
    assert_eq!(run(cluster, ingest, ms), Vec::<String>::new());
}

/// Folds all there is, and says what became of the logins: records, applied, rejected, skipped, dead letters.
fn account(cluster: &Cluster) -> Vec<[u64; 4]> {
    let log = cluster.process("score");
    let mut score = Score::new(log.clone(), Identity::default(), settings::Score::default());
    for _ in 0..10_000 {
        score.step().unwrap();
        cluster.advance(20);
        let round = log.ends(&[Arc::from(topic::JOURNAL)]).unwrap();
        let ends: Vec<i64> = round.topics[0].iter().map(|ends| ends.end).collect();
        if score.has_reached(&ends) {
            break;
        }
    }
    score.stop();
    let balance = pipeline::balance(&log).unwrap();
    let account = |number| {
        let account = balance[&(Source::Login, number)];
        assert_eq!((account.unaccounted(), account.backwards), (0, 0), "{account:?}");
        assert_eq!(account.duplicate + account.late, 0, "{account:?}");
        [account.records, account.applied, account.rejected, account.skipped]
    };
    (0..2).map(account).collect()
}

fn letters(cluster: &Cluster) -> usize {
    cluster.committed_records(&Partition::new(topic::DEAD_LETTER, 0)).len()
}

/// The reason and the way out of a refusal.
fn refusal(result: Result<(), Failure>) -> String {
    match result {
        Err(failure @ Failure::Refused { .. }) => failure.to_string(),
        other => panic!("not refused but {other:?}"),
    }
}

#[test]
fn a_source_whose_offsets_are_lost_is_refused_and_a_rebuild_goes_on_where_it_was() {
    // With the last records of every kind, told of (after seconds) or not yet told of (after a few steps).
    for (first, second) in [("aab-a", "-"), ("a-a", "bb"), ("b-", "a"), ("-a--", "a"), ("---", "b")] {
        for untold in [40, 80, 200, 5_000] {
            let cluster = cluster();
            append(&cluster, 0, first);
            append(&cluster, 1, "a");
            run_well(&cluster, ingest(&cluster, "first", Rebuild::No), 8_000);
            append(&cluster, 0, second);
            run_well(&cluster, ingest(&cluster, "second", Rebuild::No), untold);
            let before = letters(&cluster);
            cluster.forget_offsets(GROUP);

            let said = run(&cluster, ingest(&cluster, "third", Rebuild::No), 8_000);
            assert!(said.iter().any(|said| said.starts_with("vitals.login/0: ")), "{said:?}");
            for said in said {
                assert!(said.contains(": no offset is committed, though"), "{said}");
                assert!(said.contains("vitals run --rebuild"), "{said}");
            }
            assert_eq!(letters(&cluster), before, "nothing was taken in");
            assert_eq!(cluster.committed_offset(GROUP, &login(0)), None);

            append(&cluster, 0, "ab-");
            run_well(&cluster, ingest(&cluster, "fourth", Rebuild::Yes), 8_000);
            // Once is enough.
            append(&cluster, 0, "a");
            run_well(&cluster, ingest(&cluster, "fifth", Rebuild::No), 8_000);
            let all = format!("{first}{second}ab-a");
            let count = |kind| all.chars().filter(|other| *other == kind).count() as u64;
            let expected = [all.len() as u64, count('a'), count('b'), count('-')];
            let told = account(&cluster);
            assert_eq!(told, [expected, [1, 1, 0, 0]], "{first} {second} {untold}");
            assert_eq!(letters(&cluster) as u64, count('b'));
        }
    }
}

#[test]
fn a_source_that_was_cut_off_or_made_anew_and_has_grown_again_is_refused_until_it_is_brought_back() {
    for kept in [0, 2] {
        let cluster = cluster();
        append(&cluster, 0, "aab-ab-");
        append(&cluster, 1, "a");
        run_well(&cluster, ingest(&cluster, "first", Rebuild::No), 8_000);
        let (records, before) =
            (cluster.committed_records(&login(0)), cluster.committed_offset(GROUP, &login(0)));
        let put = |records: &[log::simulated::Stored]| {
            for record in records {
                let (key, value) = (record.key.as_deref(), record.value.as_deref());
                cluster.append_raw(&login(0), key, value, None);
            }
        };
        cluster.recreate(&login(0));
        put(&records[..kept]);
        append(&cluster, 0, "aaaaaaaaa");
        let frames = cluster.committed_records(&Partition::new(topic::JOURNAL, 0)).len();
        for rebuild in [Rebuild::No, Rebuild::Yes] {
            // Long enough to be tried again.
            let said = run(&cluster, ingest(&cluster, "second", rebuild), 45_000);
            assert_eq!(said.len(), 1, "{said:?}");
            assert!(
                said[0].starts_with("vitals.login/0: the record that was read last, at offset 6, is not"),
                "{said:?}"
            );
            assert!(said[0].contains("backup"), "{said:?}");
        }
        assert_eq!(letters(&cluster), 2);
        assert_eq!(cluster.committed_offset(GROUP, &login(0)), before);
        // Nothing is proved of it: the time of its source stands.
        let told = |record: &log::simulated::Stored| {
            let mut frame = wire::frame::FrameBuffer::default();
            frame.load(record.value.as_deref().unwrap()).unwrap();
            let entries: Vec<bool> = frame
                .reader()
                .map(|entry| match entry.unwrap() {
                    Entry::Watermarks(told) => told.sources.iter().any(|mark| {
                        mark.source == Source::Login && mark.partitions.iter().any(|part| part.partition == 0)
                    }),
                    Entry::Activity(_) | Entry::Model(_) | Entry::FoldVersion(_) => false,
                })
                .collect();
            entries.contains(&true)
        };
        let since = &cluster.committed_records(&Partition::new(topic::JOURNAL, 0))[frames..];
        assert!(!since.is_empty() && !since.iter().any(told));

        cluster.recreate(&login(0));
        put(&records);
        append(&cluster, 0, "a");
        run_well(&cluster, ingest(&cluster, "third", Rebuild::No), 8_000);
        assert_eq!(account(&cluster), [[8, 4, 2, 2], [1, 1, 0, 0]], "{kept}");
    }
}

/// A cluster with two partitions of logins, which keep their records like this.
fn kept(cleanup: Cleanup) -> Cluster {
    let cluster = Cluster::new(7, Faults::none());
    let log = cluster.process("setup");
    let name = topic::of_source(Source::Login);
    for spec in topic::specs(2, 2) {
        log.create(&if spec.name == name { TopicSpec { cleanup, ..spec } } else { spec }).unwrap();
    }
    pipeline::publish(&log, support::MODEL, 1).unwrap();
    cluster
}

#[test]
fn a_gap_where_the_last_record_stood_is_another_topic_unless_it_is_compacted() {
    for cleanup in [Cleanup::Keep, Cleanup::Compact] {
        // With something after the gap, and with nothing but its end.
        for more in ["aa", ""] {
            let cluster = kept(cleanup);
            append(&cluster, 0, "aab-a");
            append(&cluster, 1, "a");
            run_well(&cluster, ingest(&cluster, "first", Rebuild::No), 8_000);
            cluster.recreate(&login(0));
            append(&cluster, 0, "aaa");
            // The end of a transaction stands where the last record stood.
            let foreign = cluster.open_foreign();
            assert!(cluster.append_foreign(&foreign, &login(0), Some(b"k"), None, None));
            cluster.close_foreign(foreign, Outcome::Commit);
            append(&cluster, 0, more);
            assert_eq!(cluster.span(&login(0)).1, 5 + more.len() as i64);
            let said = run(&cluster, ingest(&cluster, "second", Rebuild::No), 8_000);
            let is_refused =
                said.iter().any(|said| said.contains("vitals.login/0: the record that was read last"));
            assert_eq!(is_refused, cleanup == Cleanup::Keep, "{said:?}");
        }
    }
}

#[test]
fn a_stopped_source_is_told_of_after_a_restart_and_gives_its_partitions_up() {
    let cluster = cluster();
    let settings = settings::Ingest { stop_in_a_row: 3, ..settings::Ingest::default() };
    append(&cluster, 1, "a");
    run_well(&cluster, ingest(&cluster, "before", Rebuild::No), 8_000);
    append(&cluster, 0, "abbb");
    let mut first = Ingest::new(cluster.process("first"), Identity::default(), settings.clone());
    // Until the stop is committed, which is before it is told of.
    for _ in 0..400 {
        first.step().unwrap();
        cluster.advance(5);
        let committed = cluster.committed_offset(GROUP, &login(0));
        if committed.is_some_and(|committed| committed.offset == 4) {
            break;
        }
    }
    drop(first);
    let mut second = Ingest::new(cluster.process("second"), Identity::default(), settings.clone());
    let drive = |worker: &mut Ingest<Simulated>, ms: i64| {
        let until = cluster.now() + ms;
        while cluster.now() < until {
            worker.step().unwrap();
            cluster.advance(20);
        }
    };
    drive(&mut second, 70_000);
    assert!(second.status().reasons.iter().any(|reason| reason.contains("login is stopped")));
    assert_eq!(account(&cluster)[0], [4, 1, 3, 0]);
    // Another worker comes, and is given its share.
    let identity = Identity { worker: 1, ..Identity::default() };
    let mut third = Ingest::new(cluster.process("third"), identity, settings);
    for _ in 0..2_000 {
        second.step().unwrap();
        third.step().unwrap();
        cluster.advance(20);
    }
    let (two, three) = (second.status().feeds.len(), third.status().feeds.len());
    assert!(two > 0 && three > 0, "{two} {three}");
    assert_eq!(two + three, 2 * Source::ALL.len());
}

#[test]
fn partitions_of_which_nothing_is_delivered_are_given_up_when_they_are_asked_for() {
    let cluster = cluster();
    let all = || {
        Source::ALL.into_iter().flat_map(|source| [0, 1].map(|n| Partition::new(topic::of_source(source), n)))
    };
    for partition in all() {
        cluster.append_raw(&partition, Some(b"k"), Some(b"no activity"), None);
    }
    run_well(&cluster, ingest(&cluster, "first", Rebuild::No), 8_000);
    // It is not known of any of them whether its topic is the same.
    let until = cluster.now() + 100_000;
    all().for_each(|partition| cluster.stall(&partition, until));
    let mut second = ingest(&cluster, "second", Rebuild::No);
    for _ in 0..400 {
        second.step().unwrap();
        cluster.advance(20);
    }
    assert_eq!(second.status().feeds.len(), 2 * Source::ALL.len());
    let identity = Identity { worker: 1, ..Identity::default() };
    let mut third = Ingest::new(cluster.process("third"), identity, settings::Ingest::default());
    for _ in 0..100 {
        second.step().unwrap();
        third.step().unwrap();
        cluster.advance(20);
    }
    assert!(!third.status().feeds.is_empty(), "{:?}", third.status());
}

#[test]
fn a_source_whose_last_record_was_deleted_since_goes_on() {
    for first in [4, 5] {
        let cluster = cluster();
        append(&cluster, 0, "aab-a");
        append(&cluster, 1, "a");
        run_well(&cluster, ingest(&cluster, "first", Rebuild::No), 8_000);
        cluster.truncate_before(&login(0), first);
        run_well(&cluster, ingest(&cluster, "second", Rebuild::No), 8_000);
        append_after(&cluster, 5);
        let mut third = ingest(&cluster, "third", Rebuild::No);
        for _ in 0..400 {
            third.step().unwrap();
            cluster.advance(20);
        }
        let status = third.status();
        let feed =
            status.feeds.iter().find(|feed| (feed.source, feed.partition) == (Source::Login, 0)).unwrap();
        assert_eq!((feed.consumed, feed.rejected, feed.skipped, feed.position), (6, 1, 1, 6), "{first}");
    }
}

/// Appends an activity to the first partition of logins, of which the offset is known though others were deleted.
fn append_after(cluster: &Cluster, number: usize) {
    let good =
        format!(r#"{{"id":"0-{number}","account":"acme","time":"2026-01-01T00:00:00Z","user":"ada"}}"#);
    cluster.append_raw(&login(0), Some(b"k"), Some(good.as_bytes()), None);
}

#[test]
fn an_older_offset_that_is_brought_back_is_refused_and_a_rebuild_goes_on_where_it_was() {
    for second in ["a", "b", "-", "ba-"] {
        let cluster = cluster();
        append(&cluster, 0, "aab-a");
        append(&cluster, 1, "a");
        run_well(&cluster, ingest(&cluster, "first", Rebuild::No), 8_000);
        let older = cluster.committed_offset(GROUP, &login(0));
        append(&cluster, 0, second);
        run_well(&cluster, ingest(&cluster, "second", Rebuild::No), 8_000);
        let before = letters(&cluster);
        cluster.put_offset(GROUP, &login(0), older.clone());

        append(&cluster, 1, "a");
        let said = run(&cluster, ingest(&cluster, "third", Rebuild::No), 60_000);
        assert_eq!(said.len(), 1, "{said:?}");
        for part in ["vitals.login/0: ", "5 is older than what the journal was told", "vitals run --rebuild"]
        {
            assert_eq!(said[0].matches(part).count(), 1, "{part}: {said:?}");
        }
        assert_eq!(letters(&cluster), before, "nothing was taken in");
        assert_eq!(cluster.committed_offset(GROUP, &login(0)), older);

        append(&cluster, 0, "ab");
        run_well(&cluster, ingest(&cluster, "fourth", Rebuild::Yes), 8_000);
        append(&cluster, 0, "a");
        run_well(&cluster, ingest(&cluster, "fifth", Rebuild::No), 8_000);
        let all = format!("aab-a{second}aba");
        let count = |kind| all.chars().filter(|other| *other == kind).count() as u64;
        let expected = [all.len() as u64, count('a'), count('b'), count('-')];
        assert_eq!(account(&cluster), [expected, [2, 2, 0, 0]], "{second}");
        assert_eq!(letters(&cluster) as u64, count('b'));
    }
}

#[test]
fn an_older_offset_is_known_however_long_the_others_have_gone_on() {
    let cluster = cluster();
    append(&cluster, 0, "aab-a");
    append(&cluster, 1, "a");
    run_well(&cluster, ingest(&cluster, "first", Rebuild::No), 8_000);
    let older = cluster.committed_offset(GROUP, &login(0));
    append(&cluster, 0, "ba");
    run_well(&cluster, ingest(&cluster, "second", Rebuild::No), 8_000);
    let before = letters(&cluster);
    cluster.put_offset(GROUP, &login(0), older.clone());
    // Its last mark is far back by then, and it is tried again and again.
    append(&cluster, 1, "a");
    let journal = Partition::new(topic::JOURNAL, 0);
    let begun = cluster.committed_records(&journal).len();
    let said = run(&cluster, ingest(&cluster, "third", Rebuild::No), 1_200_000);
    assert!(cluster.committed_records(&journal).len() > begun + 1_000);
    assert!(said.len() == 1 && said[0].contains("5 is older than what the journal was told"), "{said:?}");
    let said = run(&cluster, ingest(&cluster, "fourth", Rebuild::No), 8_000);
    assert!(said.len() == 1 && said[0].contains("5 is older than what the journal was told"), "{said:?}");
    assert_eq!((letters(&cluster), cluster.committed_offset(GROUP, &login(0))), (before, older));
    run_well(&cluster, ingest(&cluster, "fifth", Rebuild::Yes), 8_000);
    assert_eq!(account(&cluster), [[7, 4, 2, 1], [2, 2, 0, 0]]);
    assert_eq!(letters(&cluster), 2);
}

#[test]
fn a_partition_that_is_new_has_lost_nothing() {
    let cluster = cluster();
    append(&cluster, 0, "aa");
    run_well(&cluster, ingest(&cluster, "first", Rebuild::No), 8_000);
    cluster.add_partitions(&topic::of_source(Source::Login), 3);
    append(&cluster, 2, "ab");
    run_well(&cluster, ingest(&cluster, "second", Rebuild::No), 60_000);
    assert_eq!(letters(&cluster), 1);
    assert_eq!(account(&cluster)[0], [2, 2, 0, 0]);
}

#[test]
fn where_the_journal_no_more_tells_the_place_it_is_refused_even_a_rebuild() {
    let cluster = cluster();
    append(&cluster, 0, "aa");
    run_well(&cluster, ingest(&cluster, "first", Rebuild::No), 8_000);
    run_well(&cluster, ingest(&cluster, "second", Rebuild::No), 8_000);
    cluster.forget_offsets(GROUP);
    for number in 0..2 {
        let partition = Partition::new(topic::JOURNAL, number);
        let last = cluster.committed_records(&partition).last().unwrap().offset;
        cluster.truncate_before(&partition, last);
    }
    let said = run(&cluster, ingest(&cluster, "third", Rebuild::Yes), 8_000);
    let of = |said: &&String| said.starts_with("vitals.login/0: ");
    let said = said.iter().find(of).unwrap_or_else(|| panic!("{said:?}"));
    assert!(said.contains("records were deleted") && said.contains("begin anew"), "{said}");
}

#[test]
fn a_recorded_run_whose_offsets_are_lost_is_refused() {
    let cluster = cluster();
    append(&cluster, 0, "aab");
    let settings = settings::Ingest { rebuild: Rebuild::Yes, ..settings::Ingest::default() };
    let recorded = |name| {
        let mut run = Recorded::new(cluster.process(name), Identity::default(), settings.clone(), None);
        for _ in 0..2_000 {
            cluster.advance(20);
            if run.step()? == Progress::Done {
                run.stop();
                return Ok(());
            }
        }
        panic!("not done: {:?}", run.status());
    };
    recorded("first").unwrap();
    // A second one has nothing to do.
    recorded("second").unwrap();
    // As if a backup had been restored that is as old as the run.
    let metadata = "i1 1 1 - - - 1 0 0 0 0 -".to_owned();
    cluster.put_offset(GROUP, &login(0), Some(Committed { offset: 1, metadata }));
    let said = refusal(recorded("third"));
    assert!(said.contains("older than what the journal was told") && said.contains("begin anew"), "{said}");
    cluster.forget_offsets(GROUP);
    let said = refusal(recorded("fourth"));
    assert!(said.contains("no offset is committed, though") && said.contains("begin anew"), "{said}");
}

#[test]
fn a_rebuild_of_a_topic_that_was_made_anew_is_refused_by_itself() {
    let cluster = cluster();
    append(&cluster, 0, "aaa");
    run_well(&cluster, ingest(&cluster, "first", Rebuild::No), 8_000);
    cluster.forget_offsets(GROUP);
    // The journal tells of more logins of partition 1 than there are.
    let frame = |offset| {
        let mut writer = FrameWriter::new(1);
        let value = r#"{"id":"x","account":"acme","time":"2026-01-01T00:00:00Z","user":"ada"}"#;
        let mut decoder = Decoder::new(Limits { max_record_bytes: 1 << 20 });
        let activity = decoder.decode(Source::Login, 1, offset, value.as_bytes()).unwrap();
        writer.push(&Entry::Activity(activity)).unwrap();
        let mut bytes = Vec::new();
        writer.finish(&mut bytes);
        bytes
    };
    cluster.append_raw(&Partition::new(topic::JOURNAL, 0), None, Some(&frame(41)), None);
    append(&cluster, 0, "a");
    let mut second = ingest(&cluster, "second", Rebuild::Yes);
    for _ in 0..400 {
        second.step().unwrap();
        cluster.advance(20);
    }
    let status = second.status();
    assert_eq!(status.reasons.len(), 1, "{:?}", status.reasons);
    let told = &status.reasons[0];
    assert!(
        told.starts_with("vitals.login/1: ") && told.contains("42 is beyond the end of the topic at 0"),
        "{told}"
    );
    let feed = status.feeds.iter().find(|feed| feed.source == Source::Login).unwrap();
    assert_eq!((feed.partition, feed.consumed), (0, 4));
}
