//! The stream comes in, and the workers are stepped as the schedule says.

use super::ending::{self, End};
use super::outputs::Published;
use super::schedule::Schedule;
use super::stream::{PARTITIONS, Stream};
use crate::simulation::crew::INSTANCE;
use crate::simulation::rng::Rng;
use anyhow::{Result, anyhow, ensure};
use log::simulated::{Cluster, Faults, Simulated};
use log::{Log as _, Partition};
use model::source::{SOURCES, Source};
use model::time::{DAY, HOUR, MINUTE, SECOND};
use pipeline::settings::{self, Identity};
use pipeline::{Ingest, Progress, Score, topic};
use std::sync::Arc;
use std::time::Duration;

/// Partitions of the journal.
pub(super) const JOURNAL: u32 = 2;

/// How long after the last record the instant is at which all schedules end, ms: soon enough for feeds to live.
const AFTER: i64 = 6 * HOUR;

/// How often what is published is taken out and what is stored is compacted, ms.
const TIDY: i64 = 7 * DAY;

/// How often a worker may be stepped before it must have come to an end.
const PATIENCE: usize = 1_000_000;

/// A worker of either stage.
enum Worker {
    Ingest(Box<Ingest<Simulated>>),
    Score(Box<Score<Simulated>>),
}

impl Worker {
    fn step(&mut self) -> Result<Progress> {
        Ok(match self {
            Self::Ingest(ingest) => ingest.step()?,
            Self::Score(score) => score.step()?,
        })
    }
}

struct Run<'s> {
    stream: &'s Stream,
    schedule: &'s Schedule,
    cluster: Cluster,
    rng: Rng,
    topics: [Arc<str>; SOURCES],
    /// When which record is appended, and how many are.
    appends: Vec<(i64, usize)>,
    appended: usize,
    workers: Vec<Worker>,
    published: Published,
}

/// Lives through a stream as the schedule says, until the watermark of every source stands at one instant.
///
/// # Errors
/// What is wrong: a record that did not keep max delay, a worker that failed, outputs that the journal does not give,
/// a record that is not accounted for, time that did not come as far as it must.
pub fn play(stream: &Stream, schedule: &Schedule) -> Result<End> {
    let mut rng = Rng::new(schedule.seed);
    let cluster = Cluster::starting_at(schedule.seed, Faults::none(), stream.first() - DAY);
    for spec in topic::specs(JOURNAL, PARTITIONS) {
        cluster.create(&spec)?;
    }
    let publisher = cluster.process("publisher");
    pipeline::publish_now(&publisher, stream.model, 1)?;
    let appends = stream.appends(&mut rng);
    let workers = workers(&cluster, schedule);
    let topics = Source::ALL.map(topic::of_source);
    let mut run = Run {
        stream,
        schedule,
        cluster,
        rng,
        topics,
        appends,
        appended: 0,
        workers,
        published: Published::default(),
    };
    run.live()?;
    let end = run.finish()?;
    run.published.take(&run.cluster);
    ending::look(&run.cluster, stream, &run.published, end, schedule.stall.map(|stall| stall.source))
}

fn workers(cluster: &Cluster, schedule: &Schedule) -> Vec<Worker> {
    let identity = |worker| Identity { instance: INSTANCE.to_owned(), worker, ..Identity::default() };
    // Hours pass between two steps here, so what is done by the clock must be done less often.
    let settings =
        settings::Score { checkpoint_interval: Duration::from_secs(86_400), ..settings::Score::default() };
    let ingest = (0..schedule.workers[0]).map(|number| {
        let log = cluster.process(&format!("ingest-{number}"));
        Worker::Ingest(Box::new(Ingest::new(log, identity(number), settings::Ingest::default())))
    });
    let score = (0..schedule.workers[1]).map(|number| {
        let log = cluster.process(&format!("score-{number}"));
        Worker::Score(Box::new(Score::new(log, identity(number), settings.clone())))
    });
    ingest.chain(score).collect()
}

