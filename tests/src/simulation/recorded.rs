//! Recorded time: the same topics played twice, once undisturbed and once with everything going wrong, must give
//! the same outputs in order per key, `ce_id` left out.

use super::accounting;
use super::crew::{Body, Stage, Worker};
use super::deed::{Deed, Deeds};
use super::outputs;
use super::producer::Producer;
use super::rng::Rng;
use super::schedule::{MORE, Report};
use super::trace::Trace;
use super::world::World;
use log::Partition;
use log::simulated::{Cluster, Fault, Faults, Tally};
use model::time::SECOND;
use pipeline::variant::Variant;
use pipeline::{Progress, PublishError, topic};
use std::collections::BTreeMap;
use std::fmt;

/// How many rounds a run may take.
const ROUNDS: usize = 40_000;

/// The outputs of each topic by key, in order, without `ce_id`.
type Outputs = BTreeMap<(&'static str, Vec<u8>), Vec<String>>;

/// When the second model is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Second {
    Never,
    /// Before the run begins: all of it goes by the rules of the second.
    Before,
    /// In this round of it: where it comes in the journal is then a matter of chance, and so are the outputs.
    Midst(usize),
}

struct Run<V: Variant> {
    world: World,
    second: Second,
    deeds: Deeds,
    cluster: Cluster,
    rng: Rng,
    trace: Trace,
    producer: Producer,
    workers: Vec<Worker<V>>,
    steps: u64,
}

/// Plays the topics of a seed twice.
#[must_use]
pub fn run<V: Variant>(seed: u64) -> Report {
    let mut calm = Run::<V>::new(seed, false);
    let mut wild = Run::<V>::new(seed, true);
    let result = calm.play().and_then(|first| {
        let second = wild.play()?;
        if !matches!(wild.second, Second::Midst(_)) {
            same(&first.0, &second.0)?;
        }
        Ok(second.1)
    });
    let (finding, reference) = match result {
        Ok(reference) => (None, reference),
        Err(finding) => (Some(finding), outputs::Reference::default()),
    };
    let tally: Tally = wild.cluster.tally();
    let struck: u64 = Fault::ALL.iter().map(|fault| tally.changed(*fault)).sum();
    Report {
        seed,
        finding,
        faults: struck + wild.deeds.changed(Deed::Killed),
        tally,
        deeds: wild.deeds,
        entries: reference.entries,
        outputs: reference.outputs,
        steps: calm.steps + wild.steps,
        hash: wild.trace.hash(),
        journal: reference.journal,
        tail: wild.trace.tail(),
    }
}

fn same(first: &Outputs, second: &Outputs) -> Result<(), String> {
    for (key, records) in first {
        let name = format!("{} of {}", key.0, String::from_utf8_lossy(&key.1));
        let others = second.get(key).ok_or_else(|| format!("recorded: the second run has no {name}"))?;
        if let Some((one, other)) = records.iter().zip(others).find(|(one, other)| one != other) {
            return Err(format!("recorded: {name} differs\n  first:  {one}\n  second: {other}"));
        }
        if records.len() != others.len() {
            return Err(format!("recorded: {} records of {name}, then {}", records.len(), others.len()));
        }
    }
    match second.keys().find(|key| !first.contains_key(*key)) {
        Some(key) => Err(format!("recorded: the second run alone has {}", String::from_utf8_lossy(&key.1))),
        None => Ok(()),
    }
}

impl<V: Variant> Run<V> {
    fn new(seed: u64, wild: bool) -> Self {
        let mut rng = Rng::new(seed ^ 0x5EED);
        let mut more = Rng::new(seed ^ 0x5EED ^ MORE);
        let mut world = World::new(&mut rng, &mut more);
        (world.deletes, world.loses) = (false, false);
        let midst = Second::Midst(20 + more.below(1_500));
        let second = more.pick(&[Second::Never, Second::Before, midst]);
        world.ingest.transaction_bytes = rng.pick(&[300, 2_000, 10_000]);
        // It is short, so much must go wrong at once.
        let slow = world.faults.rate(Fault::SlowCommit);
        let every = Faults::every(rng.pick(&[3_000, 10_000])).foreign_in(&World::sources());
        world.faults = every.with(Fault::SlowCommit, slow);
        let cluster = Cluster::new(seed, Faults::none());
        let mut trace = Trace::default();
        let producer = Producer::new(&world, &mut rng, cluster.now());
        let mut run = Self {
            world,
            second,
            deeds: Deeds::default(),
            cluster,
            rng,
            trace: Trace::default(),
            producer,
            workers: Vec::new(),
            steps: 0,
        };
        run.fill(&mut trace);
        if !wild {
            run.world.faults = Faults::none();
        }
        let scores = if wild { run.world.workers[1] } else { 1 };
        run.workers.push(Worker::new(&run.cluster, Stage::Recorded, 0));
        run.workers.extend((0..scores).map(|number| Worker::new(&run.cluster, Stage::Score, number)));
        run
    }

    /// Everything that is to be played stands in the topics before it begins.
    fn fill(&mut self, trace: &mut Trace) {
        for spec in self.world.topics() {
            // The cluster is new, and what it has is right by construction; what it has not is found at once.
            self.cluster.create(&spec).unwrap_or_default();
        }
        for _ in 0..1_300 {
            self.producer.produce(&self.world, &self.cluster, &mut self.rng, trace);
            self.cluster.advance(self.rng.between(0, 6) * SECOND);
            if self.rng.chance(4) {
                self.producer.burst(&self.world, &self.cluster, &mut self.rng, trace);
            }
        }
    }

