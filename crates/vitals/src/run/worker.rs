//! One worker on its thread.

use super::{Mode, Order};
use crate::admin::board::Report;
use crate::store::Store;
use pipeline::status::{Phase, ShardStatus};
use pipeline::topic::JOURNAL;
use pipeline::{Failure, Ingest, Progress, Recorded, Score};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::sync::{mpsc, watch};

/// How often a worker tells how it stands.
const TELL: Duration = Duration::from_millis(200);

/// How many accounts are counted each time: a hundredth of a worker's time at most.
const COUNTED: usize = 4_096;

/// How long a worker that had nothing to do sleeps, beside what its polls wait.
const REST: Duration = Duration::from_millis(1);
/// After how long a worker that refused is tried again.
const AGAIN: Duration = Duration::from_secs(5);

/// A worker of either stage.
#[derive(Debug)]
pub(super) enum Worker {
    Ingest(Box<Ingest<Store>>),
    Recorded(Box<Recorded<Store>>),
    Score(Box<Score<Store>>),
}

/// How a thread ended.
#[derive(Debug)]
pub(crate) enum End {
    /// It did all there was to do.
    Done,
    /// It was told to stop.
    Stopped,
    /// It cannot go on.
    Failed(Failure),
    /// What it works on is refused, for so long that it does not pass by itself.
    Refused(String),
    /// It broke.
    Panicked,
}

/// How far a recorded run has come.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    done: AtomicU64,
    total: AtomicU64,
}

impl Meter {
    /// Records merged, and all records.
    pub(crate) fn read(&self) -> (u64, u64) {
        (self.done.load(Ordering::Relaxed), self.total.load(Ordering::Relaxed))
    }
}

/// What a thread has beside its worker.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) report: watch::Sender<Report>,
    pub(super) stop: Arc<AtomicBool>,
    /// The journal's ends at which score is done, once known.
    pub(super) goal: watch::Receiver<Option<Vec<i64>>>,
    pub(super) orders: mpsc::Receiver<Order>,
    pub(super) meter: Arc<Meter>,
}

/// Drives workers made by `make`, one after another, until there is an end. In a live run one that refuses to go on is tried
/// again: what is wrong may be mended under it. A recorded run ends.
pub(super) fn drive(mut seat: Seat, mode: Mode, make: impl Fn() -> Worker) -> End {
    loop {
        let mut worker = make();
        let mut told: Option<Instant> = None;
        let mut waiting = Waiting::default();
        let refusal = loop {
            if seat.is_stopped() {
                worker.stop();
                return End::Stopped;
            }
            seat.obey(&mut worker);
            match worker.step() {
                Ok(Progress::Worked) => {}
                Ok(Progress::Idle) => std::thread::sleep(REST),
                Ok(Progress::Done) => return seat.finish(worker),
                Err(Failure::Refused { partition, reason, remedy }) if mode == Mode::Live => {
                    break format!("{partition}: {reason}; {remedy}");
                }
                Err(failure) => return End::Failed(failure),
            }
            if worker.has_reached(seat.goal.borrow().as_deref()) {
                return seat.finish(worker);
            }
            if told.is_none_or(|told| told.elapsed() >= TELL) {
                worker.count(COUNTED);
                let report = worker.report();
                let refusal = if mode == Mode::Live { None } else { waiting.look(&report) };
                seat.tell(&worker, report);
                if let Some(refusal) = refusal {
                    worker.stop();
                    return End::Refused(refusal);
                }
                told = Some(Instant::now());
            }
        };
        worker.stop();
        tracing::error!(reason = refusal, "a worker refuses to go on");
        seat.report.send_replace(Report::Refused(refusal));
        if !seat.rest(AGAIN) {
            return End::Stopped;
        }
    }
}

/// What a worker of a recorded run waits for. Nobody may be looking at its admin server.
#[derive(Debug, Default)]
struct Waiting {
    reasons: Vec<String>,
    since: Option<Instant>,
}

