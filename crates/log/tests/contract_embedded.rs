//! The embedded log keeps the contract. All of it: also what only tests can make of a log in one process.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "tests: a failure is a panic"
)]

mod embedded_support;

use embedded_support::options;
use std::collections::HashMap;
use std::time::Duration;
use vitals_log::contract::{self, Outcome, Rig, Unsupported, Verdict};
use vitals_log::embedded::{Embedded, Held, Options};
use vitals_log::{Partition, Transaction};

/// One directory. Its "processes" are handles of the one log: what a worker is, here.
struct Directory {
    log: Embedded,
    held: HashMap<String, Held>,
    _dir: tempfile::TempDir,
}

impl Directory {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let options = Options { tombstone_retention: Duration::ZERO, ..options() };
        Self { log: Embedded::open(dir.path(), options).unwrap(), held: HashMap::new(), _dir: dir }
    }
}

impl Rig for Directory {
    type Log = Embedded;

    fn process(&mut self, _name: &str) -> Embedded {
        self.log.clone()
    }

    /// Nothing here takes its time.
    fn pass(&mut self, _time: Duration) {}

    /// A worker that is killed goes silent; there is nothing to be done to the log.
    fn kill(&mut self, _process: &str) -> Verdict {
        Ok(())
    }

    fn hold(&mut self, _process: &str, id: &str, transaction: &Transaction<'_>) -> Verdict {
        self.held.insert(id.to_owned(), self.log.hold(id, transaction).unwrap());
        Ok(())
    }

    fn finish(&mut self, id: &str, outcome: Outcome) -> Result<bool, Unsupported> {
        Ok(match outcome {
            Outcome::Commit => self.held[id].commit(),
            Outcome::Abort => self.held[id].abort(),
        }
        .unwrap())
    }

    fn expire_transactions(&mut self) -> Verdict {
        for held in self.held.values() {
            held.abort().unwrap();
        }
        Ok(())
    }

    fn lose(&mut self, group: &str, instance: &str) -> Verdict {
        assert!(self.log.expel(group, instance).unwrap());
        Ok(())
    }

    fn compact(&mut self, _topic: &str) -> Verdict {
        self.log.compact().unwrap();
        Ok(())
    }

    fn truncate_before(&mut self, partition: &Partition, offset: i64) -> Verdict {
        self.log.truncate_before(partition, offset).unwrap();
        Ok(())
    }

    fn add_partitions(&mut self, topic: &str, count: u32) -> Verdict {
        let there =
            self.log.topics().unwrap().into_iter().find(|spec| &*spec.name == topic).unwrap().partitions;
        self.log.add_partitions(topic, count - there).unwrap();
        Ok(())
    }
}

#[test]
fn the_embedded_log_keeps_the_contract() {
    assert_eq!(contract::run(|_| Directory::new()), []);
}
