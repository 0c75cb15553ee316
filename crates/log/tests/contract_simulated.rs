//! The simulated log keeps the contract: on many seeds, without faults and with those that only delay.

use std::collections::HashMap;
use std::time::Duration;

use vitals_log::contract::{self, Outcome, Rig, Unsupported, Verdict};
use vitals_log::simulated::{Cluster, Faults, Held, Simulated};
use vitals_log::{Partition, Transaction};

struct World {
    cluster: Cluster,
    latest: HashMap<String, Simulated>,
    held: HashMap<String, Held>,
}

impl World {
    fn new(seed: u64, faults: Faults) -> Self {
        Self { cluster: Cluster::new(seed, faults), latest: HashMap::new(), held: HashMap::new() }
    }
}

impl Rig for World {
    type Log = Simulated;

    fn process(&mut self, name: &str) -> Simulated {
        let process = self.cluster.process(name);
        self.latest.insert(name.to_owned(), process.clone());
        process
    }

    fn pass(&mut self, time: Duration) {
        self.cluster.advance(i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
    }

    fn kill(&mut self, process: &str) -> Verdict {
        self.cluster.kill(&self.latest[process]);
        Ok(())
    }

    fn hold(&mut self, process: &str, id: &str, transaction: &Transaction<'_>) -> Verdict {
        let held = loop {
            match self.cluster.hold(&self.latest[process], id, transaction) {
                Ok(held) => break held,
                Err(_) => self.cluster.advance(10),
            }
        };
        self.held.insert(id.to_owned(), held);
        Ok(())
    }

    fn finish(&mut self, id: &str, outcome: Outcome) -> Result<bool, Unsupported> {
        Ok(self.cluster.finish(&self.held[id], outcome).is_ok())
    }

    fn expire_transactions(&mut self) -> Verdict {
        self.cluster.advance(Faults::none().transaction_timeout_ms);
        Ok(())
    }

    fn lose(&mut self, group: &str, instance: &str) -> Verdict {
        self.cluster.lose(group, instance);
        Ok(())
    }

    fn compact(&mut self, topic: &str) -> Verdict {
        self.cluster.compact(topic);
        Ok(())
    }

    fn truncate_before(&mut self, partition: &Partition, offset: i64) -> Verdict {
        self.cluster.truncate_before(partition, offset);
        Ok(())
    }

    fn add_partitions(&mut self, topic: &str, count: u32) -> Verdict {
        self.cluster.add_partitions(topic, count);
        Ok(())
    }
}

#[test]
fn the_contract_is_kept_without_faults() {
    for seed in 0..20 {
        assert_eq!(contract::run(|_| World::new(seed, Faults::none())), []);
    }
}

#[test]
fn the_contract_is_kept_when_everything_is_late() {
    for seed in 0..60 {
        assert_eq!(contract::run(|_| World::new(seed, Faults::benign(100_000))), []);
    }
}