impl Run<'_> {
    /// Rounds until everything has been appended.
    fn live(&mut self) -> Result<()> {
        // Everybody joins before anything happens.
        for _ in 0..4 {
            self.drain()?;
            self.pass(SECOND)?;
        }
        self.cluster.set_faults(self.schedule.faults.clone());
        let mut stall = self.schedule.stall;
        let mut tidied = self.cluster.now();
        while self.appended < self.appends.len() {
            let stretch = self.rng.between(1, self.schedule.stretch);
            // The producers are done an hour after the last record; what is left of the time is for the workers.
            self.pass(stretch.min(self.stream.last() + HOUR - self.cluster.now()))?;
            if let Some(due) = stall.take_if(|stall| stall.from <= self.cluster.now()) {
                let topic = Arc::clone(&self.topics[due.source.index()]);
                self.cluster.stall(&Partition::new(topic, due.partition), due.until);
            }
            for which in 0..self.workers.len() {
                if self.rng.chance(self.schedule.care) {
                    self.step(which, self.schedule.steps)?;
                }
            }
            if self.cluster.now() - tidied > TIDY {
                tidied = self.cluster.now();
                self.published.take(&self.cluster);
                self.cluster.compact(topic::STATE);
            }
        }
        Ok(())
    }

    /// Steps a worker at most so often, until it has nothing to do.
    fn step(&mut self, which: usize, steps: usize) -> Result<()> {
        let mut idle = 0;
        for step in 0..steps {
            ensure!(step < PATIENCE, "a worker does not come to an end");
            idle = if self.workers[which].step()? == Progress::Idle { idle + 1 } else { 0 };
            if idle == 3 {
                break;
            }
            let span = self.rng.between(0, 60);
            self.pass(span)?;
        }
        Ok(())
    }

    fn drain(&mut self) -> Result<()> {
        (0..self.workers.len()).try_for_each(|which| self.step(which, usize::MAX))
    }

    /// Lets time pass, and what comes in it.
    fn pass(&mut self, ms: i64) -> Result<()> {
        let until = self.cluster.now() + ms;
        while let Some((at, place)) = self.appends.get(self.appended).copied().filter(|(at, _)| *at <= until)
        {
            self.cluster.advance(at - self.cluster.now());
            self.append(place)?;
            self.appended += 1;
        }
        self.cluster.advance(until - self.cluster.now());
        Ok(())
    }

    fn append(&self, place: usize) -> Result<()> {
        let record = &self.stream.records[place];
        let (rules, now) = (&self.stream.rules[record.source.index()], self.cluster.now());
        if let Some(late) = record.time.map(|time| now - time).filter(|late| *late > rules.max_delay) {
            return Err(anyhow!("record {place} of the stream is appended {late} ms after it happened"));
        }
        let partition = Partition::new(Arc::clone(&self.topics[record.source.index()]), record.partition);
        let offset =
            self.cluster.append_raw(&partition, Some(&record.key), Some(&record.value), Some(record.stamp));
        ensure!(offset.is_some(), "there is no {partition}");
        Ok(())
    }

    /// Lets everything be read, and the watermark of every source come to the same instant in every schedule; then
    /// lets all be folded. Returns that instant by the clock of the log.
    fn finish(&mut self) -> Result<i64> {
        self.cluster.set_faults(Faults::none());
        let end = self.stream.last() + AFTER;
        while self.cluster.now() < end - HOUR {
            self.pass(HOUR / 2)?;
            self.drain()?;
        }
        // What is proved, is proved for the instant of a question; the last is asked at the end itself.
        for left in [MINUTE, 2 * SECOND, SECOND, 0] {
            let span = end - left - self.cluster.now();
            ensure!(span >= 0, "the workers do not come to an end in time");
            self.cluster.advance(span);
            for worker in self.workers.iter_mut().filter(|worker| matches!(worker, Worker::Ingest(_))) {
                for _ in 0..10 {
                    worker.step()?;
                }
            }
        }
        self.fold_to_the_end()?;
        Ok(end)
    }

    /// All workers leave but one that scores; it takes over what the others had.
    fn fold_to_the_end(&mut self) -> Result<()> {
        self.drain()?;
        let mut last = None;
        for worker in self.workers.drain(..) {
            match worker {
                Worker::Ingest(ingest) => ingest.stop(),
                Worker::Score(score) if last.is_none() => last = Some(score),
                Worker::Score(score) => score.stop(),
            }
        }
        let mut score = last.ok_or_else(|| anyhow!("nobody scores"))?;
        let log = self.cluster.process("reader");
        for _ in 0..PATIENCE {
            score.step()?;
            self.cluster.advance(10);
            let round = log.ends(&[topic::JOURNAL.into()])?;
            let ends: Vec<i64> = round.topics[0].iter().map(|ends| ends.end).collect();
            if score.has_reached(&ends) {
                return Ok(());
            }
        }
        Err(anyhow!("the journal is not folded to its end: {:?}", score.status()))
    }
}
