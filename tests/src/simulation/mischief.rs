//! What befalls the cluster from outside: processes killed and doubled, partitions stalled, groups shaken, upstream
//! transactions left open, clocks put wrong.

use super::crew::{Stage, Worker};
use super::deed::Deed;
use super::outage;
use super::schedule::Run;
use super::world::SOURCES;
use log::Partition;
use log::simulated::Fault;
use model::time::SECOND;
use pipeline::topic;
use pipeline::variant::Variant;

impl<V: Variant> Run<V> {
    /// Does something to the cluster that no worker asked for.
    pub(super) fn act(&mut self) -> Result<(), String> {
        let now = self.cluster.now();
        let (which, elapsed) = (self.rng.below(self.workers.len()), self.elapsed());
        match self.rng.below(100) {
            0..=14 => {
                self.check(which)?;
                let back_at = now + self.rng.between(0, 20) * SECOND;
                self.trace.say(elapsed, format_args!("worker {which} is killed"));
                self.deeds.strike(Deed::Killed, !self.workers[which].is_down());
                self.workers[which].kill(&self.cluster, back_at);
            }
            15..=20 => self.replace(which),
            21..=35 => {
                let partition = self.some_partition();
                let until = now + self.rng.between(1, 90) * SECOND;
                self.trace.say(elapsed, format_args!("{partition} is stalled until {until}"));
                self.cluster.stall(&partition, until);
                self.deeds.fire(Deed::Stalled);
                self.stalls.push((partition, until));
            }
            36..=41 => {
                let group = self.rng.pick(&["vitals-ingest", "vitals-score"]);
                self.trace.say(elapsed, format_args!("{group} is rebalanced"));
                let begun = self.cluster.rebalance(group);
                self.deeds.strike(Deed::Rebalanced, begun);
            }
            42..=45 => {
                let (group, stage) = self.rng.pick(&[("vitals-ingest", "ingest"), ("vitals-score", "score")]);
                let instance = format!("{}-{stage}-0", super::crew::INSTANCE);
                self.trace.say(elapsed, format_args!("{group} loses {instance}"));
                let lost = self.cluster.lose(group, &instance);
                self.deeds.strike(Deed::MemberLost, lost);
            }
            46..=68 => self.producer.open(&self.world, &self.cluster, &mut self.rng, &mut self.trace),
            69..=71 => {
                if self.producer.partitions().iter().sum::<u32>() < 9 {
                    self.producer.widen(&self.world, &self.cluster, &mut self.rng, &mut self.trace);
                    // What changes a cluster keeps it busy.
                    self.cluster.set_faults(self.world.faults.clone().with(Fault::Busy, 300_000));
                    self.busy_until = now + 8 * SECOND;
                }
            }
            72..=81 => {
                let gone = self.cluster.compact(topic::STATE);
                self.deeds.strike(Deed::Compacted, gone > 0);
            }
            82..=88 => self.producer.die(&mut self.rng, now, &mut self.trace),
            89..=90 => {
                self.producer.flood(&self.cluster, &mut self.rng, &mut self.trace);
                self.deeds.fire(Deed::Flooded);
            }
            91..=92 => self.producer.burst(&self.world, &self.cluster, &mut self.rng, &mut self.trace),
            93..=95 => {
                self.trace.say(elapsed, format_args!("every open transaction times out"));
                let expired = self.cluster.expire_transactions();
                self.deeds.strike(Deed::TransactionsExpired, expired > 0);
            }
            _ if self.world.faults.rate(Fault::Clock) == 0 => {}
            _ => {
                let wrong = self.rng.pick(&[-3_600, -20, 20, 3_600]) * SECOND;
                self.trace.say(elapsed, format_args!("the clock of worker {which} is {wrong} ms off"));
                self.cluster.set_clock(&self.workers[which].log, wrong);
                self.deeds.strike(Deed::ClockWrong, !self.workers[which].is_down());
            }
        }
        Ok(())
    }

    /// Does what only some worlds know: deletes records of sources, loses offsets and state.
    pub(super) fn act_more(&mut self) -> Result<(), String> {
        self.end_stalls();
        if self.world.deletes && self.more.chance(8) {
            self.delete();
        }
        self.accept_losses();
        if self.world.loses && self.more.chance(12) {
            self.lose();
        }
        self.suffer(false)
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
        self.deeds.fire(Deed::Doubled);
    }

    /// Looks at stalls that are over: whether anything waited.
    pub(super) fn end_stalls(&mut self) {
        let now = self.cluster.now();
        for (partition, _) in self.stalls.extract_if(.., |(_, until)| *until <= now) {
            let group =
                outage::group(if *partition.topic == *topic::JOURNAL { Stage::Score } else { Stage::Ingest });
            let read = self.cluster.committed_offset(group, &partition).map_or(0, |read| read.offset);
            let last = self.cluster.committed_records(&partition).last().map(|record| record.offset);
            if last >= Some(read) {
                self.deeds.change(Deed::Stalled);
            }
        }
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
}
