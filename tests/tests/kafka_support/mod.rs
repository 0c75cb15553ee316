//! What tests of the log on Kafka share: one broker for all tests of a file, and members that are watched.
#![allow(
    dead_code,
    clippy::unwrap_used,
    clippy::panic,
    reason = "a library of tests, of which each file uses a part"
)]

use kafka::{Kafka, Settings};
use log::{
    Appends, Batch, Cleanup, CommitError, Error, Event, Isolation, Log, Member, Membership, OffsetCommit,
    Partition, Reader, Receipt, Stamp, TopicSpec, Transaction, Writer,
};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};
use vitals_tests::broker::{Cluster, Options};

/// How long to wait for what must come.
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) const TICK: Duration = Duration::from_millis(10);

static BROKER: LazyLock<Option<Cluster>> = LazyLock::new(|| Cluster::start(&Options::default()));
static COUNT: AtomicU32 = AtomicU32::new(0);

/// The broker that the tests of a file share. It ends with the process. Of each test it is said if there is none.
pub(crate) fn broker() -> Option<&'static Cluster> {
    if Cluster::can_start() { BROKER.as_ref() } else { None }
}

pub(crate) fn settings(cluster: &Cluster) -> Settings {
    settings_at(cluster.bootstrap())
}

pub(crate) fn settings_at(bootstrap: Vec<String>) -> Settings {
    let mut settings = Settings::plain(bootstrap);
    for (name, value) in [("session.timeout.ms", "4000"), ("heartbeat.interval.ms", "300")] {
        settings.consumer.insert(name.to_owned(), value.to_owned());
    }
    settings.answer_within = Duration::from_millis(500);
    settings
}

pub(crate) fn log_on(cluster: &Cluster) -> Kafka {
    Kafka::new(settings(cluster)).unwrap()
}

/// A name that nothing else on the broker has.
pub(crate) fn fresh(base: &str) -> String {
    format!("{base}-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

pub(crate) fn wait<T>(what: &str, mut attempt: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(done) = attempt() {
            return done;
        }
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::sleep(TICK);
    }
}

pub(crate) fn create(log: &Kafka, name: &str, partitions: u32) -> Arc<str> {
    let (stamp, cleanup) = (Stamp::Append, Cleanup::Keep);
    let spec = TopicSpec { name: name.into(), partitions, stamp, cleanup, max_record_bytes: 1 << 20 };
    wait("the topic", || match log.create(&spec) {
        Ok(()) => Some(()),
        Err(Error::Busy(_)) => None,
        Err(error) => panic!("{error}"),
    });
    wait("the topic's leaders", || log.ends(&[Arc::clone(&spec.name)]).ok());
    spec.name
}

pub(crate) fn writer(log: &Kafka, id: &str) -> kafka::Writer {
    wait("the writer", || match log.writer(id) {
        Ok(writer) => Some(writer),
        Err(Error::Busy(_)) => None,
        Err(error) => panic!("{error}"),
    })
}

pub(crate) fn append(partition: &Partition, values: &[&str]) -> Appends {
    let mut appends = Appends::default();
    for value in values {
        appends.push(&partition.topic, partition.number, None, Some(value.as_bytes()), &[]);
    }
    appends
}

pub(crate) fn commit(
    writer: &mut kafka::Writer,
    appends: &[&Appends],
    offsets: &[OffsetCommit],
    membership: Option<&Membership>,
) -> Result<Receipt, CommitError> {
    wait("the commit", || match writer.commit(&Transaction { appends, offsets, membership }) {
        Err(CommitError::Aborted { cause: log::AbortCause::Log, .. }) => None,
        told => Some(told),
    })
}

pub(crate) fn values(batch: &Batch) -> Vec<String> {
    let text = |value: Option<&[u8]>| String::from_utf8_lossy(value.unwrap_or(b"-")).into_owned();
    batch.records().map(|record| text(record.value)).collect()
}

/// All that is committed in a partition.
pub(crate) fn read_all(log: &Kafka, partition: &Partition) -> Vec<String> {
    let ends = wait("the ends", || log.ends(&[Arc::clone(&partition.topic)]).ok());
    let ends = ends.topics[0][partition.number as usize];
    let mut reader = wait("the reader", || log.read(partition, ends.first, Isolation::Committed).ok());
    let (mut batch, mut seen) = (Batch::default(), Vec::new());
    wait("the end", || {
        loop {
            match reader.poll(&mut batch, TICK) {
                Ok(Event::Records) => seen.extend(values(&batch)),
                Ok(Event::End { offset, .. }) if offset >= ends.end => return Some(()),
                Ok(_) | Err(Error::Busy(_)) => return None,
                Err(error) => panic!("{error}"),
            }
        }
    });
    seen
}

/// A member, and what it was told.
pub(crate) struct Watched {
    pub(crate) member: kafka::Member,
    pub(crate) owned: BTreeSet<Partition>,
    pub(crate) revoked: BTreeSet<Partition>,
    pub(crate) lost: Vec<Partition>,
    pub(crate) seen: Vec<(Partition, String)>,
    pub(crate) ends: Vec<(Partition, i64)>,
    pub(crate) errors: Vec<Error>,
    /// Whether it gives up at once what is revoked.
    pub(crate) releases: bool,
    batch: Batch,
}

impl Watched {
    pub(crate) fn new(member: kafka::Member) -> Self {
        Self {
            member,
            owned: BTreeSet::new(),
            revoked: BTreeSet::new(),
            lost: Vec::new(),
            seen: Vec::new(),
            ends: Vec::new(),
            errors: Vec::new(),
            releases: true,
            batch: Batch::default(),
        }
    }

    pub(crate) fn poll(&mut self) {
        match self.member.poll(&mut self.batch, TICK) {
            Ok(Event::Idle) | Err(Error::Busy(_)) => {}
            Ok(Event::Records) => {
                let partition = self.batch.partition.clone().unwrap();
                assert!(self.owned.contains(&partition) && !self.revoked.contains(&partition), "{partition}");
                self.seen.extend(values(&self.batch).into_iter().map(|value| (partition.clone(), value)));
            }
            Ok(Event::End { partition, offset }) => self.ends.push((partition, offset)),
            Ok(Event::Assigned(partitions)) => self.owned.extend(partitions),
            Ok(Event::Revoked(partitions)) => self.revoked.extend(partitions),
            Ok(Event::Lost(partitions)) => {
                for partition in &partitions {
                    assert!(self.owned.remove(partition), "{partition} was not ours");
                    self.revoked.remove(partition);
                }
                self.lost.extend(partitions);
            }
            Err(error) => self.errors.push(error),
        }
        if self.releases && !self.revoked.is_empty() {
            let revoked: Vec<_> = std::mem::take(&mut self.revoked).into_iter().collect();
            self.owned.retain(|owned| !revoked.contains(owned));
            self.member.release(&revoked);
        }
    }
}

pub(crate) fn member(log: &Kafka, group: &str, instance: &str, topic: &Arc<str>) -> Watched {
    Watched::new(wait("the member", || {
        log.join(group, instance, &[Arc::clone(topic)], Isolation::Committed).ok()
    }))
}

pub(crate) fn poll_until<const N: usize>(
    mut members: [&mut Watched; N],
    done: impl Fn(&[&mut Watched; N]) -> bool,
) {
    let until = Instant::now() + PATIENCE;
    while !done(&members) {
        assert!(
            Instant::now() < until,
            "waited in vain; {:?}",
            members.iter().map(|member| (&member.owned, &member.revoked, &member.errors)).collect::<Vec<_>>()
        );
        for member in &mut members {
            member.poll();
        }
    }
}
