//! The whole cluster in one place: topics, groups, coordinators, processes, and what is to happen when.
//!
//! Invariant: nothing here depends on anything but the seed and the order of calls. Time passes only in
//! [`State::advance`].

use super::faults::{Fault, Faults, Site, Tally};
use super::group::Group;
use super::partition::{PLAIN, Store, Txn};
use super::rng::Rng;
use super::transaction::{Coordinator, Outcome, Target};
use crate::{Error, Partition, Result, TopicSpec};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The index of a process: one incarnation of it.
pub(super) type ProcessId = usize;

#[derive(Debug)]
pub(super) struct Process {
    pub(super) name: String,
    pub(super) died_at: Option<i64>,
    /// By how much its wall clock is wrong, and whether a fault wanted that.
    pub(super) clock_ms: i64,
    pub(super) clock_by_fault: bool,
}

impl Process {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), died_at: None, clock_ms: 0, clock_by_fault: false }
    }
}

#[derive(Debug)]
pub(super) struct Topic {
    pub(super) spec: TopicSpec,
    pub(super) partitions: Vec<Store>,
}

/// A partition by its indices.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) topic: usize,
    pub(super) number: usize,
}

/// What happens at a moment.
#[derive(Debug)]
pub(super) enum Timed {
    Marker { id: String, txn: Txn, target: Target },
    Timeout { id: String, txn: Txn },
    LateEnd { id: String, epoch: u32 },
    ClockRight { process: ProcessId },
    ForeignEnd { id: String },
}

#[derive(Debug)]
pub(super) struct State {
    pub(super) now: i64,
    pub(super) rng: Rng,
    pub(super) faults: Faults,
    pub(super) tally: Tally,
    pub(super) names: BTreeMap<Arc<str>, usize>,
    pub(super) topics: Vec<Topic>,
    pub(super) groups: Vec<Group>,
    pub(super) coordinators: BTreeMap<String, Coordinator>,
    pub(super) processes: Vec<Process>,
    events: BTreeMap<(i64, u64), Timed>,
    numbers: u64,
}

impl State {
    pub(super) fn new(seed: u64, faults: Faults, now: i64) -> Self {
        Self {
            now,
            rng: Rng::new(seed),
            faults,
            tally: Tally::default(),
            names: BTreeMap::new(),
            topics: Vec::new(),
            groups: Vec::new(),
            coordinators: BTreeMap::new(),
            processes: Vec::new(),
            events: BTreeMap::new(),
            numbers: PLAIN,
        }
    }

    /// A number that was never given before.
    pub(super) fn number(&mut self) -> u64 {
        self.numbers += 1;
        self.numbers
    }

    pub(super) fn at(&mut self, moment: i64, event: Timed) {
        let number = self.number();
        self.events.insert((moment, number), event);
    }

    /// Whether a request to commit by the present writer of `id` is under way.
    pub(super) fn late_end_under_way(&self, id: &str) -> bool {
        let epoch = self.epoch(id);
        let under_way =
            |event: &Timed| matches!(event, Timed::LateEnd { id: of, epoch: by } if of == id && *by == epoch);
        self.events.values().any(under_way)
    }

    /// Lets time pass, with what falls due in it, in order.
    pub(super) fn advance(&mut self, ms: i64) {
        let until = self.now + ms;
        while let Some(entry) = self.events.first_entry() {
            if entry.key().0 > until {
                break;
            }
            self.now = self.now.max(entry.key().0);
            let event = entry.remove();
            self.happen(event);
        }
        self.now = until;
        self.tick_groups();
    }

    fn happen(&mut self, event: Timed) {
        match event {
            Timed::Marker { id, txn, target } => self.mark(&id, txn, &target),
            Timed::Timeout { id, txn } => drop(self.time_out(&id, txn)),
            Timed::LateEnd { id, epoch } => self.late_end(&id, epoch),
            Timed::ClockRight { process } => {
                self.processes[process].clock_ms = 0;
                self.processes[process].clock_by_fault = false;
            }
            Timed::ForeignEnd { id } => self.decide(&id, Outcome::Abort),
        }
    }

    /// Lets every undecided transaction time out now. Returns how many there were.
    pub(super) fn expire_transactions(&mut self) -> usize {
        let current: Vec<(String, Txn)> = self
            .coordinators
            .iter()
            .filter_map(|(id, coordinator)| Some((id.clone(), coordinator.current.as_ref()?.txn)))
            .collect();
        current.into_iter().filter(|(id, txn)| self.time_out(id, *txn)).count()
    }

