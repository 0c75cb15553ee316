//! The threads of a run: each has its place before any starts, they are started together, told to stop together, and never
//! lost sight of.

use super::worker::{self, End, Meter, Seat, Worker};
use super::{Mode, Order, Plan};
use crate::access::direct::patiently;
use crate::admin::board::Board;
use crate::settings::{Role, Settings};
use crate::store::Store;
use anyhow::{Context, Result};
use log::Log;
use pipeline::settings::Identity;
use pipeline::{Ingest, Recorded, Score};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use tokio::sync::{mpsc, watch};

/// The stages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Source topics to journal.
    Ingest,
    /// Journal to outputs.
    Score,
}

impl Stage {
    const ALL: [Self; 2] = [Self::Ingest, Self::Score];

    /// Whether a run of this role works on it.
    fn is_of(self, role: Role) -> bool {
        match role {
            Role::All => true,
            Role::Ingest => self == Self::Ingest,
            Role::Score => self == Self::Score,
        }
    }

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Ingest => "ingest",
            Self::Score => "score",
        }
    }
}

/// The threads.
#[derive(Debug)]
pub(crate) struct Crew {
    log: Store,
    /// Who is to work, until they start or are told to stop.
    roster: Option<Roster>,
    threads: Vec<JoinHandle<()>>,
    stop: Arc<AtomicBool>,
    goal: watch::Sender<Option<Vec<i64>>>,
    ended: mpsc::UnboundedReceiver<(Stage, End)>,
    meter: Arc<Meter>,
    /// Where each ingest worker takes orders.
    pub(crate) orders: Vec<mpsc::Sender<Order>>,
}

/// Who is to work, and on what.
#[derive(Debug)]
struct Roster {
    settings: Settings,
    plan: Plan,
    tell: mpsc::UnboundedSender<(Stage, End)>,
    hands: Vec<Hand>,
}

/// A worker that has not started.
#[derive(Debug)]
struct Hand {
    stage: Stage,
    /// Its number within the stage.
    worker: u32,
    name: String,
    seat: Seat,
}

impl Crew {
    /// Gives each worker its place on the board. None starts yet.
    pub(crate) fn gather(log: &Store, settings: &Settings, plan: Plan, board: &mut Board) -> Self {
        let (tell, ended) = mpsc::unbounded_channel();
        let (goal, _) = watch::channel(None);
        let mut hands = Vec::new();
        let mut crew = Self {
            log: log.clone(),
            roster: None,
            threads: Vec::new(),
            stop: Arc::default(),
            goal,
            ended,
            meter: Arc::default(),
            orders: Vec::new(),
        };
        let stages = Stage::ALL.into_iter().filter(|stage| stage.is_of(settings.run.role));
        for (stage, worker) in stages.flat_map(|stage| (0..settings.run.workers).map(move |n| (stage, n))) {
            let name = match settings.run.workers {
                1 => stage.name().to_owned(),
                _ => format!("{}-{worker}", stage.name()),
            };
            let (order, orders) = mpsc::channel(16);
            if stage == Stage::Ingest {
                crew.orders.push(order);
            }
            let seat = Seat {
                report: board.post(&name),
                stop: Arc::clone(&crew.stop),
                goal: crew.goal.subscribe(),
                orders,
                meter: Arc::clone(&crew.meter),
            };
            hands.push(Hand { stage, worker, name, seat });
        }
        crew.roster = Some(Roster { settings: settings.clone(), plan, tell, hands });
        crew
    }

    /// Starts the workers; each tells the board how it stands.
    pub(crate) fn start(&mut self) -> Result<()> {
        let Some(Roster { settings, plan, tell, hands }) = self.roster.take() else { return Ok(()) };
        for Hand { stage, worker, name, seat } in hands {
            let (log, settings, tell) = (self.log.clone(), settings.clone(), tell.clone());
            let body = move || {
                let mut last = Last { stage, tell, end: Some(End::Panicked) };
                let identity = Identity { worker, ..settings.identity() };
                let end =
                    worker::drive(seat, plan.mode, || make(stage, &log, identity.clone(), &settings, plan));
                last.end = Some(end);
            };
            let thread = thread::Builder::new().name(format!("vitals-{name}")).spawn(body);
            self.threads.push(thread.with_context(|| format!("the thread of {name} cannot start"))?);
        }
        Ok(())
    }

    /// How the next worker ended; `None` if all have.
    pub(crate) async fn next_end(&mut self) -> Option<(Stage, End)> {
        self.ended.recv().await
    }

    /// The same, for those who wait by themselves.
    pub(crate) fn try_end(&mut self) -> Option<(Stage, End)> {
        self.ended.try_recv().ok()
    }

    /// Lets score end once it has folded and committed the whole journal as it is now.
    pub(crate) fn finish(&self) -> Result<()> {
        let round = patiently(|| self.log.ends(&[pipeline::topic::JOURNAL.into()]))?;
        let ends = round.topics.first().map(|ends| ends.iter().map(|ends| ends.end).collect());
        self.goal.send_replace(ends);
        Ok(())
    }

    /// Tells all workers to stop. Who has not started never will.
    pub(crate) fn stop(&mut self) {
        self.roster = None;
        self.stop.store(true, Ordering::Relaxed);
    }

    /// How far a recorded run has come.
    pub(crate) fn progress(&self) -> (u64, u64) {
        self.meter.read()
    }

    /// Waits for the threads, which must have been told to stop or have ended.
    pub(crate) fn join(self) {
        for thread in self.threads {
            // Its end was told already, a panic too.
            thread.join().unwrap_or_default();
        }
    }
}

/// Tells of the end of a thread, however it comes.
struct Last {
    stage: Stage,
    tell: mpsc::UnboundedSender<(Stage, End)>,
    end: Option<End>,
}

impl Drop for Last {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            // Nobody listens any more if the process ends.
            self.tell.send((self.stage, end)).unwrap_or_default();
        }
    }
}

fn make(stage: Stage, log: &Store, identity: Identity, settings: &Settings, plan: Plan) -> Worker {
    let log = log.clone();
    match (stage, plan.mode) {
        (Stage::Ingest, Mode::Live) => {
            let ingest = pipeline::settings::Ingest { rebuild: plan.rebuild, ..settings.ingest.clone() };
            Worker::Ingest(Box::new(Ingest::new(log, identity, ingest)))
        }
        (Stage::Ingest, Mode::Recorded { until }) => {
            Worker::Recorded(Box::new(Recorded::new(log, identity, settings.ingest.clone(), until)))
        }
        (Stage::Score, _) => {
            let score = pipeline::settings::Score { rebuild: plan.rebuild, ..settings.score.clone() };
            Worker::Score(Box::new(Score::new(log, identity, score)))
        }
    }
}
