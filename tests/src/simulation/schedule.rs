//! The schedule of one seed: who runs when, what goes wrong, and how it ends.

use super::accounting;
use super::crew::{Body, Stage, Worker};
use super::journal::{self, Line, Time};
use super::outputs;
use super::producer::Producer;
use super::rng::Rng;
use super::trace::Trace;
use super::world::{QUIET, SOON, SOURCES, World};
use log::Partition;
use log::simulated::{Cluster, Fault, Faults, Tally};
use model::source::Source;
use model::time::{MINUTE, SECOND};
use pipeline::settings::Rebuild;
use pipeline::topic;
use pipeline::variant::Variant;

/// How long the calm after the faults lasts: every account has had its instant, and every quiet one its cooldown,
/// its limit and what a rule waits for.
const CALM: i64 = SOON + QUIET + 8 * MINUTE;

/// What a seed came to.
#[derive(Debug)]
pub struct Report {
    /// The seed.
    pub seed: u64,
    /// What was found wrong, if anything.
    pub finding: Option<String>,
    /// What the log's faults did.
    pub tally: Tally,
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
    /// The last things that happened.
    pub tail: String,
}

/// One run.
struct Run<V: Variant> {
    world: World,
    cluster: Cluster,
    rng: Rng,
    trace: Trace,
    producer: Producer,
    workers: Vec<Worker<V>>,
    zombies: Vec<Worker<V>>,
    began: i64,
    steps: u64,
    acts: u64,
    published: usize,
    /// Until when the log is busier than usual.
    busy_until: i64,
    weather: Weather,
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

/// Runs a seed.
#[must_use]
pub fn run<V: Variant>(seed: u64, weather: Weather) -> Report {
    let mut rng = Rng::new(seed);
    let mut world = World::new(&mut rng);
    if weather == Weather::Fair {
        world.faults = Faults::none();
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
        trace: Trace::default(),
        producer,
        workers,
        zombies: Vec::new(),
        began,
        steps: 0,
        acts: 0,
        published: 0,
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
    Report {
        seed,
        finding,
        faults: struck + run.acts,
        tally,
        entries: reference.entries,
        outputs: reference.outputs,
        steps: run.steps,
        hash: run.trace.hash() ^ reference.hash,
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
        let slack = if self.world.faults.rate(Fault::Clock) > 0 {
            self.world.rules.iter().map(|rules| rules.1).min().unwrap_or(0)
        } else {
            0
        };
        let reference = outputs::compare(&self.cluster, self.world.journal)?;
        accounting::check(&self.world, &self.cluster, &self.producer, slack)?;
        self.check_silence(&reference)?;
        Ok(reference)
    }

    fn publish(&mut self) {
        let log = self.cluster.process("publisher");
        match pipeline::publish_now(&log, &self.world.models[self.published], 1) {
            Ok(id) => {
                self.published += 1;
                self.trace.say(self.elapsed(), format_args!("model {id} published"));
            }
            Err(error) => self.trace.say(self.elapsed(), format_args!("model not published: {error}")),
        }
    }

    fn elapsed(&self) -> i64 {
        self.cluster.now() - self.began
    }

    /// Steps a worker a few times; starts it, if it is down and it is time.
    fn work(&mut self) -> Result<(), String> {
        if !self.zombies.is_empty() && self.rng.chance(100) {
            let which = self.rng.below(self.zombies.len());
            let zombie = &mut self.zombies[which];
            // Whatever becomes of it, it must not harm the others.
            if zombie.step(&self.cluster, &mut self.trace).is_err() || zombie.is_down() {
                self.zombies.swap_remove(which);
            }
        }
        let which = self.rng.below(self.workers.len());
        let times = 1 + self.rng.below(6);
        let worker = &mut self.workers[which];
        if worker.is_down() {
            if worker.back_at <= self.cluster.now() {
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

    fn check(&self, which: usize) -> Result<(), String> {
        let worker = &self.workers[which];
        if let Some(refusal) = worker.refusal() {
            return Err(format!("refused: {refusal}"));
        }
        let most = self.world.score.outbox_bytes.min(1 << 20) + (2 << 20);
        if worker.outbox() > most {
            return Err(format!("memory: an outbox of {} bytes", worker.outbox()));
        }
        Ok(())
    }

    /// Does something to the cluster that no worker asked for.
    fn act(&mut self) -> Result<(), String> {
        let now = self.cluster.now();
        let (which, elapsed) = (self.rng.below(self.workers.len()), self.elapsed());
        match self.rng.below(100) {
            0..=14 => {
                self.check(which)?;
                let back_at = now + self.rng.between(0, 20) * SECOND;
                self.trace.say(elapsed, format_args!("worker {which} is killed"));
                self.workers[which].kill(&self.cluster, back_at);
                self.acts += 1;
            }
            15..=20 => self.replace(which),
            21..=35 => {
                let partition = self.some_partition();
                let until = now + self.rng.between(1, 90) * SECOND;
                self.trace.say(elapsed, format_args!("{partition} is stalled until {until}"));
                self.cluster.stall(&partition, until);
                self.acts += 1;
            }
            36..=41 => {
                let group = self.rng.pick(&["vitals-ingest", "vitals-score"]);
                self.trace.say(elapsed, format_args!("{group} is rebalanced"));
                self.cluster.rebalance(group);
            }
            42..=45 => {
                let (group, stage) = self.rng.pick(&[("vitals-ingest", "ingest"), ("vitals-score", "score")]);
                let instance = format!("{}-{stage}-0", super::crew::INSTANCE);
                self.trace.say(elapsed, format_args!("{group} loses {instance}"));
                self.cluster.lose(group, &instance);
                self.acts += 1;
            }
            46..=68 => {
                self.producer.open(&self.world, &self.cluster, &mut self.rng, &mut self.trace);
                self.acts += 1;
            }
            69..=71 => {
                if self.producer.partitions().iter().sum::<u32>() < 9 {
                    self.producer.widen(&self.world, &self.cluster, &mut self.rng, &mut self.trace);
                    // What changes a cluster keeps it busy.
                    self.cluster.set_faults(self.world.faults.clone().with(Fault::Busy, 300_000));
                    self.busy_until = now + 8 * SECOND;
                }
            }
            72..=81 => self.cluster.compact(topic::STATE),
            82..=88 => self.producer.die(&mut self.rng, now, &mut self.trace),
            89..=90 => self.producer.flood(&self.cluster, &mut self.rng, &mut self.trace),
            91..=92 => self.producer.burst(&self.world, &self.cluster, &mut self.rng, &mut self.trace),
            93..=95 => {
                self.trace.say(elapsed, format_args!("every open transaction times out"));
                self.cluster.expire_transactions();
                self.acts += 1;
            }
            _ if self.world.faults.rate(Fault::Clock) == 0 => {}
            _ => {
                let wrong = self.rng.pick(&[-3_600, -20, 20, 3_600]) * SECOND;
                self.trace.say(elapsed, format_args!("the clock of worker {which} is {wrong} ms off"));
                self.cluster.set_clock(&self.workers[which].log, wrong);
                self.acts += 1;
            }
        }
        Ok(())
    }

    /// Starts a worker anew while its predecessor lives on, forgotten.
    fn replace(&mut self, which: usize) {
        if self.workers[which].is_down() {
            return;
        }
        let (stage, number) = (self.workers[which].stage, self.workers[which].number);
        self.trace.say(self.elapsed(), format_args!("worker {which} gets a double"));
        let mut fresh = Worker::new(&self.cluster, stage, number);
        fresh.start(&self.world, &self.cluster);
        self.zombies.push(std::mem::replace(&mut self.workers[which], fresh));
        self.acts += 1;
    }

    fn some_partition(&mut self) -> Partition {
        if self.rng.chance(300) {
            let number = self.rng.below(self.world.journal as usize);
            return Partition::new(topic::JOURNAL, u32::try_from(number).unwrap_or(0));
        }
        let place = self.rng.below(3);
        let number = self.rng.below(self.producer.partitions()[place] as usize);
        Partition::new(topic::of_source(SOURCES[place]), u32::try_from(number).unwrap_or(0))
    }

    /// Ends all faults and lets time pass, with a sign of life of every source.
    fn calm(&mut self) -> Result<(), String> {
        self.trace.say(self.elapsed(), format_args!("calm"));
        self.cluster.set_faults(Faults::none());
        for zombie in self.zombies.drain(..) {
            self.cluster.kill(&zombie.log);
        }
        self.producer.close_all(&self.cluster);
        self.producer.revive();
        while self.published < 2 {
            self.cluster.advance(SECOND);
            self.publish();
        }
        for worker in &mut self.workers {
            self.cluster.set_clock(&worker.log, 0);
            worker.back_at = i64::MIN;
        }
        let until = self.cluster.now() + CALM;
        let mut round = 0_u32;
        while self.cluster.now() < until {
            if round.is_multiple_of(3) {
                self.producer.beat(&self.world, &self.cluster, &mut self.rng);
            }
            round += 1;
            self.everybody(6)?;
            self.resume()?;
            self.cluster.advance(5 * SECOND);
        }
        Ok(())
    }

    /// Steps every worker.
    fn everybody(&mut self, times: usize) -> Result<(), String> {
        for worker in &mut self.workers {
            if worker.is_down() && worker.back_at <= self.cluster.now() {
                worker.start(&self.world, &self.cluster);
            }
            for _ in 0..times {
                self.steps += 1;
                worker.step(&self.cluster, &mut self.trace)?;
            }
        }
        for which in 0..self.workers.len() {
            self.check(which)?;
        }
        Ok(())
    }

    /// Ends what floods of garbage have stopped.
    fn resume(&mut self) -> Result<(), String> {
        for worker in &mut self.workers {
            let Body::Ingest(ingest) = &mut worker.body else { continue };
            for source in SOURCES {
                ingest.resume(source).map_err(|failure| failure.to_string())?;
            }
        }
        Ok(())
    }

    /// Lets ingest finish and end, then all score workers but one, and that one come to the end of the journal.
    fn finish(&mut self) -> Result<(), String> {
        self.trace.say(self.elapsed(), format_args!("the end"));
        for _ in 0..12 {
            self.cluster.advance(SECOND);
            self.everybody(30)?;
        }
        self.check_time()?;
        let mut left = None;
        for (which, worker) in self.workers.iter_mut().enumerate() {
            if worker.stage == Stage::Score && worker.number == 0 {
                left = Some(which);
            } else {
                worker.stop(&self.cluster);
            }
        }
        let left = left.ok_or("no score worker")?;
        self.fold_to_the_end(left)?;
        if self.rng.chance(250) {
            // The state is thrown away and made anew from the journal, then read back: nothing more is said.
            for rebuild in [Rebuild::Yes, Rebuild::No] {
                self.workers[left].stop(&self.cluster);
                self.world.score.rebuild = rebuild;
                self.workers[left].start(&self.world, &self.cluster);
                self.fold_to_the_end(left)?;
            }
        }
        Ok(())
    }

    fn fold_to_the_end(&mut self, left: usize) -> Result<(), String> {
        for _ in 0..2_000 {
            self.cluster.advance(50);
            self.steps += 1;
            let worker = &mut self.workers[left];
            worker.step(&self.cluster, &mut self.trace)?;
            let ends =
                log::Log::ends(&worker.log, &[topic::JOURNAL.into()]).map_err(|error| error.to_string())?;
            let ends: Vec<i64> = ends.topics[0].iter().map(|ends| ends.end).collect();
            if let Body::Score(score) = &worker.body
                && score.has_reached(&ends)
            {
                return Ok(());
            }
        }
        self.check(left)?;
        let Body::Score(score) = &self.workers[left].body else {
            return Err("liveness: the last worker is down".to_owned());
        };
        let shards = score.status().shards;
        let stand: Vec<_> =
            shards.iter().map(|shard| (shard.partition, &shard.phase, shard.position, shard.end)).collect();
        Err(format!("liveness: the journal is not folded to its end: {stand:?}"))
    }

    /// Time has come as far as it must.
    fn check_time(&self) -> Result<(), String> {
        let now = self.cluster.now();
        let interval = i64::try_from(self.world.ingest.mark_interval.as_millis()).unwrap_or(0);
        for number in 0..self.world.journal {
            let mut time = Time::default();
            for line in journal::lines(&journal::frames(&self.cluster, number))? {
                if let Line::Watermarks(marks) = line {
                    time.take(&marks);
                }
            }
            for (source, rules) in SOURCES.into_iter().zip(self.world.rules) {
                let least = now - rules.0 - 2 * interval - 3 * SECOND;
                let reached = time.of(source);
                if reached.is_none_or(|reached| reached < least) {
                    return Err(format!(
                        "liveness: T of {source} is {reached:?} at {now}, in journal {number}"
                    ));
                }
            }
        }
        Ok(())
    }

    /// Every account that is quiet has an alert.
    fn check_silence(&self, reference: &outputs::Reference) -> Result<(), String> {
        let mut seen = std::collections::BTreeSet::new();
        let mut active = std::collections::BTreeSet::new();
        let recent = self.cluster.now() - CALM;
        for number in 0..self.world.journal {
            for line in journal::lines(&journal::frames(&self.cluster, number))? {
                if let Line::Activity(told) = line
                    && told.source == Source::Login
                {
                    if told.time >= recent {
                        active.insert(told.account.clone());
                    }
                    seen.insert(told.account);
                }
            }
        }
        let quiet = seen.difference(&active).count() as u64;
        let open = reference.open.get("quiet").copied().unwrap_or(0);
        if open < quiet {
            return Err(format!("liveness: {quiet} accounts are quiet, and {open} alerts are open"));
        }
        Ok(())
    }
}
