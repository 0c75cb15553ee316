//! The log on Kafka keeps the contract: on a real broker.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "tests: a failure is a panic")]

use kafka::{Held, Kafka, Settings};
use log::contract::{self, Outcome, Rig, Unsupported, Verdict};
use log::{Partition, Transaction};
use std::collections::HashMap;
use std::time::Duration;
use vitals_tests::broker::{Cluster, Options};

/// Cases in which the broker gives up on a transaction: it does so soon.
const SOON: [&str; 2] = [
    "a transaction that the log gave up on is gone, and its id goes on",
    "a writer resumed after a pause between transactions goes on, unless its id was taken",
];

/// One broker. Its "processes" are clients of their own.
struct Broker<'a> {
    cluster: &'a Cluster,
    /// What the names of a case begin with.
    case: usize,
    transaction_timeout: Duration,
    latest: HashMap<String, Kafka>,
    held: HashMap<String, Held>,
}

impl Broker<'_> {
    fn settings(&self) -> Settings {
        let own = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        Settings {
            client: own(&[("topic.metadata.refresh.interval.ms", "1000")]),
            consumer: own(&[("session.timeout.ms", "4000"), ("heartbeat.interval.ms", "300")]),
            // The suite's topics take records of 4,096 bytes.
            producer: own(&[("batch.size", "4096")]),
            // A segment is compacted when another one has begun.
            topic: own(&[
                ("segment.ms", "1"),
                ("min.cleanable.dirty.ratio", "0"),
                ("delete.retention.ms", "0"),
            ]),
            answer_within: Duration::from_millis(500),
            transaction_timeout: self.transaction_timeout,
            ..Settings::plain(self.cluster.bootstrap())
        }
    }
}

impl Rig for Broker<'_> {
    type Log = Kafka;

    fn process(&mut self, name: &str) -> Kafka {
        let process = Kafka::new(self.settings()).unwrap();
        self.latest.insert(name.to_owned(), process.clone());
        process
    }

    fn name(&mut self, base: &str) -> String {
        format!("{}-{base}", self.case)
    }

    fn pass(&mut self, time: Duration) {
        std::thread::sleep(time);
    }

    /// A worker that is killed goes silent: it polls no more. That its client still says it is there disturbs
    /// nobody: its successor bears its name.
    fn kill(&mut self, _process: &str) -> Verdict {
        Ok(())
    }

    fn hold(&mut self, process: &str, id: &str, transaction: &Transaction<'_>) -> Verdict {
        let log = self.latest[process].clone();
        let mut left = self.patience();
        let held = loop {
            match log.hold(id, transaction) {
                Ok(held) => break held,
                Err(error) => {
                    assert!(!left.is_zero(), "nothing can be held: {error}");
                    left = left.saturating_sub(Duration::from_millis(10));
                    self.pass(Duration::from_millis(10));
                }
            }
        };
        self.held.insert(id.to_owned(), held);
        Ok(())
    }

    fn finish(&mut self, id: &str, outcome: Outcome) -> Result<bool, Unsupported> {
        Ok(match outcome {
            Outcome::Commit => self.held.get_mut(id).unwrap().commit().is_ok(),
            Outcome::Abort => self.held[id].abort(),
        })
    }

    fn expire_transactions(&mut self) -> Verdict {
        self.pass(self.transaction_timeout);
        Ok(())
    }

    fn lose(&mut self, group: &str, instance: &str) -> Verdict {
        assert!(self.cluster.expel(group, instance), "{instance} was not in {group}");
        Ok(())
    }

    fn compact(&mut self, topic: &str) -> Verdict {
        self.cluster.compact(topic);
        Ok(())
    }

    fn truncate_before(&mut self, partition: &Partition, offset: i64) -> Verdict {
        self.cluster.truncate_before(&partition.topic, partition.number, offset);
        Ok(())
    }

    fn add_partitions(&mut self, topic: &str, count: u32) -> Verdict {
        self.cluster.add_partitions(topic, count);
        Ok(())
    }
}

#[test]
fn the_log_on_kafka_keeps_the_contract() {
    let Some(cluster) = Cluster::start(&Options::default()) else { return };
    let mut case = 0;
    let mut rig = |name: &'static str| {
        case += 1;
        let soon = SOON.contains(&name);
        let transaction_timeout = Duration::from_secs(if soon { 3 } else { 30 });
        let (latest, held) = (HashMap::new(), HashMap::new());
        println!("{case}: {name}");
        Broker { cluster: &cluster, case, transaction_timeout, latest, held }
    };
    // To look into a case: `VITALS_CASE=truncated`, a part of its name.
    if let Ok(part) = std::env::var("VITALS_CASE") {
        for (name, play) in contract::cases::<Broker<'_>>() {
            if name.contains(&part) {
                assert_eq!(play(&mut rig(name)), Ok(()));
            }
        }
        return;
    }
    assert_eq!(contract::run(rig), []);
}
