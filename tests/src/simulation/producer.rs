//! The applications upstream: activity in any order, late, doubled, of the future, garbage, in open transactions.

use super::deed::{Deed, Deeds};
use super::rng::Rng;
use super::trace::Trace;
use super::world::{Rules, SOURCES, World};
use log::Partition;
use log::simulated::{Cluster, Foreign, Outcome};
use model::source::Source;
use model::time::{EventTime, SECOND};
use pipeline::topic;

/// An upstream transaction that is open.
#[derive(Debug)]
struct Open {
    foreign: Foreign,
    until: i64,
    outcome: Outcome,
    /// Where its records end in each partition.
    ends: Vec<(Partition, i64)>,
}

/// Everything that writes to source topics.
#[derive(Debug)]
pub struct Producer {
    next: u64,
    /// What was sent, to be sent again.
    sent: Vec<(usize, Vec<u8>)>,
    open: Vec<Open>,
    /// Until when each source is dead, and whether anything was not sent for that.
    dead_until: [i64; 3],
    missed: [bool; 3],
    /// Accounts that are quiet from an instant on.
    quiet_from: Vec<i64>,
    partitions: [u32; 3],
    deeds: Deeds,
}

/// What a record is made to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Good,
    Late,
    Future,
    Garbage,
    Tombstone,
    Again,
}

impl Producer {
    /// One that has sent nothing.
    #[must_use]
    pub fn new(world: &World, rng: &mut Rng, now: i64) -> Self {
        let quiet =
            |rng: &mut Rng| if rng.chance(400) { now + rng.between(60, 500) * SECOND } else { i64::MAX };
        Self {
            next: 0,
            sent: Vec::new(),
            open: Vec::new(),
            dead_until: [i64::MIN; 3],
            missed: [false; 3],
            // The first account never is, so that no source dies by itself.
            quiet_from: world
                .accounts
                .iter()
                .map(|_| quiet(rng))
                .enumerate()
                .map(|(i, at)| if i == 0 { i64::MAX } else { at })
                .collect(),
            partitions: world.partitions,
            deeds: Deeds::default(),
        }
    }

