//! Where a recorded run ends: at the ends with which it began, or the instant that was given, whatever comes meanwhile.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod support;

use engine::entry::Entry;
use log::simulated::{Cluster, Simulated};
use log::{Log, Partition};
use model::source::Source;
use model::time::{DAY, EventTime};
use pipeline::settings::{self, Identity};
use pipeline::{Failure, Ingest, Progress, Recorded, topic};
use wire::frame::FrameBuffer;

fn login(number: u32) -> Partition {
    Partition::new(topic::of_source(Source::Login), number)
}

/// Midnight of so many days after New Year.
fn midnight(day: i64) -> EventTime {
    EventTime(EventTime::parse("2026-01-01T00:00:00Z").unwrap().0 + day * DAY)
}

/// Appends a login of each of these days.
fn append(cluster: &Cluster, partition: u32, days: &[i64]) {
    for day in days {
        let time = midnight(*day);
        let value = format!(r#"{{"id":"{partition}-{day}","account":"acme","time":"{time}","user":"ada"}}"#);
        cluster.append_raw(&login(partition), Some(b"acme"), Some(value.as_bytes()), Some(time.0)).unwrap();
    }
}

fn recorded(process: Simulated, until: Option<EventTime>) -> Recorded<Simulated> {
    // A transaction for each record, as good as.
    let settings = settings::Ingest { transaction_bytes: 1, ..settings::Ingest::default() };
    Recorded::new(process, Identity::default(), settings, until.map(|until| until.0))
}

fn finish(cluster: &Cluster, mut run: Recorded<Simulated>) -> Result<(), Failure> {
    for _ in 0..4_000 {
        if run.step()? == Progress::Done {
            run.stop();
            return Ok(());
        }
        cluster.advance(20);
    }
    panic!("not done: {:?}", run.status());
}

/// What the journal tells, in its order: the days of logins, and how far they are complete at last.
fn told(cluster: &Cluster) -> (Vec<i64>, Option<i64>) {
    let (mut days, mut complete) = (Vec::new(), None);
    let mut frame = FrameBuffer::default();
    for record in cluster.committed_records(&Partition::new(topic::JOURNAL, 0)) {
        frame.load(record.value.as_deref().unwrap()).unwrap();
        let mut entries = frame.reader();
        while let Some(entry) = entries.next_entry().unwrap() {
            match entry {
                Entry::Activity(activity) => days.push((activity.time.0 - midnight(0).0) / DAY),
                Entry::Watermarks(marks) => {
                    let logins = marks.sources.iter().filter(|mark| mark.source == Source::Login);
                    let marks = logins.flat_map(|mark| &mark.partitions).filter_map(|part| part.watermark);
                    complete = complete.max(marks.map(|at| at.0).max());
                }
                Entry::Model(_) | Entry::FoldVersion(_) => {}
            }
        }
    }
    (days, complete)
}

#[test]
fn what_comes_after_it_began_is_not_of_it_though_it_crashes() {
    let cluster = support::empty(1, 2);
    append(&cluster, 0, &[1, 2, 3]);
    append(&cluster, 1, &[5, 9]);
    let first = cluster.process("first");
    let mut run = recorded(first.clone(), None);
    while told(&cluster).0.len() < 3 {
        assert_ne!(run.step().unwrap(), Progress::Done);
        cluster.advance(20);
    }
    cluster.kill(&first);
    // The first partition is merged to its end by now: what comes there, of days that have passed, would be merged late.
    append(&cluster, 0, &[1, 4]);
    cluster.add_partitions(&topic::of_source(Source::Login), 3);
    append(&cluster, 2, &[0]);
    finish(&cluster, recorded(cluster.process("second"), None)).unwrap();
    let (days, complete) = told(&cluster);
    assert_eq!(days, [1, 2, 3, 5, 9]);
    // Complete up to the last one less the max delay, as the data are that were there at first.
    assert!(complete.is_some_and(|at| at > midnight(8).0 && at <= midnight(9).0 + DAY), "{complete:?}");
    // It has ended, once and for all; the rest is for a live run.
    finish(&cluster, recorded(cluster.process("third"), None)).unwrap();
    assert_eq!(told(&cluster).0.len(), 5);
    let mut live = Ingest::new(cluster.process("live"), Identity::default(), settings::Ingest::default());
    for _ in 0..2_000 {
        live.step().unwrap();
        cluster.advance(20);
    }
    let mut days = told(&cluster).0.split_off(5);
    days.sort_unstable();
    assert_eq!(days, [0, 1, 4]);
}

#[test]
fn nothing_that_happened_after_the_given_end_is_taken_in() {
    let cluster = support::empty(1, 2);
    append(&cluster, 0, &[1, 4, 2]);
    append(&cluster, 1, &[2, 3, 5]);
    finish(&cluster, recorded(cluster.process("first"), Some(midnight(3)))).unwrap();
    let (days, complete) = told(&cluster);
    // What stands behind one of a later day is not reached.
    assert_eq!(days, [1, 2, 3]);
    assert_eq!(complete, Some(midnight(3).0 - 5 * 60_000));
}

#[test]
fn a_run_without_a_model_is_refused() {
    let cluster = Cluster::new(7, log::simulated::Faults::none());
    let log = cluster.process("setup");
    for spec in topic::specs(1, 1) {
        log.create(&spec).unwrap();
    }
    append(&cluster, 0, &[1]);
    let said = finish(&cluster, recorded(cluster.process("first"), None)).unwrap_err().to_string();
    assert_eq!(said, "vitals.model/0: no model is published; publish one with `vitals model publish FILE`");
}

#[test]
fn a_topic_that_ends_before_its_run_is_refused() {
    let cluster = support::empty(1, 1);
    append(&cluster, 0, &[1, 2, 3]);
    let first = cluster.process("first");
    let mut run = recorded(first.clone(), None);
    while told(&cluster).0.len() < 2 {
        run.step().unwrap();
        cluster.advance(20);
    }
    cluster.kill(&first);
    cluster.recreate(&login(0));
    append(&cluster, 0, &[1, 2]);
    let said = finish(&cluster, recorded(cluster.process("second"), None)).unwrap_err().to_string();
    assert!(said.contains("began with an end of 3, and the topic ends at 2 now"), "{said}");
}
