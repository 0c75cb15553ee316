//! The same seed is the same run; every fault fires and changes something; nobody is told a lie.

use super::{Cluster, Fault, Faults, Simulated, Tally};
use crate::{
    Appends, Batch, Cleanup, CommitError, Event, Isolation, Log, Member as _, OffsetCommit, Partition,
    Reader as _, Stamp, TopicSpec, Transaction, Writer as _,
};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

const INPUT: &str = "input";
const OUTPUT: &str = "output";

fn topic(name: &str, partitions: u32) -> TopicSpec {
    let (stamp, cleanup) = (Stamp::Append, Cleanup::Keep);
    TopicSpec { name: name.into(), partitions, stamp, cleanup, max_record_bytes: 1_000 }
}

/// Copies the input to the output, partition by partition, exactly once, as a pipeline does.
struct Copier {
    log: Simulated,
    name: String,
    member: Option<super::Member>,
    writer: Option<super::Writer>,
    /// Per partition of ours: what to write and where to go on after it.
    held: Vec<(Partition, Appends, i64)>,
    batch: Batch,
    steps: u32,
}

impl Copier {
    fn new(cluster: &Cluster, name: &str) -> Self {
        let (log, name) = (cluster.process(name), name.to_owned());
        Self { log, name, member: None, writer: None, held: Vec::new(), batch: Batch::default(), steps: 0 }
    }

    fn step(&mut self, trace: &mut DefaultHasher) {
        let Some(writer) = &mut self.writer else {
            self.writer = self.log.writer(&self.name).ok();
            self.held.clear();
            self.member = None;
            return;
        };
        let Some(member) = &mut self.member else {
            self.member = self.log.join("copy", &self.name, &[INPUT.into()], Isolation::Committed).ok();
            return;
        };
        match member.poll(&mut self.batch, Duration::ZERO) {
            Ok(Event::Records) => {
                let partition = self.batch.partition.clone().unwrap();
                let held = self.held.iter_mut().find(|(held, ..)| *held == partition).unwrap();
                for record in self.batch.records() {
                    (record.offset, record.value, record.stamp).hash(trace);
                    held.1.push(&OUTPUT.into(), partition.number, record.key, record.value, &[]);
                    held.2 = record.offset + 1;
                }
            }
            Ok(Event::End { partition, offset }) => (partition, offset).hash(trace),
            Ok(Event::Assigned(partitions)) => {
                for partition in partitions {
                    self.held.push((partition, Appends::default(), -1));
                }
            }
            Ok(Event::Revoked(partitions)) => {
                partitions.hash(trace);
                self.held.retain(|(held, ..)| !partitions.contains(held));
                member.release(&partitions);
            }
            Ok(Event::Lost(partitions)) => self.held.retain(|(held, ..)| !partitions.contains(held)),
            Ok(Event::Idle) => {}
            Err(crate::Error::Busy(_)) => {}
            Err(_) => self.member = None,
        }
        let Some(member) = &mut self.member else { return self.held.clear() };
        for (partition, _, next) in self.held.iter_mut().filter(|(.., next)| *next < 0) {
            if let Ok(committed) = member.committed(std::slice::from_ref(partition)) {
                *next = committed[0].as_ref().map_or(0, |committed| committed.offset);
                member.start(partition, *next).unwrap();
            }
        }
        let full: Vec<_> = self.held.iter().filter(|(_, appends, _)| !appends.is_empty()).collect();
        self.steps += 1;
        if full.is_empty() || !self.steps.is_multiple_of(4) {
            return;
        }
        let appends: Vec<&Appends> = full.iter().map(|(_, appends, _)| appends).collect();
        let offsets: Vec<OffsetCommit> = full
            .iter()
            .map(|(partition, _, offset)| OffsetCommit {
                partition: partition.clone(),
                offset: *offset,
                metadata: String::new(),
            })
            .collect();
        let membership = member.membership();
        let transaction =
            Transaction { appends: &appends, offsets: &offsets, membership: membership.as_ref() };
        match writer.commit(&transaction) {
            Ok(receipt) => {
                receipt.stamp.hash(trace);
                self.held.iter_mut().for_each(|(_, appends, _)| appends.clear());
            }
            Err(CommitError::Aborted { reason, .. }) => reason.hash(trace),
            Err(CommitError::Unknown { .. } | CommitError::Fenced { .. }) => self.writer = None,
        }
    }
}

