//! The processes: workers over the simulated cluster, killed and started again.

use super::trace::Trace;
use super::world::World;
use log::Partition;
use log::simulated::{Cluster, Simulated};
use pipeline::settings::Identity;
use pipeline::status::{Phase, ShardStatus};
use pipeline::variant::Variant;
use pipeline::{Failure, Ingest, Progress, Recorded, Score, topic};

/// The instance of vitals that is simulated.
pub const INSTANCE: &str = "sim";

/// What a worker does.
#[derive(Debug)]
pub enum Body<V: Variant> {
    /// It is down.
    Down,
    /// All source records in, merged by event time.
    Recorded(Box<Recorded<Simulated, V>>),
    /// Source records in, entries of the journal out.
    Ingest(Box<Ingest<Simulated, V>>),
    /// Entries in, effects out.
    Score(Box<Score<Simulated, V>>),
}

/// Which stage a worker belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Before the journal, in recorded time.
    Recorded,
    /// Before the journal.
    Ingest,
    /// After it.
    Score,
}

/// One worker, over all its lives.
#[derive(Debug)]
pub struct Worker<V: Variant> {
    /// Its stage.
    pub stage: Stage,
    /// Its number within the stage.
    pub number: u32,
    /// The process it runs in.
    pub log: Simulated,
    /// What runs.
    pub body: Body<V>,
    /// When it is started again, if it is down.
    pub back_at: i64,
}

impl<V: Variant> Worker<V> {
    /// One that was never started.
    #[must_use]
    pub fn new(cluster: &Cluster, stage: Stage, number: u32) -> Self {
        let log = cluster.process("unborn");
        cluster.kill(&log);
        Self { stage, number, log, body: Body::Down, back_at: i64::MIN }
    }

    /// Starts it in a new process.
    pub fn start(&mut self, world: &World, cluster: &Cluster) {
        let name = format!("{:?}-{}", self.stage, self.number);
        self.log = cluster.process(&name);
        let identity = Identity { instance: INSTANCE.to_owned(), worker: self.number, ..Identity::default() };
        let log = self.log.clone();
        self.body = match self.stage {
            Stage::Recorded => {
                Body::Recorded(Box::new(Recorded::of_variant(log, identity, world.ingest.clone(), None)))
            }
            Stage::Ingest => Body::Ingest(Box::new(Ingest::of_variant(log, identity, world.ingest.clone()))),
            Stage::Score => Body::Score(Box::new(Score::of_variant(log, identity, world.score.clone()))),
        };
    }

    /// Ends its process at once.
    pub fn kill(&mut self, cluster: &Cluster, back_at: i64) {
        cluster.kill(&self.log);
        self.body = Body::Down;
        self.back_at = back_at;
    }

    /// Whether it is down.
    pub const fn is_down(&self) -> bool {
        matches!(self.body, Body::Down)
    }

    /// Steps it once. A failure that a worker may have ends its process; any other is a finding.
    ///
    /// # Errors
    /// The finding, in words.
    pub fn step(&mut self, cluster: &Cluster, trace: &mut Trace) -> Result<Progress, String> {
        let result = match &mut self.body {
            Body::Down => return Ok(Progress::Idle),
            Body::Recorded(recorded) => recorded.step(),
            Body::Ingest(ingest) => ingest.step(),
            Body::Score(score) => score.step(),
        };
        let (stage, number, now) = (self.stage, self.number, cluster.now());
        match result {
            Ok(progress) => {
                trace.same((stage, number, progress == Progress::Worked));
                Ok(progress)
            }
            Err(failure) => {
                let died = cluster.is_dead(&self.log);
                let may =
                    died || matches!(failure, Failure::Fenced { .. } | Failure::Log(log::Error::Fatal(_)));
                let what = if died { "dies of".to_owned() } else { format!("{failure}") };
                trace.say(now, format_args!("{stage:?}-{number} {what}"));
                self.kill(cluster, now + 1_000);
                if may { Ok(Progress::Idle) } else { Err(format!("{stage:?}-{number} failed: {failure}")) }
            }
        }
    }

    /// The partitions that it refuses, and why.
    #[must_use]
    pub fn refusals(&self) -> Vec<(Partition, String)> {
        match &self.body {
            Body::Score(score) => {
                let refused = |shard: ShardStatus| match shard.phase {
                    Phase::Refused(reason) => Some((Partition::new(topic::JOURNAL, shard.partition), reason)),
                    Phase::Waiting | Phase::Restoring | Phase::Replaying | Phase::Live => None,
                };
                score.status().shards.into_iter().filter_map(refused).collect()
            }
            Body::Ingest(ingest) => {
                // A reason that is of one partition begins with it.
                let refused = |reason: String| {
                    let (topic, number) = reason.split_once(": ")?.0.rsplit_once('/')?;
                    topic::source_of(topic)?;
                    Some((Partition::new(topic, number.parse().ok()?), reason))
                };
                ingest.status().reasons.into_iter().filter_map(refused).collect()
            }
            Body::Down | Body::Recorded(_) => Vec::new(),
        }
    }

    /// Why a worker refuses to go on, if it does.
    #[must_use]
    pub fn refusal(&self) -> Option<String> {
        let (_, reason) = self.refusals().into_iter().next()?;
        Some(format!("{:?}-{}: {reason}", self.stage, self.number))
    }

    /// The greatest memory that a score worker uses for what is not committed, in bytes.
    #[must_use]
    pub fn outbox(&self) -> usize {
        let Body::Score(score) = &self.body else { return 0 };
        score.status().outbox
    }

    /// Leaves the group, so that the others take over.
    pub fn stop(&mut self, cluster: &Cluster) {
        match std::mem::replace(&mut self.body, Body::Down) {
            Body::Recorded(recorded) => recorded.stop(),
            Body::Ingest(ingest) => ingest.stop(),
            Body::Score(score) => score.stop(),
            Body::Down => {}
        }
        cluster.kill(&self.log);
        self.back_at = i64::MAX;
    }
}