impl Waiting {
    /// Where it has been the same for so long that it may not pass by itself: says what ingest waits for, once, and returns
    /// why a shard is refused.
    fn look(&mut self, report: &Report) -> Option<String> {
        let (reasons, is_refusal) = match report {
            Report::Ingest(status) => (status.reasons.clone(), false),
            Report::Score(status) => (status.shards.iter().filter_map(refusal).collect(), true),
            Report::Starting | Report::Refused(_) => return None,
        };
        if reasons != self.reasons {
            (self.reasons, self.since) = (reasons, Some(Instant::now()));
            return None;
        }
        if self.reasons.is_empty() || self.since.take_if(|since| since.elapsed() >= AGAIN).is_none() {
            return None;
        }
        let reasons = self.reasons.join("; ");
        if is_refusal {
            return Some(reasons);
        }
        tracing::warn!(reasons, "the run waits");
        None
    }
}

/// Why a shard does not go live, if it is refused.
fn refusal(shard: &ShardStatus) -> Option<String> {
    match &shard.phase {
        Phase::Refused(reason) => Some(format!("{JOURNAL}-{}: {reason}", shard.partition)),
        Phase::Waiting | Phase::Restoring | Phase::Replaying | Phase::Live => None,
    }
}

impl Seat {
    fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    fn tell(&self, worker: &Worker, report: Report) {
        if let Worker::Recorded(recorded) = worker {
            let (done, total) = recorded.progress();
            self.meter.done.store(done, Ordering::Relaxed);
            self.meter.total.store(total, Ordering::Relaxed);
        }
        self.report.send_replace(report);
    }

    fn finish(&self, mut worker: Worker) -> End {
        worker.count(usize::MAX);
        self.tell(&worker, worker.report());
        worker.stop();
        End::Done
    }

    /// Waits, unless it is told to stop. Orders that come meanwhile are answered by the dropped reply.
    fn rest(&mut self, span: Duration) -> bool {
        let begin = Instant::now();
        while begin.elapsed() < span {
            if self.is_stopped() {
                return false;
            }
            while self.orders.try_recv().is_ok() {}
            std::thread::sleep(Duration::from_millis(20));
        }
        true
    }

    fn obey(&mut self, worker: &mut Worker) {
        const RECORDED: &str = "a recorded run takes in all there is or nothing; let it end, then run live";
        while let Ok(order) = self.orders.try_recv() {
            // Who asked may have gone away.
            match order {
                Order::Resume { source, reply } => {
                    let done = match worker {
                        Worker::Ingest(ingest) => {
                            ingest.resume(source).map_err(|failure| failure.to_string())
                        }
                        Worker::Recorded(_) | Worker::Score(_) => Err(RECORDED.to_owned()),
                    };
                    tracing::info!(%source, ?done, "asked to resume a source");
                    reply.send(done).unwrap_or_default();
                }
                Order::Skip { source, partition, reply } => {
                    let done = match worker {
                        Worker::Ingest(ingest) => Ok(ingest.skip(source, partition)),
                        Worker::Recorded(_) | Worker::Score(_) => Err(RECORDED.to_owned()),
                    };
                    tracing::info!(%source, partition, ?done, "asked to accept a loss");
                    reply.send(done).unwrap_or_default();
                }
            }
        }
    }
}

impl Worker {
    fn step(&mut self) -> Result<Progress, Failure> {
        match self {
            Self::Ingest(ingest) => ingest.step(),
            Self::Recorded(recorded) => recorded.step(),
            Self::Score(score) => score.step(),
        }
    }

    fn has_reached(&self, goal: Option<&[i64]>) -> bool {
        match (self, goal) {
            (Self::Score(score), Some(ends)) => score.has_reached(ends),
            (Self::Ingest(_) | Self::Recorded(_) | Self::Score(_), _) => false,
        }
    }

    fn count(&mut self, most: usize) {
        match self {
            Self::Score(score) => score.count(most),
            Self::Ingest(_) | Self::Recorded(_) => {}
        }
    }

    fn report(&self) -> Report {
        match self {
            Self::Ingest(ingest) => Report::Ingest(ingest.status()),
            Self::Recorded(recorded) => Report::Ingest(recorded.status()),
            Self::Score(score) => Report::Score(score.status()),
        }
    }

    fn stop(self) {
        match self {
            Self::Ingest(ingest) => ingest.stop(),
            Self::Recorded(recorded) => recorded.stop(),
            Self::Score(score) => score.stop(),
        }
    }
}
