//! The schedule of one seed: who runs when, what goes wrong, and how it ends.

use super::accounting;
use super::crew::{Stage, Worker};
use super::deed::{Deed, Deeds};
use super::deletion::{self, Deletions};
use super::outage::{Offsets, Outage};
use super::outputs;
use super::producer::Producer;
use super::rng::Rng;
use super::trace::Trace;
use super::world::World;
use log::Partition;
use log::simulated::{Cluster, Fault, Faults, Stored, Tally};
use model::time::SECOND;
use pipeline::variant::Variant;

/// What a seed came to.
#[derive(Debug)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// What was found wrong, if anything.
    pub finding: Option<String>,
    /// What the log's faults did.
    pub tally: Tally,
    /// What was done from outside.
    pub deeds: Deeds,
    /// Faults that changed something, those of the schedule included.
    pub faults: u64,
    /// Journal entries.
    pub entries: u64,
    /// Output records.
    pub outputs: u64,
    /// Calls of `step`.
    pub steps: u64,
    /// A hash of all that happened.
    pub hash: u64,
    /// The frames of each journal partition.
    pub journal: Vec<Vec<Stored>>,
    /// The last things that happened.
    pub tail: String,
}

/// One run.
pub(super) struct Run<V: Variant> {
    pub(super) world: World,
    pub(super) cluster: Cluster,
    pub(super) rng: Rng,
    /// Decides what was added later, so that what a seed means for the rest stays the same.
    pub(super) more: Rng,
    pub(super) trace: Trace,
    pub(super) producer: Producer,
    pub(super) workers: Vec<Worker<V>>,
    pub(super) zombies: Vec<Worker<V>>,
    pub(super) began: i64,
    pub(super) steps: u64,
    pub(super) published: usize,
    pub(super) deeds: Deeds,
    pub(super) deletions: Deletions,
    pub(super) outage: Option<Outage>,
    /// Offsets of ingest and of score as they were at some time.
    pub(super) backups: [Offsets; 2],
    /// Partitions that are stalled from outside, and until when.
    pub(super) stalls: Vec<(Partition, i64)>,
    /// Until when the log is busier than usual.
    pub(super) busy_until: i64,
    pub(super) weather: Weather,
}

/// How much goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weather {
    /// Nothing: to see whether the simulation itself is right.
    Fair,
    /// What the log does by its dice, and nothing from outside.
    Rain,
    /// Everything.
    Storm,
}

/// What tells the second source of chance of a seed from its first.
pub(super) const MORE: u64 = 0x4D4F_5245;

/// Runs a seed.
#[must_use]
pub fn run<V: Variant>(seed: u64, weather: Weather) -> Report {
    let mut rng = Rng::new(seed);
    let mut more = Rng::new(seed ^ MORE);
    let mut world = World::new(&mut rng, &mut more);
    if weather == Weather::Fair {
        (world.faults, world.calm) = (Faults::none(), Faults::none());
    }
    let cluster = Cluster::new(seed, Faults::none());
    let began = cluster.now();
    let producer = Producer::new(&world, &mut rng, began);
    let mut workers = Vec::new();
    for (stage, count) in [Stage::Ingest, Stage::Score].into_iter().zip(world.workers) {
        workers.extend((0..count).map(|number| Worker::new(&cluster, stage, number)));
    }
    let mut run: Run<V> = Run {
        world,
        cluster,
        rng,
        more,
        trace: Trace::default(),
        producer,
        workers,
        zombies: Vec::new(),
        began,
        steps: 0,
        published: 0,
        deeds: Deeds::default(),
        deletions: Deletions::default(),
        outage: None,
        backups: Default::default(),
        stalls: Vec::new(),
        busy_until: i64::MAX,
        weather,
    };
    let result = run.play();
    let (finding, reference) = match result {
        Ok(reference) => (None, reference),
        Err(finding) => (Some(finding), outputs::Reference::default()),
    };
    let tally = run.cluster.tally();
    let struck: u64 = Fault::ALL.iter().map(|fault| tally.changed(*fault)).sum();
    run.deeds.add(run.producer.deeds());
    Report {
        seed,
        finding,
        faults: struck + run.deeds.all_changed(),
        tally,
        deeds: run.deeds,
        entries: reference.entries,
        outputs: reference.outputs,
        steps: run.steps,
        hash: run.trace.hash() ^ reference.hash,
        journal: reference.journal,
        tail: run.trace.tail(),
    }
}

