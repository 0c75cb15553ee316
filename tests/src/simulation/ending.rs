//! How a run ends: faults stop, time passes, everything is folded; and what must be true then.

use super::accounting;
use super::crew::{Body, Stage};
use super::deed::Deed;
use super::journal::{self, Line, Time};
use super::outputs;
use super::schedule::Run;
use super::world::{QUIET, SOON, SOURCES};
use log::Partition;
use log::simulated::{Faults, Stored};
use model::source::Source;
use model::time::{MINUTE, SECOND};
use pipeline::settings::Rebuild;
use pipeline::topic;
use pipeline::variant::Variant;
use std::collections::{BTreeMap, BTreeSet};

/// How long the calm after the faults lasts: every account has had its instant, and every quiet one its cooldown,
/// its limit and what a rule waits for.
const CALM: i64 = SOON + QUIET + 8 * MINUTE;

impl<V: Variant> Run<V> {
    /// Ends all faults and lets time pass, with a sign of life of every source.
    pub(super) fn calm(&mut self) -> Result<(), String> {
        self.trace.say(self.elapsed(), format_args!("calm"));
        self.cluster.set_faults(self.world.calm.clone());
        for zombie in self.zombies.drain(..) {
            self.cluster.kill(&zombie.log);
        }
        self.end_stalls();
        self.producer.close_all(&self.cluster);
        self.producer.revive();
        self.delete_no_more();
        while self.published < 2 {
            self.cluster.advance(SECOND);
            self.publish();
        }
        for worker in &mut self.workers {
            self.cluster.set_clock(&worker.log, 0);
            worker.back_at = i64::MIN;
        }
        let until = self.cluster.now() + CALM;
        // Where commits take time, so do rounds.
        let beats = if self.world.latency() > 0 { 1 } else { 3 };
        let mut round = 0_u32;
        while self.cluster.now() < until {
            let next = self.cluster.now() + 5 * SECOND;
            if round.is_multiple_of(beats) {
                self.producer.beat(&self.world, &self.cluster, &mut self.rng);
            }
            round += 1;
            self.everybody(6)?;
            self.resume()?;
            self.accept_losses();
            self.suffer(true)?;
            self.cluster.advance((next - self.cluster.now()).max(0));
        }
        Ok(())
    }

    /// Steps every worker.
    fn everybody(&mut self, times: usize) -> Result<(), String> {
        for worker in &mut self.workers {
            let held = self.outage.as_ref().is_some_and(|outage| outage.holds(worker.stage));
            if !held && worker.is_down() && worker.back_at <= self.cluster.now() {
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
                if ingest.resume(source).map_err(|failure| failure.to_string())? > 0 {
                    self.deeds.change(Deed::Flooded);
                }
            }
        }
        Ok(())
    }

    /// Lets ingest finish and end, then all score workers but one, and that one come to the end of the journal.
    pub(super) fn finish(&mut self) -> Result<(), String> {
        self.trace.say(self.elapsed(), format_args!("the end"));
        for _ in 0..12 {
            self.cluster.advance(SECOND);
            self.everybody(30)?;
        }
        if let Some(outage) = &self.outage {
            return Err(format!("liveness: no way out of {outage:?}"));
        }
        self.check_time()?;
        self.check_consumed()?;
        self.cluster.set_faults(Faults::none());
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
    fn check_time(&mut self) -> Result<(), String> {
        let now = self.cluster.now();
        let interval = i64::try_from(self.world.ingest.mark_interval.as_millis()).unwrap_or(0);
        // What is taken in waits for the next commit, and a worker for those of all others.
        let waits = i64::try_from(self.world.ingest.commit_interval.as_millis()).unwrap_or(0)
            + (self.workers.len() as i64) * self.world.latency();
        let waits = if self.world.latency() > 0 { 3 * waits } else { 0 };
        // The last model is in force, and time has come as far as its rules let it.
        let newest = model::compile(&self.world.models[1]).map_err(|problems| problems.to_string())?.plan.id;
        for number in 0..self.world.journal {
            let (mut time, mut by) = (Time::default(), None);
            for line in journal::lines(&journal::frames(&self.cluster, number))? {
                if let Line::Watermarks(marks) = line {
                    time.take(&marks);
                    by = marks.model;
                }
            }
            if by != Some(newest) {
                return Err(format!("rules: time is told by those of {by:?}, in journal {number}"));
            }
            for (source, rules) in SOURCES.into_iter().zip(self.world.rules[1]) {
                let least = now - rules.delay - 2 * interval - 3 * SECOND - waits;
                let reached = time.of(source);
                if reached.is_none_or(|reached| reached < least) {
                    return Err(format!(
                        "liveness: T of {source} is {reached:?} at {now}, in journal {number}"
                    ));
                }
            }
        }
        if self.world.rules_change() {
            self.deeds.change(Deed::OtherRules);
        }
        Ok(())
    }

    /// Every record was consumed once, by what ingest says of it: its counts survive whatever went wrong.
    fn check_consumed(&mut self) -> Result<(), String> {
        let mut consumed = BTreeMap::new();
        for worker in &self.workers {
            let Body::Ingest(ingest) = &worker.body else { continue };
            for feed in ingest.status().feeds {
                consumed.insert((feed.source, feed.partition), (feed.consumed, feed.lost));
            }
        }
        let losses = accounting::losses(&self.cluster)?;
        for (source, count) in SOURCES.into_iter().zip(self.producer.partitions()) {
            for number in 0..count {
                let partition = Partition::new(topic::of_source(source), number);
                let records = self.deletions.records(&self.cluster, &partition);
                let is_read = |record: &&Stored| !accounting::is_lost(&losses, source, number, record.offset);
                let (records, read) = (records.len(), records.iter().filter(is_read).count() as u64);
                let lost = accounting::lost(&losses, source, number);
                let told = consumed.get(&(source, number)).copied();
                if told != Some((read, lost)) {
                    return Err(format!(
                        "accounting: of {records} records of {partition} {read} were to be consumed and {lost} offsets are lost, {told:?} are"
                    ));
                }
            }
        }
        let added =
            self.producer.partitions().iter().sum::<u32>() - self.world.partitions.iter().sum::<u32>();
        (0..added).for_each(|_| self.deeds.change(Deed::PartitionAdded));
        Ok(())
    }

    /// Every account that is quiet has an alert, and no other: by when each logged in last, as the journal has it.
    pub(super) fn check_silence(&self, reference: &outputs::Reference) -> Result<(), String> {
        let mut newest: BTreeMap<String, i64> = BTreeMap::new();
        for number in 0..self.world.journal {
            for line in journal::lines(&journal::frames(&self.cluster, number))? {
                if let Line::Activity(told) = line
                    && told.source == Source::Login
                {
                    let known = newest.entry(told.account).or_insert(told.time);
                    *known = told.time.max(*known);
                }
            }
        }
        let mut open: BTreeSet<&String> =
            reference.open.iter().filter(|(rule, _)| rule == "quiet").map(|(_, account)| account).collect();
        for (account, time) in &newest {
            let (is_open, silence) = (open.remove(account), self.cluster.now() - time);
            // In between it depends on what the rule waits for, and since when.
            if silence > CALM && !is_open {
                return Err(format!("liveness: {account} is quiet for {silence} ms and has no alert"));
            }
            if silence < QUIET && is_open {
                return Err(format!("silence: {account} logged in {silence} ms ago and has an alert"));
            }
        }
        match open.first() {
            Some(account) => Err(format!("silence: {account} has never logged in and has an alert")),
            None => Ok(()),
        }
    }
}
