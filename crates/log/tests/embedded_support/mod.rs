//! What the tests of the embedded log share.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "tests: a failure is a panic"
)]
#![allow(dead_code, reason = "each test binary uses its own part")]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use vitals_log::embedded::{Embedded, Options};
use vitals_log::{
    Appends, Batch, Cleanup, Event, Isolation, Log, Partition, Reader, Receipt, Stamp, TopicSpec,
};
use vitals_log::{CommitError, Transaction, Writer};

/// Long enough for anything that must come, on a loaded machine.
pub(crate) const LONG: Duration = Duration::from_secs(30);

/// Options that do not look at how full the disk of the test machine is.
pub(crate) fn options() -> Options {
    Options { reserve_bytes: 0, ..Options::default() }
}

pub(crate) fn open(dir: &Path) -> Embedded {
    Embedded::open(dir, options()).unwrap()
}

pub(crate) fn spec(name: &str, partitions: u32, cleanup: Cleanup) -> TopicSpec {
    TopicSpec { name: name.into(), partitions, stamp: Stamp::Append, cleanup, max_record_bytes: 1 << 20 }
}

/// Commits records (topic, partition, key, value) as one transaction.
pub(crate) fn append(
    writer: &mut impl Writer,
    records: &[(&str, u32, &str, Option<&str>)],
) -> Result<Receipt, CommitError> {
    let mut appends = Appends::default();
    for (topic, partition, key, value) in records {
        let topic: Arc<str> = (*topic).into();
        appends.push(&topic, *partition, Some(key.as_bytes()), value.map(str::as_bytes), &[]);
    }
    writer.commit(&Transaction { appends: &[&appends], offsets: &[], membership: None })
}

/// A record as read: offset, key, value.
pub(crate) type Read = (i64, String, Option<String>);

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Reads a partition from `offset` to its end: the records, and the end that was reported.
pub(crate) fn read_from(log: &impl Log, topic: &str, partition: u32, offset: i64) -> (Vec<Read>, i64) {
    let mut reader = log.read(&Partition::new(topic, partition), offset, Isolation::Committed).unwrap();
    let mut batch = Batch::default();
    let mut records = Vec::new();
    loop {
        match reader.poll(&mut batch, LONG).unwrap() {
            Event::Records => {
                records.extend(batch.records().map(|record| {
                    (record.offset, text(record.key.unwrap_or_default()), record.value.map(text))
                }))
            }
            Event::End { offset, .. } => return (records, offset),
            other => panic!("{other:?} while reading to the end"),
        }
    }
}

pub(crate) fn read_all(log: &impl Log, topic: &str, partition: u32) -> (Vec<Read>, i64) {
    read_from(log, topic, partition, 0)
}

/// The values only.
pub(crate) fn values(log: &impl Log, topic: &str, partition: u32) -> Vec<String> {
    read_all(log, topic, partition).0.into_iter().filter_map(|(_, _, value)| value).collect()
}