/// A workload of some processes that are killed and started again; the trace of it, and what was counted.
fn run(seed: u64, faults: Faults) -> (u64, Tally) {
    let cluster = Cluster::new(seed, faults.foreign_in(&[INPUT.into()]));
    let partitions = 4;
    cluster.create(&topic(INPUT, partitions)).unwrap();
    cluster.create(&topic(OUTPUT, partitions)).unwrap();
    let mut trace = DefaultHasher::new();
    let mut copiers: Vec<Copier> = (0..3).map(|n| Copier::new(&cluster, &format!("c{n}"))).collect();
    let input = |number| Partition::new(INPUT, number);
    let mut written = 0_u64;
    let mut turn = seed;
    let mut step = |copiers: &mut Vec<Copier>, trace: &mut DefaultHasher| {
        turn = turn.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let index = usize::try_from((turn >> 33) % 3).unwrap();
        if cluster.is_dead(&copiers[index].log) || (turn >> 40).is_multiple_of(500) {
            cluster.kill(&copiers[index].log);
            copiers[index] = Copier::new(&cluster, &format!("c{index}"));
        }
        copiers[index].step(trace);
        copiers[index].log.now().hash(trace);
        cluster.advance(i64::try_from((turn >> 45) % 60).unwrap());
    };
    for _ in 0..1_000 {
        if written < 500 {
            let number = u32::try_from(written % u64::from(partitions)).unwrap();
            cluster.append_raw(&input(number), None, Some(&written.to_le_bytes()), None);
            written += 1;
        }
        step(&mut copiers, &mut trace);
    }
    let reader = cluster.process("reader");
    for number in 0..partitions {
        let Ok(mut reader) = reader.read(&Partition::new(OUTPUT, number), 0, Isolation::Uncommitted) else {
            continue;
        };
        let mut batch = Batch::default();
        while let Ok(Event::Records) = reader.poll(&mut batch, Duration::ZERO) {
            batch.records().for_each(|record| record.offset.hash(&mut trace));
        }
    }
    let tally = cluster.tally();
    cluster.set_faults(Faults::none());
    for _ in 0..3_000 {
        step(&mut copiers, &mut trace);
    }
    for number in 0..partitions {
        let values = |topic: &str| -> Vec<_> {
            let records = cluster.committed_records(&Partition::new(topic, number));
            records.into_iter().map(|record| record.value).collect()
        };
        assert_eq!(values(INPUT), values(OUTPUT), "seed {seed}, partition {number}");
    }
    (trace.finish(), tally)
}

#[test]
fn the_same_seed_is_the_same_run() {
    for seed in 0..20 {
        assert_eq!(run(seed, Faults::every(3_000)), run(seed, Faults::every(3_000)));
    }
    assert_ne!(run(1, Faults::every(3_000)).0, run(2, Faults::every(3_000)).0);
}

#[test]
fn what_is_copied_by_the_rules_is_copied_once_and_every_fault_is_felt() {
    let mut tally = Tally::default();
    for seed in 0..300 {
        tally.add(&run(seed, Faults::every(2_000)).1);
    }
    println!("{tally}");
    for fault in Fault::ALL {
        assert!(tally.fired(fault) > 0 && tally.changed(fault) > 0, "{fault:?} was never felt\n{tally}");
    }
}

#[test]
fn without_faults_nothing_fires() {
    let (_, tally) = run(7, Faults::none());
    assert_eq!(tally, Tally::default());
}

#[test]
fn a_shared_name_is_one_topic() {
    let cluster = Cluster::new(0, Faults::none());
    let name: Arc<str> = INPUT.into();
    cluster.create(&topic(&name, 1)).unwrap();
    cluster.create(&topic(&name, 1)).unwrap();
    assert!(matches!(cluster.create(&topic(&name, 2)), Err(crate::Error::Refused(_))));
}