    /// The value of an activity of `place`, an index into [`SOURCES`].
    fn value(&mut self, rng: &mut Rng, place: usize, account: &str, time: i64, mark: char) -> Vec<u8> {
        self.next += 1;
        let time = EventTime(time);
        let (number, user) = (self.next, rng.below(5));
        let more = match SOURCES[place] {
            Source::Support => {
                let kind = rng.pick(&["opened", "replied", "solved", "closed", "reopened"]);
                format!(r#""ticket":"t{}","kind":"{kind}","by":"customer""#, rng.below(6))
            }
            Source::FeatureUsage => {
                format!(r#""user":"u{user}","feature":"f{}","count":{}"#, rng.below(4), 1 + rng.below(9))
            }
            Source::Login
            | Source::CsmActivity
            | Source::Feedback
            | Source::Subscription
            | Source::Account
            | Source::Milestone
            | Source::Command => format!(r#""user":"u{user}","kind":"signed-in""#),
        };
        format!(r#"{{"id":"{mark}{number}","time":"{time}","account":"{account}",{more}}}"#).into_bytes()
    }

    /// Sends something, or nothing.
    pub fn produce(&mut self, world: &World, cluster: &Cluster, rng: &mut Rng, trace: &mut Trace) {
        let now = cluster.now();
        self.close_due(cluster, now, trace);
        let place = rng.below(3);
        if now < self.dead_until[place] {
            if !std::mem::replace(&mut self.missed[place], true) {
                self.deeds.change(Deed::SourceDead);
            }
            return;
        }
        let shape = match rng.below(100) {
            0..=73 => Shape::Good,
            74..=79 => Shape::Late,
            80..=82 => Shape::Future,
            83..=87 => Shape::Garbage,
            88..=90 => Shape::Tombstone,
            _ => Shape::Again,
        };
        if let Some((place, value)) = self.make(world, rng, place, shape, now) {
            let partition = self.partition(rng, place);
            let offset = cluster.append_raw(&partition, Some(b"k"), value.as_deref(), None);
            trace.same((shape as u8, offset));
        }
    }

    fn partition(&self, rng: &mut Rng, place: usize) -> Partition {
        let number = u32::try_from(rng.below(self.partitions[place] as usize)).unwrap_or(0);
        Partition::new(topic::of_source(SOURCES[place]), number)
    }

    fn make(
        &mut self,
        world: &World,
        rng: &mut Rng,
        place: usize,
        shape: Shape,
        now: i64,
    ) -> Option<(usize, Option<Vec<u8>>)> {
        let Rules { delay, skew, .. } = world.in_force(place);
        let which = rng.below(world.accounts.len());
        let account = &world.accounts[which];
        let (time, mark) = match shape {
            Shape::Good => {
                // As old as may be, in the midst, or ahead as far as may be.
                let late = match rng.below(10) {
                    0..=3 => delay,
                    4..=7 => rng.between(0, delay),
                    8 => 0,
                    _ => -rng.between(0, skew),
                };
                (now - late, 'n')
            }
            Shape::Late => {
                (now - delay - rng.pick(&[1, 5 * SECOND, 300 * SECOND, 7_200 * SECOND, 90_000 * SECOND]), 'l')
            }
            Shape::Future => (now + skew + rng.pick(&[1, 600 * SECOND]), 'f'),
            Shape::Garbage => {
                let garbage: &[&[u8]] =
                    &[b"!", b"{\"id\":", b"\xff\xfe\x00", b"{\"id\":\"!\"}", b"[[[[[[[[[[[[[[", b""];
                return Some((place, Some(rng.pick(garbage).to_vec())));
            }
            // Of those only their number is told, which is not enough once offsets are lost and records too.
            Shape::Tombstone => return Some((place, None)).filter(|_| !(world.deletes && world.loses)),
            Shape::Again => {
                let (place, value) = self.sent.get(rng.below(self.sent.len()))?.clone();
                return Some((place, Some(value)));
            }
        };
        if time >= self.quiet_from[which] {
            return None;
        }
        let value = self.value(rng, place, account, time, mark);
        if mark != 'f' {
            self.sent.push((place, value.clone()));
            if self.sent.len() > 40 {
                self.sent.remove(0);
            }
        }
        Some((place, Some(value)))
    }

    /// Opens an upstream transaction with a few records that keep max delay, for a while.
    pub fn open(&mut self, world: &World, cluster: &Cluster, rng: &mut Rng, trace: &mut Trace) {
        let (place, now) = (rng.below(3), cluster.now());
        if now < self.dead_until[place] {
            return;
        }
        let foreign = cluster.open_foreign();
        let mut ends = Vec::new();
        for _ in 0..=rng.below(2) {
            let Some((of, value)) = self.make(world, rng, place, Shape::Good, now) else { continue };
            let partition = self.partition(rng, of);
            cluster.append_foreign(&foreign, &partition, Some(b"k"), value.as_deref(), None);
            let end = cluster.span(&partition).1;
            ends.push((partition, end));
        }
        let outcome = if rng.chance(700) { Outcome::Commit } else { Outcome::Abort };
        let until = now + rng.between(1, 100) * SECOND;
        trace.say(
            now,
            format_args!("upstream transaction open in {} until {until}, then {outcome:?}", SOURCES[place]),
        );
        self.deeds.fire(Deed::UpstreamOpen);
        self.open.push(Open { foreign, until, outcome, ends });
    }

    fn close_due(&mut self, cluster: &Cluster, now: i64, trace: &mut Trace) {
        for open in self.open.extract_if(.., |open| open.until <= now) {
            trace.same(("close", now));
            if open.ends.iter().any(|(partition, end)| cluster.span(partition).1 > *end) {
                self.deeds.change(Deed::UpstreamOpen);
            }
            cluster.close_foreign(open.foreign, open.outcome);
        }
    }

    /// Closes everything that is open.
    pub fn close_all(&mut self, cluster: &Cluster) {
        for open in self.open.drain(..) {
            cluster.close_foreign(open.foreign, open.outcome);
        }
    }

    /// Lets a source die for a while.
    pub fn die(&mut self, rng: &mut Rng, now: i64, trace: &mut Trace) {
        let (place, for_ms) = (rng.below(3), rng.between(30, 300) * SECOND);
        trace.say(now, format_args!("{} dies for {for_ms} ms", SOURCES[place]));
        self.dead_until[place] = now + for_ms;
        self.missed[place] = false;
        self.deeds.fire(Deed::SourceDead);
    }

    /// Brings every source back.
    pub const fn revive(&mut self) {
        self.dead_until = [i64::MIN; 3];
    }

    /// Sends much garbage to one partition.
    pub fn flood(&mut self, cluster: &Cluster, rng: &mut Rng, trace: &mut Trace) {
        let place = rng.below(3);
        let partition = self.partition(rng, place);
        trace.say(cluster.now(), format_args!("a flood of garbage in {partition}"));
        for _ in 0..60 {
            cluster.append_raw(&partition, None, Some(b"!"), None);
        }
    }

    /// A burst of activities far apart in time, as of a backfill.
    pub fn burst(&mut self, world: &World, cluster: &Cluster, rng: &mut Rng, trace: &mut Trace) {
        let (place, now) = (rng.below(3), cluster.now());
        let partition = self.partition(rng, place);
        trace.say(now, format_args!("a burst of old activity in {partition}"));
        self.deeds.strike(Deed::Backfilled, true);
        for number in 0..150 {
            let account = world.accounts[rng.below(world.accounts.len())].clone();
            let value = self.value(rng, place, &account, now - 86_400 * SECOND - number * 607 * SECOND, 'l');
            cluster.append_raw(&partition, Some(b"k"), Some(&value), None);
        }
    }

    /// Adds a partition to a source topic, with an activity as old as may be; one as new as may be follows in the
    /// first partition.
    pub fn widen(&mut self, world: &World, cluster: &Cluster, rng: &mut Rng, trace: &mut Trace) {
        let place = rng.below(3);
        self.partitions[place] += 1;
        self.deeds.fire(Deed::PartitionAdded);
        trace
            .say(cluster.now(), format_args!("{} has {} partitions", SOURCES[place], self.partitions[place]));
        let topic = topic::of_source(SOURCES[place]);
        cluster.add_partitions(&topic, self.partitions[place]);
        let (Rules { delay, skew, .. }, account) = (world.in_force(place), world.accounts[0].clone());
        for (number, ago) in [(self.partitions[place] - 1, delay), (0, -skew)] {
            let value = self.value(rng, place, &account, cluster.now() - ago, 'n');
            cluster.append_raw(&Partition::new(topic.clone(), number), Some(b"k"), Some(&value), None);
            cluster.advance(1);
        }
    }

    /// A sign of life of the first account in every source.
    pub fn beat(&mut self, world: &World, cluster: &Cluster, rng: &mut Rng) {
        for place in 0..SOURCES.len() {
            let value = self.value(rng, place, &world.accounts[0].clone(), cluster.now(), 'n');
            let partition = self.partition(rng, place);
            cluster.append_raw(&partition, Some(b"k"), Some(&value), None);
        }
    }

    /// What it did that is counted.
    #[must_use]
    pub const fn deeds(&self) -> &Deeds {
        &self.deeds
    }

    /// How many partitions a source has.
    #[must_use]
    pub const fn partitions(&self) -> [u32; 3] {
        self.partitions
    }
}
