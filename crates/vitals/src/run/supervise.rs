//! Watches over a run: the admin server answers, workers end, signals come.

use super::crew::{Crew, Stage};
use super::premise::{Premise, Wait};
use super::worker::End;
use super::{Mode, Plan};
use crate::access::Address;
use crate::admin::board::Board;
use crate::admin::{self, Desk};
use crate::print;
use crate::settings::{LogKind, Settings};
use crate::store::Store;
use anyhow::{Context, Result, anyhow};
use indicatif::ProgressBar;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

/// How long workers may take to stop.
const WORKERS: Duration = Duration::from_secs(10);
/// How long the server may take to finish what it was asked.
const SERVER: Duration = Duration::from_secs(2);

/// Runs until a recorded run is done, a signal comes or a worker fails.
pub(crate) async fn supervise(log: &Store, settings: &Settings, plan: Plan) -> Result<()> {
    let listen = settings.admin.listen;
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!("admin.listen = {listen}: the admin server cannot listen there; name another address, or port 0 for any free one")
    })?;
    let token =
        if settings.admin.token.is_empty() { admin::make_token()? } else { settings.admin.token.clone() };
    let address = Address { listen: listener.local_addr()?, pid: std::process::id(), token: token.clone() };
    let mut signals = Signals::new()?;

    let mut board = Board::new(settings.instance.clone());
    let place = settings.place();
    let wait = Wait {
        log: log.clone(),
        tell: board.wait(format!("waiting for {place}")),
        place,
        stop: Arc::default(),
    };
    let mut crew = Crew::gather(log, settings, plan, &mut board);
    let desk = Arc::new(Desk::new(board, log, &settings.instance, crew.orders.clone(), token));
    // Where others cannot come to the log by themselves, they must know whom to ask.
    let written = match settings.log.kind {
        LogKind::Embedded => Some(address.write(&settings.log.dir)?),
        LogKind::Kafka => None,
    };
    if settings.log.kind == LogKind::Kafka && settings.admin.token.is_empty() {
        tracing::warn!("admin.token is not set: `status` and `source resume` cannot ask this process");
    }
    tracing::info!(address = %address.listen, mode = ?plan.mode, log = settings.place(), "running");

    let (end, ended) = oneshot::channel::<()>();
    let mut server = JoinSet::new();
    server.spawn(admin::serve(listener, desk, async { ended.await.unwrap_or_default() }));
    let outcome = match hold(wait, &mut server, &mut signals).await {
        Ok(Premise::Holds) => match crew.start() {
            Ok(()) => watch(&mut crew, plan, &mut server, &mut signals).await,
            Err(error) => Err(error),
        },
        Ok(Premise::Open) if plan.mode == Mode::Live => Ok(()),
        Ok(Premise::Open) => Err(anyhow!("stopped before it began")),
        Err(error) => Err(error),
    };

    crew.stop();
    let stopped = async { while crew.next_end().await.is_some() {} };
    tokio::select! {
        stopped = timeout(WORKERS, stopped) => match stopped {
            Ok(()) => crew.join(),
            Err(_) => tracing::error!(budget = ?WORKERS, "workers did not stop in time and are left behind"),
        },
        () = signals.next() => tracing::warn!("a second signal: workers are left behind"),
    }
    // The server may be gone already.
    end.send(()).unwrap_or_default();
    if timeout(SERVER, server.join_next()).await.is_err() {
        tracing::warn!(budget = ?SERVER, "requests were still open");
    }
    drop(written);
    tracing::info!("stopped");
    outcome
}

/// Waits until workers can start, or somebody asks to stop.
async fn hold(
    wait: Wait,
    server: &mut JoinSet<std::io::Result<()>>,
    signals: &mut Signals,
) -> Result<Premise> {
    let stop = Arc::clone(&wait.stop);
    let mut waiting = tokio::task::spawn_blocking(move || wait.hold());
    loop {
        tokio::select! {
            held = &mut waiting => return held.context("the look at the topics broke")?,
            () = signals.next() => {
                tracing::info!("asked to stop");
                stop.store(true, Ordering::Relaxed);
            }
            Some(served) = server.join_next() => {
                stop.store(true, Ordering::Relaxed);
                served.context("the admin server broke")?.context("the admin server failed")?;
                return Err(anyhow!("the admin server ended"));
            }
        }
    }
}

/// Waits for the end of the run.
async fn watch(
    crew: &mut Crew,
    plan: Plan,
    server: &mut JoinSet<std::io::Result<()>>,
    signals: &mut Signals,
) -> Result<()> {
    let bar = bar(plan);
    let mut tick = interval(Duration::from_millis(200));
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = signals.next() => {
                tracing::info!("asked to stop");
                return Ok(());
            }
            _ = tick.tick() => show(&bar, crew),
            Some(served) = server.join_next() => {
                served.context("the admin server broke")?.context("the admin server failed")?;
                return Err(anyhow!("the admin server ended"));
            }
            ended = crew.next_end() => match ended {
                Some((Stage::Ingest, End::Done)) => {
                    show(&bar, crew);
                    crew.finish()?;
                }
                Some((Stage::Score, End::Done)) | None => {
                    bar.finish_and_clear();
                    return Ok(());
                }
                Some((stage, end)) => return Err(failure(stage, end)),
            },
        }
    }
}

/// Why a run ended before its time.
pub(crate) fn failure(stage: Stage, end: End) -> anyhow::Error {
    let name = stage.name();
    match end {
        End::Failed(failure) => anyhow::Error::new(failure).context(format!("the {name} worker failed")),
        End::Refused(reason) => anyhow!("the {name} worker goes no further: {reason}"),
        End::Panicked => anyhow!("the {name} worker broke; its message stands above; please report it"),
        End::Done | End::Stopped => anyhow!("the {name} worker ended"),
    }
}

/// Progress of a recorded run, for people who watch.
fn bar(plan: Plan) -> ProgressBar {
    match plan.mode {
        Mode::Recorded { .. } if print::is_watched() => ProgressBar::new(0).with_message("records"),
        Mode::Recorded { .. } | Mode::Live => ProgressBar::hidden(),
    }
}

fn show(bar: &ProgressBar, crew: &Crew) {
    let (done, total) = crew.progress();
    bar.set_length(total);
    bar.set_position(done);
}

/// The signals that ask a process to end.
struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        let listen = |kind| signal(kind).context("signals cannot be heard");
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