    // Processes.

    pub(super) fn alive(&self, process: ProcessId) -> Result<()> {
        match &self.processes[process] {
            Process { died_at: Some(_), name, .. } => Err(Error::Fatal(format!("process {name} is dead"))),
            Process { died_at: None, .. } => Ok(()),
        }
    }

    pub(super) fn kill(&mut self, process: ProcessId) {
        let now = self.now;
        self.processes[process].died_at.get_or_insert(now);
    }

    /// The wall clock as a process sees it.
    pub(super) fn clock(&mut self, process: ProcessId) -> i64 {
        let Process { clock_ms, clock_by_fault, .. } = self.processes[process];
        if clock_by_fault {
            self.tally.change(Fault::Clock);
        }
        self.now + clock_ms
    }

    // Topics.

    pub(super) fn topic(&self, name: &str) -> Result<usize> {
        self.names.get(name).copied().ok_or_else(|| Error::Missing(name.to_owned()))
    }

    pub(super) fn place(&self, partition: &Partition) -> Option<Place> {
        let topic = *self.names.get(&partition.topic)?;
        let number = usize::try_from(partition.number).ok()?;
        (number < self.topics[topic].partitions.len()).then_some(Place { topic, number })
    }

    pub(super) fn store(&mut self, place: Place) -> &mut Store {
        &mut self.topics[place.topic].partitions[place.number]
    }

    pub(super) fn create(&mut self, spec: &TopicSpec) -> Result<()> {
        if let Some(&topic) = self.names.get(&spec.name) {
            let existing = &self.topics[topic].spec;
            return if existing == spec {
                Ok(())
            } else {
                Err(Error::Refused(format!("topic {} exists and is another: {existing:?}", spec.name)))
            };
        }
        if spec.partitions == 0 {
            return Err(Error::Refused(format!("topic {} would have no partition", spec.name)));
        }
        self.names.insert(Arc::clone(&spec.name), self.topics.len());
        let partitions = (0..spec.partitions).map(|_| Store::default()).collect();
        self.topics.push(Topic { spec: spec.clone(), partitions });
        Ok(())
    }

    /// A topic has `count` partitions from now on; its groups are rebalanced.
    pub(super) fn add_partitions(&mut self, topic: &str, count: u32) {
        let Ok(index) = self.topic(topic) else { return };
        let topic = &mut self.topics[index];
        while topic.spec.partitions < count {
            topic.spec.partitions += 1;
            topic.partitions.push(Store::default());
        }
        let (now, name) = (self.now, Arc::clone(&topic.spec.name));
        for group in self.groups.iter_mut().filter(|group| group.consumes(&name)) {
            group.rebalance(now, None);
        }
    }

    // Dice.

    /// At most one fault of those possible here.
    pub(super) fn roll(&mut self, site: Site) -> Option<Fault> {
        let kinds = Fault::at(site);
        let sum: u32 = kinds.iter().map(|kind| self.faults.rate(*kind)).sum();
        if sum == 0 {
            return None;
        }
        let mut thrown = u32::try_from(self.rng.below(1_000_000)).unwrap_or(u32::MAX);
        for kind in kinds {
            let rate = self.faults.rate(*kind);
            if thrown < rate {
                return Some(*kind);
            }
            thrown -= rate;
        }
        None
    }

    /// Whether a fault that goes beside others strikes.
    pub(super) fn chance(&mut self, fault: Fault) -> bool {
        let rate = self.faults.rate(fault);
        self.rng.chance(rate)
    }

    /// The dice of a call that can only be busy.
    pub(super) fn query(&mut self, process: ProcessId) -> Result<()> {
        self.alive(process)?;
        match self.roll(Site::Query) {
            Some(fault) => {
                self.tally.strike(fault);
                Err(Error::Busy("the dice say so".to_owned()))
            }
            None => Ok(()),
        }
    }

    /// How many records a poll may bring.
    pub(super) fn most(&mut self) -> usize {
        if self.chance(Fault::SmallBatch) {
            self.tally.strike(Fault::SmallBatch);
            return 1 + self.rng.below(4);
        }
        usize::MAX
    }
}
