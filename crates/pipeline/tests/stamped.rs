//! Where the log itself stamps records, the stamps say when activity was appended, whatever is in it; where producers do,
//! only the activity does.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod support;

use log::simulated::{Cluster, Faults};
use log::{Log, Partition, Stamp, TopicSpec};
use model::source::Source;
use model::time::{MINUTE, SECOND};
use pipeline::settings::{self, Identity};
use pipeline::{Ingest, topic};

/// A cluster whose logins are stamped like this, with activity that is two minutes old, then a record that is none, and
/// then an open transaction of somebody else: no end can be proved. Returns it and when the last record was appended.
fn backlog(stamp: Stamp) -> (Cluster, i64) {
    let cluster = Cluster::new(7, Faults::none());
    let log = cluster.process("setup");
    let name = topic::of_source(Source::Login);
    for spec in topic::specs(1, 1) {
        let spec = if spec.name == name { TopicSpec { stamp, ..spec } } else { spec };
        log.create(&spec).unwrap();
    }
    pipeline::publish(&log, support::MODEL, 1).unwrap();
    let login = Partition::new(name, 0);
    for number in 0..10 {
        cluster.advance(30 * SECOND);
        let time = model::time::EventTime(cluster.now() - 2 * MINUTE);
        let value = format!(r#"{{"id":"{number}","account":"acme","time":"{time}","user":"ada"}}"#);
        cluster.append_raw(&login, Some(b"k"), Some(value.as_bytes()), None);
    }
    cluster.advance(30 * SECOND);
    cluster.append_raw(&login, Some(b"k"), Some(b"no activity"), None);
    let appended = cluster.now();
    let foreign = cluster.open_foreign();
    assert!(cluster.append_foreign(&foreign, &login, Some(b"k"), None, None));
    (cluster, appended)
}

/// The watermark of logins once all that can be read is.
fn watermark(cluster: &Cluster) -> i64 {
    let mut ingest = Ingest::new(cluster.process("one"), Identity::default(), settings::Ingest::default());
    for _ in 0..1_000 {
        ingest.step().unwrap();
        cluster.advance(20);
    }
    let feed = ingest.status().feeds.into_iter().find(|feed| feed.source == Source::Login).unwrap();
    assert_eq!((feed.consumed, feed.rejected), (11, 1));
    feed.watermark.unwrap()
}

#[test]
fn time_in_a_backlog_goes_by_the_stamps_of_the_log_and_else_by_the_activity() {
    let plan = model::compile(support::MODEL).unwrap().plan;
    let rules = &plan.sources[Source::Login.index()];
    let (cluster, appended) = backlog(Stamp::Append);
    assert_eq!(watermark(&cluster), appended - rules.max_delay);
    let (cluster, appended) = backlog(Stamp::Create);
    let newest = appended - 30 * SECOND - 2 * MINUTE;
    assert_eq!(watermark(&cluster), newest - rules.max_skew - rules.max_delay);
}