    fn play(&mut self) -> Result<(Outputs, outputs::Reference), String> {
        self.publish(0).map_err(|error| error.to_string())?;
        let mut is_due = self.second != Second::Never;
        if self.second == Second::Before {
            self.publish(1).map_err(|error| error.to_string())?;
            is_due = false;
        }
        self.cluster.set_faults(self.world.faults.clone());
        let mut done = false;
        for round in 0..ROUNDS {
            if round == ROUNDS / 2 {
                self.cluster.set_faults(Faults::none());
            }
            if let Second::Midst(from) = self.second
                && is_due
                && (round >= from || done)
            {
                // Where it is not known to be published it is published again, which changes nothing.
                is_due = self.publish(1).is_err();
            }
            done |= self.work()?;
            self.cluster.advance(self.rng.between(0, 300));
            if done && !is_due && round.is_multiple_of(16) && self.is_folded() {
                break;
            }
        }
        if !done {
            return Err("liveness: the recorded run does not end".to_owned());
        }
        self.cluster.set_faults(Faults::none());
        self.cluster.advance(60 * SECOND);
        self.finish()?;
        let reference = outputs::compare(&self.cluster, self.world.journal)?;
        accounting::check_recorded(&self.world, &self.cluster, &self.producer)?;
        Ok((self.outputs(), reference))
    }

    fn publish(&mut self, which: usize) -> Result<(), PublishError> {
        let publisher = self.cluster.process("publisher");
        pipeline::publish_now(&publisher, &self.world.models[which], 1)?;
        if which > 0 && self.world.rules_change() {
            self.deeds.strike(Deed::OtherRules, true);
        }
        Ok(())
    }

    /// Steps a worker. Returns whether the recorded run is over.
    fn work(&mut self) -> Result<bool, String> {
        let which = self.rng.below(self.workers.len());
        let now = self.cluster.now();
        if self.workers[which].is_down() {
            if self.workers[which].back_at <= now {
                self.workers[which].start(&self.world, &self.cluster);
            }
            return Ok(false);
        }
        let wild = self.world.faults.rate(Fault::Abort) > 0;
        if wild && self.rng.chance(8) {
            self.say(now, format_args!("worker {which} is killed"));
            self.workers[which].kill(&self.cluster, now + self.rng.between(0, 5) * SECOND);
            self.deeds.strike(Deed::Killed, true);
            return Ok(false);
        }
        for _ in 0..=self.rng.below(6) {
            self.steps += 1;
            if self.workers[which].step(&self.cluster, &mut self.trace)? == Progress::Done {
                return Ok(true);
            }
        }
        match self.workers[which].refusal() {
            Some(refusal) => Err(format!("refused: {refusal}")),
            None => Ok(false),
        }
    }

    fn say(&mut self, now: i64, what: fmt::Arguments<'_>) {
        self.trace.say(now, what);
    }

    /// Whether the score workers, whichever have it, have folded everything.
    fn is_folded(&self) -> bool {
        let mut at = vec![0; self.world.journal as usize];
        for worker in &self.workers {
            let Body::Score(score) = &worker.body else { continue };
            for shard in score.status().shards {
                at[shard.partition as usize] = shard.position;
            }
        }
        (0..).zip(&at).all(|(number, at)| {
            let partition = Partition::new(topic::JOURNAL, number);
            self.cluster.committed_records(&partition).last().is_none_or(|last| last.offset < *at)
        })
    }

    /// One score worker comes to the end of the journal.
    fn finish(&mut self) -> Result<(), String> {
        self.workers.iter_mut().for_each(|worker| worker.stop(&self.cluster));
        let mut last: Worker<V> = Worker::new(&self.cluster, Stage::Score, 0);
        last.start(&self.world, &self.cluster);
        let ends = |cluster: &Cluster| {
            let log = cluster.process("looker");
            let round = log::Log::ends(&log, &[topic::JOURNAL.into()]).map_err(|error| error.to_string())?;
            Ok::<_, String>(round.topics[0].iter().map(|ends| ends.end).collect::<Vec<i64>>())
        };
        for _ in 0..20_000 {
            self.cluster.advance(50);
            last.step(&self.cluster, &mut self.trace)?;
            if last.is_down() {
                last.start(&self.world, &self.cluster);
            }
            if let Body::Score(score) = &last.body
                && score.has_reached(&ends(&self.cluster)?)
            {
                last.stop(&self.cluster);
                return Ok(());
            }
        }
        Err(format!("liveness: the journal is not folded to its end: {:?}", last.refusal()))
    }

    fn outputs(&self) -> Outputs {
        let mut outputs = Outputs::new();
        for name in [topic::HEALTH, topic::ALERTS, topic::ACCOUNT_HEALTH] {
            for number in 0..self.world.journal {
                for record in self.cluster.committed_records(&Partition::new(name, number)) {
                    let mut text = String::new();
                    for (name, value) in record.headers.iter().filter(|(name, _)| name != b"ce_id") {
                        text = text
                            + &String::from_utf8_lossy(name)
                            + "="
                            + &String::from_utf8_lossy(value)
                            + " ";
                    }
                    text += &String::from_utf8_lossy(record.value.as_deref().unwrap_or_default());
                    outputs.entry((name, record.key.unwrap_or_default())).or_default().push(text);
                }
            }
        }
        outputs
    }
}