impl<V: Variant> Run<V> {
    fn play(&mut self) -> Result<outputs::Reference, String> {
        for spec in self.world.topics() {
            self.cluster.create(&spec).map_err(|error| error.to_string())?;
        }
        self.cluster.set_faults(self.world.faults.clone());
        let (rounds, second) = (self.world.rounds, 200 + self.rng.below(1_200));
        let first = self.rng.below(40);
        for round in 0..rounds {
            if (self.published == 0 && round >= first) || (self.published == 1 && round >= second) {
                self.publish();
            }
            if self.rng.chance(250) {
                self.producer.produce(&self.world, &self.cluster, &mut self.rng, &mut self.trace);
            }
            if self.rng.chance(30) && self.weather == Weather::Storm {
                self.act()?;
            }
            if self.weather == Weather::Storm {
                self.act_more()?;
            }
            self.work()?;
            if self.busy_until <= self.cluster.now() {
                self.busy_until = i64::MAX;
                self.cluster.set_faults(self.world.faults.clone());
            }
            let span = match self.rng.below(100) {
                0..=54 => 100,
                55..=95 => 800,
                _ => 5 * SECOND,
            };
            let span = self.rng.between(0, span);
            self.cluster.advance(span);
        }
        self.calm()?;
        self.finish()?;
        let slack = if self.world.faults.rate(Fault::Clock) > 0 { self.world.slack() } else { 0 };
        let reference = outputs::compare(&self.cluster, self.world.journal)?;
        accounting::check(&self.world, &self.cluster, &self.producer, &self.deletions, slack)?;
        self.check_silence(&reference)?;
        Ok(reference)
    }

    pub(super) fn publish(&mut self) {
        let log = self.cluster.process("publisher");
        match pipeline::publish_now(&log, &self.world.models[self.published], 1) {
            Ok(id) => {
                self.world.force = self.published;
                self.published += 1;
                if self.world.force > 0 && self.world.rules_change() {
                    self.deeds.fire(Deed::OtherRules);
                }
                self.trace.say(self.elapsed(), format_args!("model {id} published"));
            }
            Err(error) => self.trace.say(self.elapsed(), format_args!("model not published: {error}")),
        }
    }

    pub(super) fn elapsed(&self) -> i64 {
        self.cluster.now() - self.began
    }

    /// Steps a worker a few times; starts it, if it is down and it is time.
    fn work(&mut self) -> Result<(), String> {
        if !self.zombies.is_empty() && self.rng.chance(100) {
            let which = self.rng.below(self.zombies.len());
            let zombie = &mut self.zombies[which];
            // Whatever becomes of it, it must not harm the others.
            if zombie.step(&self.cluster, &mut self.trace).is_err() || zombie.is_down() {
                self.deeds.change(Deed::Doubled);
                self.zombies.swap_remove(which);
            }
        }
        let which = self.rng.below(self.workers.len());
        let times = 1 + self.rng.below(6);
        let worker = &mut self.workers[which];
        if worker.is_down() {
            let held = self.outage.as_ref().is_some_and(|outage| outage.holds(worker.stage));
            if !held && worker.back_at <= self.cluster.now() {
                self.trace.same(("start", which));
                worker.start(&self.world, &self.cluster);
            }
            return Ok(());
        }
        for _ in 0..times {
            self.steps += 1;
            worker.step(&self.cluster, &mut self.trace)?;
        }
        if self.steps.is_multiple_of(64) {
            self.check(which)?;
        }
        Ok(())
    }

    /// Whether a partition is to be refused: it is behind its topic, or what tells how far it is was harmed.
    fn is_explained(&self, partition: &Partition) -> bool {
        let outage = self.outage.as_ref();
        deletion::is_behind(&self.cluster, partition)
            || outage.is_some_and(|outage| outage.explains(partition, self.deletions.is_cut(partition)))
    }

    pub(super) fn check(&self, which: usize) -> Result<(), String> {
        let worker = &self.workers[which];
        for (partition, reason) in worker.refusals() {
            if !self.is_explained(&partition) {
                return Err(format!("refused: {:?}-{}: {reason}", worker.stage, worker.number));
            }
        }
        let most = self.world.score.outbox_bytes.min(1 << 20) + (2 << 20);
        if worker.outbox() > most {
            return Err(format!("memory: an outbox of {} bytes", worker.outbox()));
        }
        Ok(())
    }
}
